"""What jobs do: render frames, track a shot, find the faces of a frame. Each is an iterator whose steps are frames."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceplate.errors import UsageError
from faceplate.flight import FrameDone, is_current, render_frames
from faceplate.frame import read_frame
from faceplate.pyramid import heal
from faceplate.render import Rendered, Renderer
from faceplate.server.jobs import Job, JobQueue, error_entry
from faceplate.server.roots import Roots
from faceplate.server.schema import FacesRequest, RenderRequest, TrackRequest
from faceplate.server.shared import SharedPixels
from faceplate.server.shots import OpenShot, make_folder, people, refuse_plate
from faceplate.track import track_shot

__all__ = ["HOPELESS", "faces_job", "render_job", "track_job"]

# A frame that fails for one of these fails for all: the rest of the range is given up.
HOPELESS = {"disk-full", "output-unwritable", "weights-changed", "weights-missing", "weights-unusable", "out-of-memory"}
_log = logging.getLogger("faceplate.server")


@dataclass(frozen=True)
class Desk:
    """What the work needs beside its request."""

    queue: JobQueue
    shared: SharedPixels
    roots: Roots


def render_job(desk: Desk, opened: OpenShot, request: RenderRequest) -> Job:
    """Frames, one a step. What is wrong with the request is refused here, before it waits in any queue."""
    frames = tuple(dict.fromkeys(request.frames))
    output = request.output or (opened.shot.output if request.pixels == "file" else "")
    if not output and request.pixels == "file":
        raise UsageError("no-output", "The shot names no output; give a pattern such as swap.####.exr.")
    if output:
        refuse_plate(opened, output, frames)
    opened.check((frames[0], *sorted(set(frames) & set(request.frame_values))), request.of, request.mode)
    if output:
        make_folder(output)

    def work(job: Job) -> Iterator[None]:
        if request.priority == "batch" and request.pixels == "file":
            yield from _in_flight(desk, opened, request, output, frames, job)
            return
        for frame in frames:
            desk.queue.frame(job, frame, **_entry("running"))
            entry = _rendered(desk, opened, request, output, frame, job)
            for note in entry["notes"]:
                desk.queue.log(job, "info", f"frame {frame}: {note}")
            desk.queue.frame(job, frame, **entry)
            if entry["error"] is not None and entry["error"]["code"] in HOPELESS:
                return
            yield

    job = Job("render", work, len(frames), request.priority, request.supersede)
    job.frames.update((frame, _entry("waiting")) for frame in frames)
    return job


def _entry(state: str, **known: Any) -> dict[str, Any]:
    empty = {"path": None, "key": None, "cached": False, "ms": None, "notes": [], "error": None, "shared": None}
    return {"state": state, **empty, **known}


def _rendered(
    desk: Desk, opened: OpenShot, request: RenderRequest, output: str, frame: int, job: Job
) -> dict[str, Any]:
    begun = time.perf_counter()
    try:
        values = request.of(frame)
        renderer = opened.renderer(output, request.mode)
        key = opened.frame_key(frame, values, request.proxy, request.mode)
        path = renderer.output.path(frame) if output else None
        desk.roots.check(renderer.plate.path(frame), path)  # a frame may be a link
        if renderer.plate_frame(frame) is None:
            return _entry("skipped", key=key, notes=["the plate's frame is missing"])
        if request.skip_current and path is not None and is_current(renderer, frame, values, request.proxy, key):
            return _entry("done", path=str(path), key=key, cached=True, ms=_since(begun))
        rendered = renderer.render(frame, values=values)
        notes = list(rendered.swapped.notes)
        shared = None
        if job.finished:  # cancelled meanwhile: nobody wants the file
            return _entry("cancelled")
        if path is not None:
            notes += renderer.write(rendered).notes
        if request.pixels == "shared":
            shared = _share(desk.shared, renderer, rendered)
        return _entry(
            "done", path=None if path is None else str(path), key=key, ms=_since(begun), notes=notes, shared=shared
        )
    except Exception as error:
        return _entry("failed", ms=_since(begun), error=error_entry(error))


def _in_flight(
    desk: Desk, opened: OpenShot, request: RenderRequest, output: str, frames: tuple[int, ...], job: Job
) -> Iterator[None]:
    """A batch with frames in flight: every GPU of the machine has a frame. A waiting artist comes in between two steps."""
    renderer = opened.renderer(output, request.mode)
    for frame in frames:
        desk.roots.check(renderer.plate.path(frame), renderer.output.path(frame))  # a frame may be a link
    coming = render_frames(renderer, frames, skip_current=request.skip_current, values=request.of, proxy=request.proxy)
    with contextlib.closing(coming):
        for done in coming:
            entry = _entry_of(done)
            for note in entry["notes"]:
                desk.queue.log(job, "info", f"frame {done.frame}: {note}")
            desk.queue.frame(job, done.frame, **entry)
            if done.error is not None and done.error.code in HOPELESS:
                return
            yield
            if job.finished:
                return


def _entry_of(done: FrameDone) -> dict[str, Any]:
    took = {"ms": round(sum(done.seconds.values()) * 1000, 1)}
    if done.error is not None:
        return _entry("failed", error=error_entry(done.error), **took)
    if done.current is not None:
        return _entry("done", path=str(done.current), cached=True, **took)
    if done.written is None or done.rendered is None:
        return _entry("skipped", notes=["the plate's frame is missing"])
    stages = {stage: round(seconds * 1000, 1) for stage, seconds in done.seconds.items()}
    return _entry(
        "done", path=str(done.written.path), key=done.rendered.key, notes=list(done.notes), stages=stages, **took
    )


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)


def _share(shared: SharedPixels, renderer: Renderer, rendered: Rendered) -> dict[str, Any]:
    """float32, premultiplied RGBA on the element's window, or the whole plate's RGB with the face in it, in plate space."""
    file, swapped = rendered.file, rendered.swapped
    if renderer.shot.mode == "over":
        window = file.data
        pixels = file.read_rgb(window).astype(np.float32)
        if not swapped.window.empty:
            place = swapped.window.slices(window)
            pixels[place] = np.where(swapped.matte[..., None] > 0, swapped.over, pixels[place])
    else:
        window, pixels = swapped.window, swapped.element
    return {
        **shared.put(pixels),
        "window": [window.x, window.y, window.width, window.height],
        "display": [file.display.x, file.display.y, file.display.width, file.display.height],
    }


def track_job(desk: Desk, opened: OpenShot, request: TrackRequest) -> Job:
    """A track of the shot, in the lane beside the frames'."""
    shot = opened.shot
    output = request.output or (None if shot.track is None else str(shot.track))
    if output is None:
        raise UsageError("no-output", "The shot names no track; give the file to write, such as sh010.track.json.")

    def work(job: Job) -> Iterator[None]:
        track = track_shot(
            shot.plate,
            Path(output),
            frames=request.frames or shot.frames,
            color=opened.renderer().color,
            space=shot.space,
            layer=shot.layer,
            workers=max((os.cpu_count() or 1) - 1, 1),
            progress=lambda done, total: desk.queue.progress(job, done, total),
            stop=job.stop,
        )
        for item in track.sidecar.unread:
            desk.queue.log(job, "warning", f"frame {item.frame} could not be read: {item.why}")
        job.result = {
            "path": output,
            "frames": len(track.frames),
            "people": people(track),
        }
        yield

    return Job("track", work, 0, request.priority, request.supersede, lane="tracks")


def faces_job(desk: Desk, opened: OpenShot, request: FacesRequest) -> Job:
    """The faces of one frame, numbered from the left as `target` numbers them; boxes in plate pixels, y down."""

    def work(job: Job) -> Iterator[None]:
        renderer = opened.renderer()
        file = renderer.open(request.frame)
        picture = read_frame(file, renderer.color, renderer.shot.space, renderer._search(file))
        picture = picture.with_pixels(heal(picture.pixels)[0])
        faces = sorted(renderer.finder.find(picture), key=lambda face: face.points[:, 0].mean())
        job.result = {
            "faces": [
                {"number": number, "box": [round(value, 2) for value in face.box], "score": round(face.score, 4)}
                for number, face in enumerate(faces, 1)
            ]
        }
        desk.queue.progress(job, 1)
        yield

    return Job("faces", work, 1, request.priority, request.supersede)
