"""Renders a range of frames with a bar, frames per second, and a clear end whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.review import ContactSheet

__all__ = ["Batch", "render_batch"]

# A frame that fails for one of these fails for all: going on would only repeat the line.
_HOPELESS = {"disk-full", "output-unwritable", "weights-changed", "weights-missing", "weights-unusable"}


@dataclass
class Batch:
    """What became of a range: frames written, frames failed with their reasons, and whether Ctrl-C ended it."""

    written: list[Path] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    stopped: bool = False


class _Rate(ProgressColumn):
    """Frames per second, of the frames done."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} fps" if task.speed else "– fps")


def render_batch(renderer: Renderer, contact_sheet: Path | None = None) -> Batch:
    """Renders and writes every frame of the renderer's shot. A failed frame does not stop the others.

    Raises `FaceplateError` for what is wrong before the first frame.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    _prepare(renderer, console)
    frames = renderer.frames()
    sheet = ContactSheet(renderer.color, frames) if contact_sheet else None
    batch = Batch()
    said: set[str] = set()
    with _bar(console) as bar:
        task = bar.add_task("render", total=len(frames))
        try:
            for frame in frames:
                goes_on = _one(renderer, frame, batch, sheet, console, said)
                bar.advance(task)
                if not goes_on:
                    break
        except KeyboardInterrupt:
            batch.stopped = True
    if sheet and contact_sheet and batch.written:
        sheet.write(contact_sheet)
    _close(console, renderer, batch, len(frames))
    return batch


def _prepare(renderer: Renderer, console: Console) -> None:
    """Makes the shot ready, with a bar while its plate is tracked, and says which track is used."""
    with _bar(console) as bar:
        task = bar.add_task("track", total=None, visible=False)
        renderer.prepare(lambda done, total: bar.update(task, completed=done, total=total, visible=True))
    kept = renderer.kept
    if kept is not None:
        said = "kept as" if kept.fresh else "from"
        console.print(f"track: {said} {kept.track.path}", markup=False, style="dim")


def _one(
    renderer: Renderer, frame: int, batch: Batch, sheet: ContactSheet | None, console: Console, said: set[str]
) -> bool:
    try:
        if renderer.plate_frame(frame) is None:
            batch.skipped.append(frame)
            return True
        rendered = renderer.render(frame)
        written = renderer.write(rendered)
        batch.written.append(written.path)
        if sheet:
            sheet.add(rendered)
    except UsageError:
        raise
    except FaceplateError as error:
        batch.failed.append((frame, str(error)))
        console.print(f"faceplate: frame {frame}: {error}", markup=False)
        return error.code not in _HOPELESS
    for note in (*rendered.swapped.notes, *written.notes):
        if note not in said:
            said.add(note)
            console.print(f"frame {frame}: {note}", markup=False, style="dim")
    return True


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
    )


def _close(console: Console, renderer: Renderer, batch: Batch, total: int) -> None:
    for line in (f"source: left out {line}" for line in renderer.left_out):
        console.print(line, markup=False, style="dim")
    if batch.skipped:
        console.print(f"{len(batch.skipped)} missing plate frames skipped.", markup=False)
    if batch.stopped:
        console.print(f"faceplate: Stopped after {len(batch.written)} of {total} frames; each is whole.", markup=False)
    elif batch.failed:
        console.print(f"faceplate: {len(batch.failed)} of {total} frames failed.", markup=False)
    if batch.written:
        count = len(batch.written)
        print(f"{count} frame{'s' if count != 1 else ''}: {renderer.output}")
