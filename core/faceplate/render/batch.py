"""The batch pipeline: renders a range of frames and writes them, with neighbouring frames in flight.

    for done in render_frames(renderer, renderer.frames()):
        print(done.frame, done.error or done.written)

`faceplate render`, `check --fix`, `stmap`, the farm and the service all use `RenderBatch`, so that the same rules hold
everywhere: which frames are left alone, what a hole in the plate means, which error ends the range, how many frames are
held at once, and what is recorded of a take.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faceplate.consent import audit
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.models.devices import cores
from faceplate.plate import Written
from faceplate.provenance import collect, record
from faceplate.render.current import current_key
from faceplate.render.mixed_tracks import refuse_mixed_tracks
from faceplate.render.renderer import Renderer
from faceplate.render.result import GeneratedFrame, LoadedFrame, LocatedFrame, Rendered
from faceplate.render.scheduler import Outcome, Stage, pipelined
from faceplate.signing import signing_key
from faceplate.system.opencv_threads import limited_opencv_threads

__all__ = [
    "FATAL_ERROR_CODES",
    "FrameDone",
    "RenderBatch",
    "is_fatal",
    "log_render",
    "render_frames",
]

FATAL_ERROR_CODES = frozenset(
    {"disk-full", "output-unwritable", "out-of-memory", "weights-changed", "weights-missing", "weights-unusable"}
)
"""Codes of errors that every later frame of the range would meet too. Such an error ends the range."""

# Frames under way beside those being generated: one is read, one is composited, one is written.
_BESIDE_GENERATION = 3


@dataclass(frozen=True)
class FrameDone:
    """The outcome of one frame of a batch.

    Exactly one of these holds: the frame was rendered (`rendered`, and `written` unless the batch writes nothing), it
    failed (`error`), its file was up to date (`current` is the file and `key` its key), the range ended before it
    (`not_rendered`), or the plate has no such frame (none of these). `seconds` is the time that each stage took on its
    own thread, `elapsed` the seconds from the beginning of the first stage to the end of the last.
    """

    frame: int
    rendered: Rendered | None = None
    written: Written | None = None
    error: Exception | None = None
    current: Path | None = None
    not_rendered: bool = False
    key: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    elapsed: float = 0.0

    @property
    def is_hole(self) -> bool:
        """Whether the frame was left out because the plate has no such frame."""
        found = (self.rendered, self.written, self.error, self.current)
        return all(item is None for item in found) and not self.not_rendered

    @property
    def code(self) -> str:
        """The error's code; "" without an error, `internal-error` for one that no part of the engine expects."""
        if self.error is None:
            return ""
        return self.error.code if isinstance(self.error, FaceplateError) else "internal-error"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the artist should know about the frame, one sentence each."""
        seen = () if self.rendered is None else (*self.rendered.result.notes, *self.rendered.notes)
        return (*seen, *(self.written.notes if self.written else ()))


@dataclass(frozen=True)
class RenderBatch:
    """How a range of frames is rendered. `run` does it; the pixels do not depend on any of these settings but the first three.

    Parameters
    ----------
    renderer
        The shot made ready. Its shot says where frames are written and in which mode.
    values
        The host's parameters for a frame, by name; they win over the shot's.
    proxy
        1, 2, 4 or 8: the factor by which the plate is reduced.
    write
        False renders without writing a file: the pixels are in `FrameDone.rendered`.
    write_located
        Writes a frame as soon as its face is located, without generator and composite (an ST map).
    skip_current
        Leave a frame alone whose file is whole and made of what it would be made of now (`is_current`).
    recorded
        Leave a record of each file for the take's manifest.
    action
        The action recorded in the audit log. With it the take is added to the log before the first frame and, where
        frames are `recorded`, the manifest is collected after the last one. "" does neither.
    mix_tracks
        Render beside frames of the output that were made with a track of other frames. Without it such a batch with an
        `action` is refused before its first frame (`refuse_mixed_tracks`).
    ahead
        How many frames are held at any time; 0 keeps the machine busy, 1 renders one frame after the other.
    alone
        This process renders nothing else meanwhile. OpenCV, which has one number of threads for the whole process, then takes
        no more than each stage's share of the cores.
    before_frame
        Called with each frame as its first stage begins. What it raises fails the frame.
    on_written
        Called with each file as soon as it is whole, on the thread that wrote it. When the caller stops iterating, or
        Ctrl-C comes, the frame being written is completed and reported here alone.
    cancelled
        Asked before each stage; once it answers True, no other stage begins.
    """

    renderer: Renderer
    values: Callable[[int], Mapping[str, Any]] | None = None
    proxy: int = 1
    write: bool = True
    write_located: Callable[[LocatedFrame], Written] | None = None
    skip_current: bool = False
    recorded: bool = False
    action: str = ""
    mix_tracks: bool = False
    ahead: int = 0
    alone: bool = False
    before_frame: Callable[[int], None] | None = None
    on_written: Callable[[Written], None] | None = None
    cancelled: Callable[[], bool] | None = None

    def run(self, frames: Iterable[int]) -> Generator[FrameDone, None, None]:
        """Render and write `frames`, and yield what became of each, in their order.

        A frame that fails does not stop the others, unless its error is fatal (`is_fatal`): the frames after it are
        then yielded as `not_rendered`. Raises `UsageError('mixed-tracks')` and `RenderError('audit-unwritable')` before the
        first frame, and what collecting the manifest raises after the last.
        """
        wanted = tuple(frames)
        if self.action and self.write and not self.mix_tracks and self.write_located is None:
            refuse_mixed_tracks(self.renderer, wanted)
        if self.action and wanted:
            log_render(self.renderer, wanted, self.action)
        steps = _Steps(self, self.renderer.take() if self.recorded else None)
        try:
            with closing(self._outcomes(steps, wanted)) as outcomes:
                for outcome in outcomes:
                    yield outcome.value if outcome.error is None else FrameDone(outcome.item, error=outcome.error)
        finally:
            if self.action and self.recorded and steps.wrote.is_set():
                collect(self.renderer.output, signing_key())

    def run_or_raise(self, frames: Iterable[int]) -> Generator[FrameDone, None, None]:
        """Render as `run` does, but raise a frame's error where it is not a `RenderError`.

        Such an error says that the request itself is wrong, or that a part of the engine has a bug.
        """
        with closing(self.run(frames)) as outcomes:
            for done in outcomes:
                if done.error is not None and not isinstance(done.error, RenderError):
                    raise done.error
                yield done

    def _outcomes(self, steps: _Steps, frames: Sequence[int]) -> Generator[Outcome, None, None]:
        if self.write_located is not None:
            return pipelined(frames, [steps.load, steps.write], self.ahead or _BESIDE_GENERATION)
        networks = self.renderer.networks
        together = max((len(network.targets) for network in networks), default=1)
        ahead = self.ahead or together + _BESIDE_GENERATION
        if _takes_every_core(networks):
            return pipelined(frames, [steps.all_but_write, steps.write], ahead)
        stages = [steps.load, Stage(steps.generate, together), steps.composite, steps.write]
        outcomes = pipelined(frames, stages, ahead)
        return _sharing_cores(outcomes, min(ahead, len(frames), len(stages))) if self.alone else outcomes


def render_frames(
    renderer: Renderer,
    frames: Iterable[int],
    ahead: int = 0,
    on_written: Callable[[Written], None] | None = None,
    recorded: bool = False,
    skip_current: bool = False,
) -> Generator[FrameDone, None, None]:
    """Render and write `frames`, and yield what became of each, in their order; the short form of `RenderBatch.run`.

    The arguments are those of `RenderBatch`. Raises `UsageError` where the request itself is wrong (`Renderer.prepare`
    reports most of that before the first frame), and errors that no part of the engine expects.
    """
    batch = RenderBatch(renderer, ahead=ahead, on_written=on_written, recorded=recorded, skip_current=skip_current)
    yield from batch.run_or_raise(frames)


def is_fatal(error: Exception) -> bool:
    """Say whether an error ends the range: the request itself is wrong, or every later frame would fail as well."""
    return isinstance(error, UsageError) or (isinstance(error, FaceplateError) and error.code in FATAL_ERROR_CODES)


def log_render(renderer: Renderer, frames: Iterable[int], action: str = "render") -> None:
    """Add a render of `frames` to the show's audit log, where the shot has a show. Raises `RenderError`."""
    log = renderer.shot.audit
    if log is not None:
        numbers = sorted(frames)
        span = {"first": numbers[0], "last": numbers[-1], "frames": len(numbers)}
        source = ", ".join(str(shot.source or "") for shot in renderer.shot.face_shots)
        audit.append(log, {"action": action, **renderer.take(), **span, "source": source, "to": str(renderer.output)})


