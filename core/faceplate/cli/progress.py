"""Renders a batch of frames with a progress bar, frames per second, and a clear summary at the end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from faceplate.cli.log import Log
from faceplate.errors import FaceplateError, UsageError
from faceplate.render import Renderer
from faceplate.render.batch import FrameDone, RenderBatch
from faceplate.render.issues import RenderIssues
from faceplate.review import ContactSheet

__all__ = ["BatchReport", "finish_batch", "render_batch"]


@dataclass
class BatchReport:
    """What became of a range of `total` frames.

    `written` are the files; `current`, `skipped` (the plate has a hole) and `not_rendered` (an error ended the range
    before) are frame numbers; `failed` are frames with one sentence each. `refusal` is the error that says that the
    request itself is wrong. `stopped` says that Ctrl-C ended the range. `seconds` has for each stage one time a frame.
    """

    total: int = 0
    written: list[Path] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    not_rendered: list[int] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    refusal: UsageError | None = None
    stopped: bool = False

    @property
    def ended(self) -> int:
        """The number of frames that are finished, whatever became of them."""
        others = (self.current, self.failed, self.skipped, self.not_rendered)
        return min(len(self.written) + sum(map(len, others)), self.total)

    def add(self, done: FrameDone) -> None:
        """Add what became of one frame. Written files are added by the batch itself, as soon as they are whole."""
        if done.error is not None:
            self.failed.append((done.frame, str(done.error)))
            if isinstance(done.error, UsageError):
                self.refusal = self.refusal or done.error
        elif done.not_rendered:
            self.not_rendered.append(done.frame)
        elif done.current is not None:
            self.current.append(done.frame)
        elif done.is_hole:
            self.skipped.append(done.frame)
        else:
            for stage, seconds in done.seconds.items():
                self.seconds.setdefault(stage, []).append(seconds)


class _Rate(ProgressColumn):
    """Frames written per second since the first one began; failed and skipped frames do not count."""

    def render(self, task: Task) -> Text:
        written, elapsed = task.fields.get("written", 0), task.finished_time or task.elapsed
        return Text(f"{written / elapsed:.2f} fps" if written and elapsed else "– fps")


def render_batch(batch: RenderBatch, contact_sheet: Path | None = None, log: Log | None = None) -> BatchReport:
    """Prepare the batch's shot, render every frame of it under a progress bar, and report the result.

    A failed frame does not stop the others, unless its error is fatal: the frames after it are then reported as not
    rendered. A `log` for a program takes the place of bar and sentences. Raises `FaceplateError` for what is wrong
    before the first frame, and `UsageError` where a frame shows that the request itself is wrong.
    """
    log = log or Log()
    console = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not log.text)
    renderer = batch.renderer
    _prepare(renderer, console)
    frames = renderer.frames()
    log.event(
        "start", frames=len(frames), output=str(renderer.output), message=f"{len(frames)} frames: {renderer.output}"
    )
    sheet = ContactSheet(renderer.color, frames) if contact_sheet else None
    report, issues = BatchReport(len(frames)), RenderIssues(renderer)
    watched = replace(batch, alone=True, on_written=lambda written: report.written.append(written.path))
    _follow(watched, frames, report, sheet, log, console, issues)
    if (note := issues.keep()) and log.text:
        console.print(note, markup=False, style="dim")
    if sheet and contact_sheet and report.written:
        sheet.write(contact_sheet)
    _close(console, renderer, report)
    log.event("summary", **_summary(report))
    if log.text and report.written:
        count = len(report.written)
        print(f"{count} frame{'s' if count != 1 else ''}: {renderer.output}")
    if report.refusal is not None:
        raise report.refusal
    return report


def finish_batch(report: BatchReport) -> None:
    """Leave the command with the exit code that belongs to the report: 130 stopped, 1 a frame failed, 0 otherwise."""
    if report.stopped:
        raise typer.Exit(130)
    if report.failed:
        raise typer.Exit(1)


def _follow(
    batch: RenderBatch,
    frames: Iterable[int],
    report: BatchReport,
    sheet: ContactSheet | None,
    log: Log,
    console: Console,
    issues: RenderIssues,
) -> None:
    """Render the frames, and show and log what becomes of each until the last one or Ctrl-C."""
    shown: set[str] = set()
    with _bar(console) as bar:
        task = bar.add_task(batch.action, total=report.total, written=0)
        try:
            with closing(batch.run(frames)) as outcomes:
                for done in outcomes:
                    if done.error is not None and not isinstance(done.error, FaceplateError):
                        raise done.error
                    report.add(done)
                    issues.add(done)
                    _show(done, console, shown)
                    _log_frame(done, log, report)
                    if sheet and done.rendered:
                        sheet.add(done.rendered)
                    bar.update(task, advance=1, written=len(report.written))
        except UsageError as error:
            if error.code != "manifest-signed":
                raise
            report.refusal = report.refusal or error  # shown after the summary: the frames themselves are written
        except KeyboardInterrupt:
            report.stopped = True


def _prepare(renderer: Renderer, console: Console) -> None:
    """Prepare the shot, with a bar while its plate is tracked, and say which track is used."""
    with _bar(console) as bar:
        task = bar.add_task("track", total=None, visible=False)
        renderer.prepare(lambda done, total: bar.update(task, completed=done, total=total, visible=True))
    kept = renderer.resources.auto_track
    if kept is not None:
        how = "kept as" if kept.fresh else "from"
        console.print(f"track: {how} {kept.track.path}", markup=False, style="dim")


def _show(done: FrameDone, console: Console, shown: set[str]) -> None:
    """Show a frame's error and its notes. A note that was shown for an earlier frame is left out."""
    if done.error is not None and not isinstance(done.error, UsageError):  # that one is the command's own error
        console.print(f"faceplate: frame {done.frame}: {done.error}", markup=False)
    for note in done.notes:
        if note not in shown:
            shown.add(note)
            console.print(f"frame {done.frame}: {note}", markup=False, style="dim")


