"""What jobs do: render frames, track a shot, find the faces of a frame. Each is an iterator whose steps are frames."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

from faceplate.color.reading import read_frame
from faceplate.errors import UsageError
from faceplate.image.inpaint import heal
from faceplate.plate import Sequence
from faceplate.provenance import collect, record
from faceplate.render import Rendered, Renderer
from faceplate.render.batch import is_current, log_render
from faceplate.render.scheduler import Stage, pipelined
from faceplate.service.job_queue import Job, JobQueue, error_entry
from faceplate.service.roots import Roots
from faceplate.service.schema import FacesRequest, RenderRequest, TrackRequest
from faceplate.service.shared import SharedPixels
from faceplate.service.shots import OpenShot, make_folder, people, refuse_plate
from faceplate.signing import signing_key
from faceplate.track import track_shot

__all__ = ["FATAL_ERROR_CODES", "faces_job", "render_job", "track_job"]

# A frame that fails for one of these fails for all: the rest of the range is given up.
FATAL_ERROR_CODES = {
    "disk-full",
    "output-unwritable",
    "weights-changed",
    "weights-missing",
    "weights-unusable",
    "out-of-memory",
}
# Frames under way beside those being generated: one read, one in comp, one written.
_BESIDE = 3


@dataclass(frozen=True)
class JobContext:
    """What the work needs beside its request."""

    queue: JobQueue
    shared: SharedPixels
    roots: Roots


def render_job(desk: JobContext, opened: OpenShot, request: RenderRequest) -> Job:
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

    steps = _Steps(desk, opened, request, output)

    def work(job: Job) -> Iterator[None]:
        if steps.is_take:
            log_render(opened.renderer(output, request.mode), frames)
        for frame, entry in steps.all(frames, job):
            for note in entry["notes"]:
                desk.queue.log(job, "info", f"frame {frame}: {note}")
            desk.queue.frame(job, frame, **entry)
            if entry["error"] is not None and entry["error"]["code"] in FATAL_ERROR_CODES:
                return
            yield
        if steps.is_take:
            collect(Sequence.parse(output), signing_key())

    job = Job("render", work, len(frames), request.priority, request.supersede)
    job.frames.update((frame, _entry("waiting")) for frame in frames)
    return job


def _entry(state: str, **known: Any) -> dict[str, Any]:
    empty = {"path": None, "key": None, "cached": False, "ms": None, "notes": [], "error": None, "shared": None}
    return {"state": state, **empty, **known}


@dataclass(frozen=True)
class _Under:
    """A frame under way: what the next stage takes, or, when nothing is left to do, its `entry`."""

    frame: int
    begun: float
    renderer: Renderer
    loaded: Any = None
    entry: dict[str, Any] | None = None
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Steps:
    """A frame's stages, for one frame after the other or for several in flight."""

    desk: JobContext
    opened: OpenShot
    request: RenderRequest
    output: str

    @property
    def is_take(self) -> bool:
        """A batch is a take; what a host shows while an artist works leaves nothing but the picture."""
        return bool(self.output) and self.request.priority == "batch"

    def all(self, frames: tuple[int, ...], job: Job) -> Iterator[tuple[int, dict[str, Any]]]:
        """What became of each frame, in order. A batch has frames in flight, which a host that waits would rather not."""
        stages = [partial(self.load, job), self.generate, self.comp, partial(self.write, job)]
        if self.request.priority == "interactive" or len(frames) == 1:
            for frame in frames:
                yield frame, self._alone(frame, stages)
            return
        together = max((len(network.targets) for network in self._renderer().networks), default=1)
        flight = [stages[0], Stage(stages[1], together), *stages[2:]]
        for outcome in pipelined(frames, flight, together + _BESIDE):
            yield outcome.item, self._failed(outcome.error) if outcome.error else outcome.value

    def load(self, job: Job, frame: int) -> _Under:
        """Begins a frame: nothing to do where it is up to date, or the plate has a hole; else what it needs is read."""
        begun, values, proxy = time.perf_counter(), self.request.of(frame), self.request.proxy
        self.desk.queue.frame(job, frame, **_entry("running"))
        renderer = self._renderer()
        path = renderer.output.path(frame) if self.output else None
        self.desk.roots.check(renderer.plate.path(frame), path)  # a frame may be a link
        if renderer.plate_frame(frame) is None:
            return _Under(frame, begun, renderer, entry=_entry("skipped", notes=["the plate's frame is missing"]))
        if self.request.skip_current and path is not None:
            key = self.opened.frame_key(frame, values, proxy, self.request.mode)
            if key and is_current(renderer, frame, values, proxy, key):
                known = _entry("done", path=str(path), key=key, cached=True, ms=_since(begun))
                return _Under(frame, begun, renderer, entry=known)
        loaded = renderer.load(frame, values=values, proxy=proxy)
        return _Under(frame, begun, renderer, loaded, stages={"load": _since(begun)})

    def generate(self, under: _Under) -> _Under:
        return under if under.entry else _after("generate", under, under.renderer.generate)

    def comp(self, under: _Under) -> _Under:
        return under if under.entry else _after("comp", under, under.renderer.composite)

    def write(self, job: Job, under: _Under) -> dict[str, Any]:
        """Ends a frame: its file, its shared pixels, and what is said of it."""
        if under.entry is not None:
            return under.entry
        if job.finished:  # cancelled meanwhile: nobody wants the file
            return _entry("cancelled")
        rendered: Rendered = under.loaded
        writing = time.perf_counter()
        notes, path = [*rendered.result.notes, *rendered.notes], None
        if self.output:
            written = under.renderer.write(rendered)
            notes, path = [*notes, *written.notes], str(written.path)
            if self.is_take:
                record(under.renderer.output, under.frame, under.renderer.take())
        shared = _share(self.desk.shared, under.renderer, rendered) if self.request.pixels == "shared" else None
        took = {"ms": _since(under.begun), "stages": {**under.stages, "write": _since(writing)}}
        return _entry("done", path=path, key=rendered.key, notes=notes, shared=shared, **took)

    def _renderer(self) -> Renderer:
        return self.opened.renderer(self.output, self.request.mode)

    def _alone(self, frame: int, stages: list[Callable[[Any], Any]]) -> dict[str, Any]:
        try:
            return reduce(lambda value, stage: stage(value), stages, frame)
        except Exception as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> dict[str, Any]:
        return _entry("failed", error=error_entry(error))