@dataclass
class _Clocked:
    """A frame between two stages: what the last stage made, when the first began, and how long each took."""

    frame: int
    item: LocatedFrame | LoadedFrame | GeneratedFrame | Rendered | FrameDone
    begun: float
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Steps:
    """The stages of the pipeline. A `FrameDone` passes through the remaining stages as it is."""

    batch: RenderBatch
    take: Mapping[str, str] | None
    wrote: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def load(self, frame: int) -> _Clocked:
        first = _Clocked(frame, FrameDone(frame), time.perf_counter())
        return self._timed("load", first, lambda _: self._loaded(frame))

    def generate(self, before: _Clocked) -> _Clocked:
        return self._next("generate", before, self.batch.renderer.generate)

    def composite(self, before: _Clocked) -> _Clocked:
        return self._next("comp", before, self.batch.renderer.composite)

    def all_but_write(self, frame: int) -> _Clocked:
        return self.composite(self.generate(self.load(frame)))

    def write(self, before: _Clocked) -> FrameDone:
        after = self._next("write", before, self._written)
        assert isinstance(after.item, FrameDone)
        return replace(after.item, seconds=after.seconds, elapsed=time.perf_counter() - after.begun)

    def _next(self, stage: str, before: _Clocked, work: Callable[[Any], Any]) -> _Clocked:
        return before if isinstance(before.item, FrameDone) else self._timed(stage, before, work)

    def _timed(self, stage: str, before: _Clocked, work: Callable[[Any], Any]) -> _Clocked:
        """Run one stage of a frame, unless the range has ended."""
        if self.ended.is_set() or (self.batch.cancelled is not None and self.batch.cancelled()):
            return replace(before, item=FrameDone(before.frame, not_rendered=True))
        begun = time.perf_counter()
        try:
            made = work(before.item)
        except MemoryError as error:
            self.ended.set()
            text = "The engine ran out of memory; try a proxy, or end other programs."
            raise RenderError("out-of-memory", text) from error
        except Exception as error:
            if is_fatal(error):
                self.ended.set()
            raise
        return replace(before, item=made, seconds={**before.seconds, stage: time.perf_counter() - begun})

    def _loaded(self, frame: int) -> LocatedFrame | LoadedFrame | FrameDone:
        batch, renderer = self.batch, self.batch.renderer
        if batch.before_frame is not None:
            batch.before_frame(frame)
        values = batch.values(frame) if batch.values is not None else None
        if renderer.plate_frame(frame) is None:
            return FrameDone(frame)
        if batch.skip_current and (key := current_key(renderer, frame, values, batch.proxy)):
            return FrameDone(frame, current=renderer.output.path(frame), key=key)
        if batch.write_located is not None:
            return renderer.locate(frame, values=values, proxy=batch.proxy)
        return renderer.load(frame, values=values, proxy=batch.proxy)

    def _written(self, made: Rendered | LocatedFrame) -> FrameDone:
        batch, renderer = self.batch, self.batch.renderer
        rendered = made if isinstance(made, Rendered) else None
        if not batch.write:
            return FrameDone(made.frame, rendered, key=made.key)
        if batch.write_located is not None:
            assert isinstance(made, LocatedFrame)
            written = batch.write_located(made)
        else:
            assert rendered is not None
            written = renderer.write(rendered)
        if self.take is not None:
            record(renderer.output, made.frame, self.take)
        self.wrote.set()
        if batch.on_written is not None:
            batch.on_written(written)
        return FrameDone(made.frame, rendered, written, key=made.key)


def _sharing_cores(outcomes: Generator[Outcome, None, None], together: int) -> Generator[Outcome, None, None]:
    """Yield the `outcomes` of stages of which so many run side by side; OpenCV takes no more threads in each than its share."""
    with limited_opencv_threads(cores() // max(together, 1)), closing(outcomes):
        yield from outcomes


def _takes_every_core(networks: Iterable[Any]) -> bool:
    """Return whether any of the networks runs on the CPU.

    Such a network uses all cores, and its threads wait for each other. Only writing is overlapped with it: overlapping
    more stages took longer than one after the other.
    """
    return any(target == "cpu" for network in networks for target in network.targets)
