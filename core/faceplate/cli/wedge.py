"""`faceplate wedge`: one or two parameters over several values, as takes, contact sheets and a table of measures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faceplate.cache import StageCache, settings_from
from faceplate.cli.log import Log, LogOption, open_log
from faceplate.cli.ui import open_workspace
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.plate import parse_frames
from faceplate.render.batch import log_render
from faceplate.render.cache_types import KINDS
from faceplate.review.wedge import (
    TakeDone,
    WedgeDocument,
    WedgePlan,
    WedgeRenderers,
    lay_out,
    parse_axes,
    render_takes,
)
from faceplate.review.wedge.axes import shown_value
from faceplate.shot import is_shot_file, load_shot
from faceplate.system.user_paths import is_file

__all__ = ["plan_of", "renderers_of", "wedge_command"]

_HEADINGS = {
    "to_source": "to source",
    "to_target": "to target",
    "flicker": "flicker",
    "seam": "seam",
    "light_error": "light error",
    "seconds": "seconds",
}


def wedge_command(
    shot: Annotated[str, typer.Argument(help="The shot file, x.shot.json.")],
    axes: Annotated[
        list[str],
        typer.Argument(
            help="One or two parameters with their values: light_scale=0.05:0.5:5 (five values from 0.05 to 0.5), "
            "blend=none,gradient; a list whose values hold commas is separated by semicolons."
        ),
    ],
    frames: Annotated[str | None, typer.Option("--frames", "-f", help="1001,1012 or 1001-1048x2.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder; NAME.wedge in the current folder by default.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Frames rendered at once; 0: by the machine's cores.", min=0)] = 0,
    force: Annotated[bool, typer.Option("--force", help="Also render takes that are up to date.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the wedge in the workspace afterwards.")] = False,
    log: LogOption = "text",
) -> None:
    """Render a shot with one or two parameters over several values, and lay the takes out side by side.

    Writes a folder of EXR takes for each variant, a contact sheet for each frame (sheet.####.png), and a table of measures
    (wedge.csv, wedge.json). Takes that are up to date are left alone.
    """
    lines = open_log(log)
    with lines.refusals():
        plan = plan_of(shot, axes, frames, output)
        renderers = renderers_of(plan)
        failed = _render(renderers, jobs, force, lines)
        document = _laid_out(renderers, lines)
        _tell(document, plan.folder, lines)
        if show:
            open_workspace(plan.document, wedge=plan.folder.absolute())
    if failed:
        raise typer.Exit(1)


def plan_of(shot: str, axes: list[str], frames: str | None, output: Path | None) -> WedgePlan:
    """Return the wedge that the words of a command line ask for.

    Raises
    ------
    UsageError
        `no-shot`, `bad-frames`, and what `parse_axes` and `load_shot` raise.
    """
    if not is_shot_file(shot) or not is_file(shot):
        raise UsageError("no-shot", f"There is no shot file {shot}; a wedge needs one, x.shot.json.")
    parsed = parse_axes(axes)
    loaded = load_shot(shot)
    if frames:
        loaded = loaded.model_copy(update={"frames": parse_frames(frames.replace(":", "x"))})
    folder = output.expanduser() if output is not None else Path.cwd() / f"{loaded.name}.wedge"
    return WedgePlan(loaded, parsed, folder, str(Path(shot).expanduser().absolute()))


def renderers_of(plan: WedgePlan) -> WedgeRenderers:
    """Return the renderers of a wedge with a stage cache in memory; on disk too where `FACEPLATE_CACHE` names a folder."""
    return WedgeRenderers(plan, FaceFinder(default_store()), StageCache(settings_from(disk=False), KINDS))


def _render(renderers: WedgeRenderers, jobs: int, force: bool, log: Log) -> int:
    """Render every take under a progress bar, and return how many failed."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not log.text)
    plan = renderers.plan
    with _bar(console) as bar:
        task = bar.add_task("track", total=None, visible=False)
        renderers.prepare(lambda done, total: bar.update(task, completed=done, total=total, visible=True))
    frames = renderers.base.frames()
    total = len(frames) * len(plan.variants)
    log.event(
        "start", variants=len(plan.variants), frames=len(frames), output=str(plan.folder),
        message=f"{len(plan.variants)} variants of {len(frames)} frames: {plan.folder}",
    )  # fmt: skip
    log_render(renderers.base, frames, "wedge")
    failed, done, shown = 0, 0, set[str]()
    with _bar(console) as bar:
        task = bar.add_task("wedge", total=total)
        with closing(render_takes(renderers, jobs=jobs, force=force)) as takes:
            for take in takes:
                done += 1
                failed += take.done.error is not None or take.done.not_rendered
                _tell_take(take, console, log, shown)
                bar.update(task, advance=1)
                log.event("progress", done=done, total=total, what="take")
    return failed


def _tell_take(take: TakeDone, console: Console, log: Log, shown: set[str]) -> None:
    """Show a take's error and its notes; a note that was shown before is left out. Raises an error of the request itself."""
    variant, done = take.variant, take.done
    for note in take.notes:
        if note not in shown:
            shown.add(note)
            console.print(f"{variant.name}, frame {done.frame}: {note}", markup=False, style="dim")
    if isinstance(done.error, UsageError):
        raise done.error
    if done.error is not None:
        console.print(f"faceplate: {variant.name}, frame {done.frame}: {done.error}", markup=False)
        log.event(
            "frame", "error", variant=variant.name, frame=done.frame, state="failed", code=done.code,
            message=str(done.error),
        )  # fmt: skip
        return
    state = "written" if done.written is not None else "current" if done.current is not None else "not-rendered"
    log.event("frame", variant=variant.name, frame=done.frame, state=state)


def _laid_out(renderers: WedgeRenderers, log: Log) -> WedgeDocument:
    console = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not log.text)
    with _bar(console) as bar:
        task = bar.add_task("sheet", total=None)
        return lay_out(renderers, lambda done, total: bar.update(task, completed=done, total=total))


def _tell(document: WedgeDocument, folder: Path, log: Log) -> None:
    """Print the table of measures, the shared stages, and where the files are."""
    computed, shared = document.stages.get("computed", {}), document.stages.get("shared", {})
    log.event(
        "summary", variants=len(document.variants), sheets=[sheet.file for sheet in document.sheets],
        stages=document.stages, message=f"{len(document.variants)} variants: {folder}",
    )  # fmt: skip
    if not log.text:
        return
    for line in table_lines(document):
        print(line)
    counts = [f"{stage} {made} + {shared.get(stage, 0)}" for stage, made in computed.items()]
    if counts:
        print(f"Stages made + shared: {', '.join(counts)}")
    print(f"{len(document.variants)} variants: {folder}")
    for sheet in document.sheets:
        print(folder / sheet.file)


def table_lines(document: WedgeDocument) -> list[str]:
    """Return the table of measures, a line for each variant, with the means over its frames; – is not measured."""
    names = [axis.parameter for axis in document.axes]
    rows = [[*names, *_HEADINGS.values()]]
    for variant in document.variants:
        figures = [getattr(variant.measures, name) for name in _HEADINGS]
        shown = ["–" if figure is None else f"{figure:.3f}" for figure in figures]
        rows.append([*(shown_value(name, variant.values[name]) for name in names), *shown])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=console.quiet)
