"""A range of a shot with frames in flight: reading, network, comp and writing of neighbouring frames overlap.

    for done in render_frames(renderer, renderer.frames()):
        print(done.frame, done.error or done.written)

The command line renders with this, and so does whoever else has a `Renderer` and more than one frame.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass

from faceplate.errors import FaceplateError, UsageError
from faceplate.pipeline import Stage, pipelined
from faceplate.plate import Written
from faceplate.render import Generating, Loaded, Rendered, Renderer
from faceplate.trust import audit, record

__all__ = ["FrameDone", "log_render", "render_frames"]


# Frames under way beside those being generated: one read, one in comp, one written.
_BESIDE = 3


@dataclass(frozen=True)
class FrameDone:
    """What became of a frame: written, failed with `error`, or left out (neither) because the plate has a hole there."""

    frame: int
    rendered: Rendered | None = None
    written: Written | None = None
    error: FaceplateError | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth a line to the artist."""
        seen = () if self.rendered is None else (*self.rendered.swapped.notes, *self.rendered.notes)
        return (*seen, *(self.written.notes if self.written else ()))


def render_frames(
    renderer: Renderer,
    frames: Iterable[int],
    ahead: int = 0,
    on_written: Callable[[Written], None] | None = None,
    recorded: bool = False,
) -> Generator[FrameDone, None, None]:
    """Renders and writes `frames`, and yields what became of each in their order; the pixels are those of one by one.

    At most `ahead` frames are held at any time (0: what keeps the machine busy, 1: one by one). A frame that fails does
    not stop the others. `on_written` hears of each file as soon as it is whole, on the thread that wrote it: when the
    caller stops listening, or Ctrl-C comes, a frame that is being written is finished, and would otherwise go unsaid.
    `recorded` leaves a record of each file for the take's manifest.
    Raises `UsageError` for what is wrong with the request itself; `Renderer.prepare` says most of that before.
    """
    steps = _Steps(renderer, on_written, renderer.take() if recorded else None)
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


def log_render(renderer: Renderer, frames: Iterable[int], action: str = "render") -> None:
    """Adds a render of `frames` to the show's audit log, where the shot has a show. Raises `RenderError`."""
    log = renderer.shot.audit
    if log is not None:
        numbers = sorted(frames)
        span = {"first": numbers[0], "last": numbers[-1], "frames": len(numbers)}
        source = str(renderer.shot.source or "")
        audit.append(log, {"action": action, **renderer.take(), **span, "source": source, "to": str(renderer.output)})


@dataclass(frozen=True)
class _Steps:
    """The stages of the pipeline. A frame that the plate does not have passes through as it is."""

    renderer: Renderer
    on_written: Callable[[Written], None] | None
    take: Mapping[str, str] | None

    def load(self, frame: int) -> Loaded | FrameDone:
        return FrameDone(frame) if self.renderer.plate_frame(frame) is None else self.renderer.load(frame)

    def generate(self, loaded: Loaded | FrameDone) -> Generating | FrameDone:
        return loaded if isinstance(loaded, FrameDone) else self.renderer.generate(loaded)

    def comp(self, generating: Generating | FrameDone) -> Rendered | FrameDone:
        return generating if isinstance(generating, FrameDone) else self.renderer.comp(generating)

    def all_but_write(self, frame: int) -> Rendered | FrameDone:
        return self.comp(self.generate(self.load(frame)))

    def write(self, rendered: Rendered | FrameDone) -> FrameDone:
        if isinstance(rendered, FrameDone):
            return rendered
        written = self.renderer.write(rendered)
        if self.take is not None:
            record(self.renderer.output, rendered.frame, self.take)
        if self.on_written is not None:
            self.on_written(written)
        return FrameDone(rendered.frame, rendered, written)


def _takes_every_core(renderer: Renderer) -> bool:
    """Whether a network runs on the CPU: it has all cores then, and its threads wait for whichever is held up by others.

    Beside such a network only writing pays; overlapping more took longer than one after the other.
    """
    return any(target == "cpu" for network in renderer.networks for target in network.targets)


def _generators_at_once(renderer: Renderer) -> int:
    """How many frames to generate side by side: one for each device that runs the network, else one."""
    networks = renderer.networks
    return max((len(network.targets) for network in networks), default=1)
