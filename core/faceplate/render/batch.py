"""A range of a shot with frames in flight: reading, network, comp and writing of neighbouring frames overlap.

    for done in render_frames(renderer, renderer.frames()):
        print(done.frame, done.error or done.written)

The command line renders with this, and so does whoever else has a `Renderer` and more than one frame.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faceplate.consent import audit
from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import Written
from faceplate.plate.exr.container import DamagedExrError, read_chunks
from faceplate.provenance import record
from faceplate.render.renderer import Renderer
from faceplate.render.result import GeneratedFrame, LoadedFrame, Rendered
from faceplate.render.scheduler import Stage, pipelined
from faceplate_client.exr import header

__all__ = ["FrameDone", "is_current", "is_whole", "log_render", "render_frames"]


# Frames under way beside those being generated: one read, one in comp, one written.
_BESIDE = 3


@dataclass(frozen=True)
class FrameDone:
    """What became of a frame: written, failed with `error`, or left out (neither) because the plate has a hole there or,
    `current`, because its file is what would be written.

    `seconds` is the time that each stage took on its own thread.
    """

    frame: int
    rendered: Rendered | None = None
    written: Written | None = None
    error: FaceplateError | None = None
    current: Path | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth a line to the artist."""
        seen = () if self.rendered is None else (*self.rendered.result.notes, *self.rendered.notes)
        return (*seen, *(self.written.notes if self.written else ()))


def render_frames(
    renderer: Renderer,
    frames: Iterable[int],
    ahead: int = 0,
    on_written: Callable[[Written], None] | None = None,
    recorded: bool = False,
    skip_current: bool = False,
) -> Generator[FrameDone, None, None]:
    """Renders and writes `frames`, and yields what became of each in their order; the pixels are those of one by one.

    At most `ahead` frames are held at any time (0: what keeps the machine busy, 1: one by one). A frame that fails does
    not stop the others. `on_written` hears of each file as soon as it is whole, on the thread that wrote it: when the
    caller stops listening, or Ctrl-C comes, a frame that is being written is finished, and would otherwise go unsaid.
    `recorded` leaves a record of each file for the take's manifest. With `skip_current` a frame whose file is whole and
    made of the very same (`is_current`) is left alone.
    Raises `UsageError` for what is wrong with the request itself; `Renderer.prepare` says most of that before.
    """
    steps = _Steps(renderer, on_written, renderer.take() if recorded else None, skip_current)
    together = _generators_at_once(renderer)
    if _takes_every_core(renderer):
        stages = [steps.all_but_write, steps.write]
    else:
        stages = [steps.load, Stage(steps.generate, together), steps.comp, steps.write]
    for outcome in pipelined(frames, stages, ahead or together + _BESIDE):
        if outcome.error is None:
            yield outcome.value
        elif isinstance(outcome.error, FaceplateError) and not isinstance(outcome.error, UsageError):
            yield FrameDone(outcome.item, error=outcome.error)
        else:
            raise outcome.error


def is_current(
    renderer: Renderer, frame: int, values: Mapping[str, Any] | None = None, proxy: int = 1, key: str = ""
) -> bool:
    """Whether the file of `frame` is whole and made of what it would be made of now.

    `faceplate:key` answers without reading the plate. Where it differs, a plate that only has another date (a copy on
    another machine) is told by `faceplate:content`. `key` is the frame's where it is known. Formats without a header of
    ours are never current.
    """
    path = renderer.output.path(frame)
    said = header(str(path))
    if "faceplate:key" not in said or not is_whole(path):
        return False
    if said["faceplate:key"] == (key or renderer.key(frame, values, proxy)):
        return True
    return "faceplate:content" in said and said["faceplate:content"] == renderer.key(frame, values, proxy, content=True)


def is_whole(path: Path) -> bool:
    """Whether every chunk of an OpenEXR file is there; no pixel is decoded."""
    try:
        read_chunks(path)
    except (DamagedExrError, OSError):
        return False
    return True


def log_render(renderer: Renderer, frames: Iterable[int], action: str = "render") -> None:
    """Adds a render of `frames` to the show's audit log, where the shot has a show. Raises `RenderError`."""
    log = renderer.shot.audit
    if log is not None:
        numbers = sorted(frames)
        span = {"first": numbers[0], "last": numbers[-1], "frames": len(numbers)}
        source = str(renderer.shot.source or "")
        audit.append(log, {"action": action, **renderer.take(), **span, "source": source, "to": str(renderer.output)})


@dataclass
class _Clocked:
    """A frame between two stages, and how long each stage took."""

    item: LoadedFrame | GeneratedFrame | Rendered | FrameDone
    seconds: dict[str, float]


@dataclass(frozen=True)
class _Steps:
    """The stages of the pipeline. A frame that has nothing to render passes through as it is."""

    renderer: Renderer
    on_written: Callable[[Written], None] | None
    take: Mapping[str, str] | None
    skip_current: bool

    def load(self, frame: int) -> _Clocked:
        return _clocked("load", {}, lambda: self._loaded(frame))

    def generate(self, before: _Clocked) -> _Clocked:
        return _next("generate", before, self.renderer.generate)

    def comp(self, before: _Clocked) -> _Clocked:
        return _next("comp", before, self.renderer.composite)

    def all_but_write(self, frame: int) -> _Clocked:
        return self.comp(self.generate(self.load(frame)))

    def write(self, before: _Clocked) -> FrameDone:
        after = _next("write", before, self._written)
        assert isinstance(after.item, FrameDone)
        return replace(after.item, seconds=after.seconds)

    def _loaded(self, frame: int) -> LoadedFrame | FrameDone:
        renderer = self.renderer
        if renderer.plate_frame(frame) is None:
            return FrameDone(frame)
        if self.skip_current and is_current(renderer, frame):
            return FrameDone(frame, current=renderer.output.path(frame))
        return renderer.load(frame)

    def _written(self, rendered: Rendered) -> FrameDone:
        written = self.renderer.write(rendered)
        if self.take is not None:
            record(self.renderer.output, rendered.frame, self.take)
        if self.on_written is not None:
            self.on_written(written)
        return FrameDone(rendered.frame, rendered, written)


def _clocked(stage: str, seconds: dict[str, float], work: Callable[[], Any]) -> _Clocked:
    begun = time.perf_counter()
    made = work()
    return _Clocked(made, {**seconds, stage: time.perf_counter() - begun})


def _next(stage: str, before: _Clocked, work: Callable[[Any], Any]) -> _Clocked:
    item = before.item
    return before if isinstance(item, FrameDone) else _clocked(stage, before.seconds, lambda: work(item))


def _takes_every_core(renderer: Renderer) -> bool:
    """Whether a network runs on the CPU: it has all cores then, and its threads wait for whichever is held up by others.

    Beside such a network only writing pays; overlapping more took longer than one after the other.
    """
    return any(target == "cpu" for network in renderer.networks for target in network.targets)


def _generators_at_once(renderer: Renderer) -> int:
    """How many frames to generate side by side: one for each device that runs the network, else one."""
    networks = renderer.networks
    return max((len(network.targets) for network in networks), default=1)
