"""The render job: runs the batch pipeline and reports each frame to the job queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceplate.errors import UsageError
from faceplate.render import Rendered, Renderer
from faceplate.render.batch import FrameDone, RenderBatch
from faceplate.render.issues import RenderIssues
from faceplate.review.contact_sheet import ContactSheet
from faceplate.service.job_context import JobContext
from faceplate.service.job_queue import Job, error_entry
from faceplate.service.schema import RenderRequest
from faceplate.service.shared import SharedPixels
from faceplate.service.shots import OpenShot, make_output_folder, refuse_plate

__all__ = ["render_job"]

_HOLE = "the plate's frame is missing"
_NOT_RENDERED = "not rendered: the error of another frame ended the job"


def render_job(context: JobContext, opened: OpenShot, request: RenderRequest) -> Job:
    """Return the job that renders the frames of `request`, one frame a step.

    Raises `FaceplateError` where the request is wrong, before the job waits in any queue.
    """
    frames = tuple(dict.fromkeys(request.frames))
    output = request.output or (opened.shot.output if request.pixels == "file" else "")
    if not output and request.pixels == "file":
        raise UsageError("no-output", "The shot names no output; give a pattern such as swap.####.exr.")
    if request.pixels == "sheet" and not request.sheet:
        raise UsageError("no-output", "A sheet needs the path of its PNG in 'sheet'.")
    if request.pixels == "sheet" and request.output:
        raise UsageError("bad-request", "A sheet is written without frames; leave 'output' out.")
    if output:
        refuse_plate(opened, output, frames)
    opened.check((frames[0], *sorted(set(frames) & set(request.frame_values))), request.of, request.mode)
    if output:
        make_output_folder(output)
    steps = _RenderSteps(context, opened, request, frames, output)
    job = Job("render", steps.run, len(frames), request.priority, request.supersede)
    job.frames.update((frame, _entry("waiting")) for frame in frames)
    return job


@dataclass(frozen=True)
class _RenderSteps:
    """The steps of one render job."""

    context: JobContext
    opened: OpenShot
    request: RenderRequest
    frames: tuple[int, ...]
    output: str

    def run(self, job: Job) -> Iterator[None]:
        """Render the frames in order and report what became of each."""
        renderer = self.opened.renderer(self.output, self.request.mode)
        queue, issues = self.context.queue, RenderIssues(renderer)
        with closing(self._batch(job, renderer).run(self.frames)) as outcomes:
            for done in outcomes:
                issues.add(done)
                entry = self._entry_of(done, renderer)
                for note in entry["notes"]:
                    queue.log(job, "info", f"frame {done.frame}: {note}")
                if done.not_rendered:
                    job.not_rendered += 1
                queue.frame(job, done.frame, **entry)
                yield
        # A single frame of an artist who waits leaves nothing but the picture.
        if self.output and (self.request.priority == "batch" or len(self.frames) > 1) and (note := issues.keep()):
            queue.log(job, "warning", note)

    def _batch(self, job: Job, renderer: Renderer) -> RenderBatch:
        """Return the batch of this job.

        A batch job with an output is a take: it is recorded and logged. An interactive job renders one frame after the
        other, so that the frame that the artist waits for comes first, and leaves nothing but the picture.
        """
        request, is_batch = self.request, self.request.priority == "batch"
        is_take = bool(self.output) and is_batch

        def begin(frame: int) -> None:
            self.context.queue.frame(job, frame, **_entry("running"))
            path = renderer.output.path(frame) if self.output else None
            self.context.roots.check(renderer.plate.path(frame), path)  # either may be a link

        return RenderBatch(
            renderer,
            values=request.of,
            proxy=request.proxy,
            write=bool(self.output),
            skip_current=request.skip_current and bool(self.output),
            recorded=is_take,
            action="render" if is_take else "",
            mix_tracks=request.mix_tracks,
            ahead=0 if is_batch and len(self.frames) > 1 else 1,
            before_frame=begin,
            cancelled=lambda: job.finished,
        )

    def _sheet(self, renderer: Renderer, rendered: Rendered) -> str | None:
        """Write the sheet of the first frame where it was asked for; return its path."""
        if self.request.pixels != "sheet" or rendered.frame != self.frames[0]:
            return None
        path = Path(str(self.request.sheet))
        sheet = ContactSheet(renderer.color, self.frames[:1])
        sheet.add(rendered)
        sheet.write(path)
        return str(path)

    def _entry_of(self, done: FrameDone, renderer: Renderer) -> dict[str, Any]:
        """Return the job's entry for a frame."""
        if done.error is not None:
            return _entry("failed", error=error_entry(done.error))
        if done.not_rendered:
            return _entry("skipped", notes=[_NOT_RENDERED])
        if done.current is not None:
            return _entry("done", path=str(done.current), key=done.key, cached=True, ms=_milliseconds(done.elapsed))
        if done.rendered is None:
            return _entry("skipped", notes=[_HOLE])
        begun = time.perf_counter()
        try:
            wanted = self.request.pixels == "shared"
            shared = _share(self.context.shared, renderer, done.rendered) if wanted else None
            sheet = self._sheet(renderer, done.rendered)
        except Exception as error:
            return _entry("failed", error=error_entry(error))
        return _entry(
            "done",
            path=str(done.written.path) if done.written else sheet,
            key=done.key,
            notes=list(done.notes),
            shared=shared,
            ms=_milliseconds(done.elapsed + time.perf_counter() - begun),
            stages={stage: _milliseconds(seconds) for stage, seconds in done.seconds.items()},
        )


def _entry(state: str, **known: Any) -> dict[str, Any]:
    empty = {"path": None, "key": None, "cached": False, "ms": None, "notes": [], "error": None, "shared": None}
    return {"state": state, **empty, **known}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _share(shared: SharedPixels, renderer: Renderer, rendered: Rendered) -> dict[str, Any]:
    """Copy the pixels into shared memory: float32 RGBA in plate space, and their windows.

    In element mode it is the premultiplied element on its own window, in over mode the whole picture with the face.
    """
    over = renderer.shot.mode == "over"
    pixels = renderer.over_picture(rendered) if over else rendered.result.element
    window, display = rendered.file.data if over else rendered.result.window, rendered.file.display
    return {
        **shared.put(pixels),
        "window": [window.x, window.y, window.width, window.height],
        "display": [display.x, display.y, display.width, display.height],
    }
