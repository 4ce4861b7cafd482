"""Renders a range of frames with a bar, frames per second, and a clear end whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from faceplate.flight import FrameDone, log_render, render_frames
from faceplate.plate import Written
from faceplate.render import Renderer
from faceplate.review import ContactSheet
from faceplate.trust import collect, signing_key

__all__ = ["Batch", "finish_batch", "render_batch"]

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
    """Frames written per second since the first began; those that failed or were left out do not count."""

    def render(self, task: Task) -> Text:
        written, elapsed = task.fields.get("written", 0), task.finished_time or task.elapsed
        return Text(f"{written / elapsed:.2f} fps" if written and elapsed else "– fps")


Work = Callable[[Renderer, Iterable[int], Callable[[Written], None]], Generator[FrameDone, None, None]]
"""What is done with the frames: (renderer, frames, who hears of each file as soon as it is whole)."""


def _rendered(
    renderer: Renderer, frames: Iterable[int], on_written: Callable[[Written], None]
) -> Generator[FrameDone, None, None]:
    return render_frames(renderer, frames, on_written=on_written, recorded=True)


def render_batch(
    renderer: Renderer, contact_sheet: Path | None = None, work: Work = _rendered, label: str = "render"
) -> Batch:
    """Renders and writes every frame of the renderer's shot, or does other `work` on each, under a bar called `label`. A
    failed frame does not stop the others.

    Raises `FaceplateError` for what is wrong before the first frame.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    _prepare(renderer, console)
    frames = renderer.frames()
    log_render(renderer, frames, label)
    sheet = ContactSheet(renderer.color, frames) if contact_sheet else None
    batch = Batch()
    said: set[str] = set()
    with _bar(console) as bar:
        task = bar.add_task(label, total=len(frames), written=0)
        coming = work(renderer, frames, lambda written: batch.written.append(written.path))
        try:
            with closing(coming):
                for done in coming:
                    goes_on = _tell(done, batch, console, said)
                    if sheet and done.rendered:
                        sheet.add(done.rendered)
                    bar.update(task, advance=1, written=len(batch.written))
                    if not goes_on:
                        break
        except KeyboardInterrupt:
            batch.stopped = True
    if sheet and contact_sheet and batch.written:
        sheet.write(contact_sheet)
    if work is _rendered and batch.written:
        collect(renderer.output, signing_key())
    _close(console, renderer, batch, len(frames))
    return batch


def finish_batch(batch: Batch) -> None:
    """Leaves the command with the exit code that the batch asks for."""
    if batch.stopped:
        raise typer.Exit(130)
    if batch.failed:
        raise typer.Exit(1)


def _prepare(renderer: Renderer, console: Console) -> None:
    """Makes the shot ready, with a bar while its plate is tracked, and says which track is used."""
    with _bar(console) as bar:
        task = bar.add_task("track", total=None, visible=False)
        renderer.prepare(lambda done, total: bar.update(task, completed=done, total=total, visible=True))
    kept = renderer.kept
    if kept is not None:
        said = "kept as" if kept.fresh else "from"
        console.print(f"track: {said} {kept.track.path}", markup=False, style="dim")


def _tell(done: FrameDone, batch: Batch, console: Console, said: set[str]) -> bool:
    """Notes what became of a frame and says what is worth a line; whether going on makes sense."""
    if done.error is not None:
        batch.failed.append((done.frame, str(done.error)))
        console.print(f"faceplate: frame {done.frame}: {done.error}", markup=False)
        return done.error.code not in _HOPELESS
    if done.written is None:
        batch.skipped.append(done.frame)
    for note in done.notes:
        if note not in said:
            said.add(note)
            console.print(f"frame {done.frame}: {note}", markup=False, style="dim")
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
