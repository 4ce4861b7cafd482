"""Renders a range of frames with a bar, frames per second, and a clear end whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from faceplate.cli.log import Log
from faceplate.plate import Written
from faceplate.provenance import collect
from faceplate.render import Renderer
from faceplate.render.batch import FrameDone, log_render, render_frames
from faceplate.review import ContactSheet
from faceplate.signing import signing_key

__all__ = ["FATAL_ERROR_CODES", "Batch", "finish_batch", "render_all", "render_batch", "render_missing"]

# A frame that fails for one of these fails for all: going on would only repeat the line.
FATAL_ERROR_CODES = {"disk-full", "output-unwritable", "weights-changed", "weights-missing", "weights-unusable"}


@dataclass
class Batch:
    """What became of a range: frames written, left alone because they are current, failed with their reasons, or without a
    plate; whether Ctrl-C ended it; and the seconds that each stage took, one for each frame."""

    written: list[Path] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    stopped: bool = False


class _Rate(ProgressColumn):
    """Frames written per second since the first began; those that failed or were left out do not count."""

    def render(self, task: Task) -> Text:
        written, elapsed = task.fields.get("written", 0), task.finished_time or task.elapsed
        return Text(f"{written / elapsed:.2f} fps" if written and elapsed else "– fps")


Work = Callable[[Renderer, Iterable[int], Callable[[Written], None]], Generator[FrameDone, None, None]]
"""What is done with the frames: (renderer, frames, who hears of each file as soon as it is whole)."""


def render_missing(
    renderer: Renderer, frames: Iterable[int], on_written: Callable[[Written], None]
) -> Generator[FrameDone, None, None]:
    """Renders the frames whose file is not there, not whole, or made of something else."""
    return render_frames(renderer, frames, on_written=on_written, recorded=True, skip_current=True)


def render_all(
    renderer: Renderer, frames: Iterable[int], on_written: Callable[[Written], None]
) -> Generator[FrameDone, None, None]:
    """Renders every frame, whatever is there."""
    return render_frames(renderer, frames, on_written=on_written, recorded=True)


def render_batch(
    renderer: Renderer,
    contact_sheet: Path | None = None,
    work: Work = render_all,
    label: str = "render",
    log: Log | None = None,
) -> Batch:
    """Renders and writes every frame of the renderer's shot, or does other `work` on each, under a bar called `label`. A
    failed frame does not stop the others. A `log` that is not for a person takes the place of bar and words.

    Raises `FaceplateError` for what is wrong before the first frame.
    """
    log = log or Log()
    console = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not log.text)
    _prepare(renderer, console)
    frames = renderer.frames()
    log.event(
        "start", frames=len(frames), output=str(renderer.output), message=f"{len(frames)} frames: {renderer.output}"
    )
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
                    _log_frame(done, log, batch, len(frames))
                    if sheet and done.rendered:
                        sheet.add(done.rendered)
                    bar.update(task, advance=1, written=len(batch.written))
                    if not goes_on:
                        break
        except KeyboardInterrupt:
            batch.stopped = True
    if sheet and contact_sheet and batch.written:
        sheet.write(contact_sheet)
    _close(console, renderer, batch, len(frames))
    log.event("summary", **_summary(batch, len(frames)))
    if log.text and batch.written:
        count = len(batch.written)
        print(f"{count} frame{'s' if count != 1 else ''}: {renderer.output}")
    if work in (render_all, render_missing) and batch.written:
        collect(renderer.output, signing_key())  # last: it may refuse to replace a signed manifest
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
    kept = renderer.resources.auto_track
    if kept is not None:
        said = "kept as" if kept.fresh else "from"
        console.print(f"track: {said} {kept.track.path}", markup=False, style="dim")


def _tell(done: FrameDone, batch: Batch, console: Console, said: set[str]) -> bool:
    """Notes what became of a frame and says what is worth a line; whether going on makes sense."""
    if done.error is not None:
        batch.failed.append((done.frame, str(done.error)))
        console.print(f"faceplate: frame {done.frame}: {done.error}", markup=False)
        return done.error.code not in FATAL_ERROR_CODES
    for stage, seconds in done.seconds.items() if done.written is not None else ():
        batch.seconds.setdefault(stage, []).append(seconds)
    if done.current is not None:
        batch.current.append(done.frame)
    elif done.written is None:
        batch.skipped.append(done.frame)
    for note in done.notes:
        if note not in said:
            said.add(note)
            console.print(f"frame {done.frame}: {note}", markup=False, style="dim")
    return True


def _log_frame(done: FrameDone, log: Log, batch: Batch, total: int) -> None:
    if done.error is not None:
        log.event("frame", "error", frame=done.frame, state="failed", code=done.error.code, message=str(done.error))
    elif done.written is None:
        state = "current" if done.current is not None else "skipped"
        log.event("frame", frame=done.frame, state=state, path=done.current)
    else:
        took = {stage: round(seconds, 4) for stage, seconds in done.seconds.items()}
        key = done.rendered.key if done.rendered else ""
        log.event(
            "frame", frame=done.frame, state="written", path=done.written.path, key=key, seconds=took, notes=done.notes
        )
    ended = len(batch.written) + len(batch.current) + len(batch.failed) + len(batch.skipped)
    log.event("progress", done=min(ended, total), total=total)


def _summary(batch: Batch, total: int) -> dict[str, Any]:
    """Counts, and for each stage its seconds in all and a frame."""
    stages = {
        stage: {"total_s": round(sum(times), 4), "frame_s": round(sum(times) / len(times), 4)}
        for stage, times in batch.seconds.items()
    }
    counts = {"written": len(batch.written), "current": len(batch.current), "skipped": len(batch.skipped)}
    words = f"{len(batch.written)} of {total} frames written, {len(batch.current)} were current"
    words += f", {len(batch.failed)} failed" if batch.failed else ""
    spent = ", ".join(f"{stage} {1000 * item['frame_s']:.0f}" for stage, item in stages.items())
    return {
        "frames": total,
        **counts,
        "failed": len(batch.failed),
        "stopped": batch.stopped,
        "stages": stages,
        "message": f"{words}; ms a frame: {spent}." if spent else f"{words}.",
    }


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        disable=console.quiet,
    )


def _close(console: Console, renderer: Renderer, batch: Batch, total: int) -> None:
    for line in (f"source: left out {line}" for line in renderer.resources.skipped_pictures):
        console.print(line, markup=False, style="dim")
    if batch.current:
        console.print(
            f"{len(batch.current)} of {total} frames are up to date and were left alone; --force renders them again.",
            markup=False,
        )
    if len(batch.written) > 1 and len(batch.seconds) > 1:
        spent = (f"{stage} {1000 * sum(times) / len(times):.0f}" for stage, times in batch.seconds.items())
        console.print(f"ms a frame, side by side: {', '.join(spent)}", markup=False, style="dim")
    if batch.skipped:
        console.print(f"{len(batch.skipped)} missing plate frames skipped.", markup=False)
    if batch.stopped:
        console.print(f"faceplate: Stopped after {len(batch.written)} of {total} frames; each is whole.", markup=False)
    elif batch.failed:
        console.print(f"faceplate: {len(batch.failed)} of {total} frames failed.", markup=False)