def _log_frame(done: FrameDone, log: Log, report: BatchReport) -> None:
    if done.error is not None:
        log.event("frame", "error", frame=done.frame, state="failed", code=done.code, message=str(done.error))
    elif done.written is None:
        state = "not-rendered" if done.not_rendered else "current" if done.current is not None else "skipped"
        log.event("frame", frame=done.frame, state=state, path=done.current)
    else:
        took = {stage: round(seconds, 4) for stage, seconds in done.seconds.items()}
        key = done.key if done.rendered else ""
        log.event(
            "frame", frame=done.frame, state="written", path=done.written.path, key=key, seconds=took, notes=done.notes
        )
    log.event("progress", done=report.ended, total=report.total)


def _summary(report: BatchReport) -> dict[str, Any]:
    """Return the counts, and for each stage its seconds in all and for a frame."""
    stages = {
        stage: {"total_s": round(sum(times), 4), "frame_s": round(sum(times) / len(times), 4)}
        for stage, times in report.seconds.items()
    }
    words = f"{len(report.written)} of {report.total} frames written, {len(report.current)} were current"
    words += f", {len(report.failed)} failed" if report.failed else ""
    words += f", {len(report.not_rendered)} were not rendered" if report.not_rendered else ""
    spent = ", ".join(f"{stage} {1000 * item['frame_s']:.0f}" for stage, item in stages.items())
    return {
        "frames": report.total,
        "written": len(report.written),
        "current": len(report.current),
        "skipped": len(report.skipped),
        "failed": len(report.failed),
        "not_rendered": len(report.not_rendered),
        "stopped": report.stopped,
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


def _close(console: Console, renderer: Renderer, report: BatchReport) -> None:
    """Show what the artist should know at the end of a range."""
    total = report.total
    for line in (f"source: left out {line}" for line in renderer.resources.skipped_pictures):
        console.print(line, markup=False, style="dim")
    if report.current:
        words = (
            f"{len(report.current)} of {total} frames are up to date and were left alone; --force renders them again."
        )
        console.print(words, markup=False)
    if len(report.written) > 1 and len(report.seconds) > 1:
        spent = (f"{stage} {1000 * sum(times) / len(times):.0f}" for stage, times in report.seconds.items())
        console.print(f"ms a frame, side by side: {', '.join(spent)}", markup=False, style="dim")
    if report.skipped:
        console.print(f"{len(report.skipped)} missing plate frames skipped.", markup=False)
    rest = f"; {len(report.not_rendered)} were not rendered" if report.not_rendered else ""
    if report.stopped:
        console.print(f"faceplate: Stopped after {len(report.written)} of {total} frames; each is whole.", markup=False)
    elif report.failed and (report.refusal is None or report.written):
        console.print(f"faceplate: {len(report.failed)} of {total} frames failed{rest}.", markup=False)