def _after(stage: str, under: _Under, work: Callable[[Any], Any]) -> _Under:
    """The frame after one more stage, with the milliseconds that it took."""
    begun = time.perf_counter()
    made = work(under.loaded)
    return replace(under, loaded=made, stages={**under.stages, stage: _since(begun)})


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)


def _share(shared: SharedPixels, renderer: Renderer, rendered: Rendered) -> dict[str, Any]:
    """float32 RGBA in plate space: the premultiplied element on its own window, or the whole picture with the face in it."""
    over = renderer.shot.mode == "over"
    pixels = renderer.over_picture(rendered) if over else rendered.result.element
    window, display = rendered.file.data if over else rendered.result.window, rendered.file.display
    return {
        **shared.put(pixels),
        "window": [window.x, window.y, window.width, window.height],
        "display": [display.x, display.y, display.width, display.height],
    }


def track_job(desk: JobContext, opened: OpenShot, request: TrackRequest) -> Job:
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


def faces_job(desk: JobContext, opened: OpenShot, request: FacesRequest) -> Job:
    """The faces of one frame, numbered from the left as `target` numbers them; boxes in plate pixels, y down."""

    def work(job: Job) -> Iterator[None]:
        renderer = opened.renderer()
        file = renderer.open(request.frame)
        picture = read_frame(file, renderer.color, renderer.shot.space, renderer.resources.search_region(file))
        picture = picture.with_pixels(heal(picture.pixels)[0])
        finder = renderer.resources.finder(renderer.shot.at(request.frame))
        faces = sorted(finder.find(picture), key=lambda face: face.points[:, 0].mean())
        job.result = {
            "faces": [
                {"number": number, "box": [round(value, 2) for value in face.box], "score": round(face.score, 4)}
                for number, face in enumerate(faces, 1)
            ]
        }
        desk.queue.progress(job, 1)
        yield

    return Job("faces", work, 1, request.priority, request.supersede)
