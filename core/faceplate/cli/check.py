"""`faceplate check`: checks that a rendered shot is complete and right."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from faceplate.cli.farm import FramesOption, MappingOption, OutputFolder, TrackOption, shot_on_node
from faceplate.cli.log import Log, LogOption, open_log
from faceplate.errors import FaceplateError
from faceplate.face import FaceFinder
from faceplate.farm import Report, assets_of, check_shot, plan_job, write_bundle
from faceplate.models import default_store
from faceplate.plate import parse_frames
from faceplate.render import Renderer
from faceplate.render.batch import RenderBatch, is_fatal

__all__ = ["check_command"]


def check_command(
    shot: Annotated[Path, typer.Argument(help="The shot file, x.shot.json.")],
    frames: FramesOption = None,
    output_folder: OutputFolder = "",
    track: TrackOption = None,
    path_mapping: MappingOption = None,
    fix: Annotated[bool, typer.Option("--fix", help="Render the frames at fault again, then check them.")] = False,
    requeue: Annotated[
        Path | None, typer.Option(help="Write a job bundle of the frames at fault into this folder.")
    ] = None,
    log: LogOption = "text",
) -> None:
    """Check that every frame is there, whole, of one take, finite, and made from the current inputs.

    Exit code 0: all is right; 1: a frame is at fault or a signed manifest no longer fits; 2: the shot itself is wrong.
    """
    lines = open_log(log)
    with lines.refusals():
        renderer = Renderer(shot_on_node(shot, output_folder, track, path_mapping), FaceFinder(default_store()))
        wanted = parse_frames(frames.replace(":", "x")) if frames else None
        report = _checked(renderer, wanted, lines)
        if fix and report.bad:
            _render_again(renderer, report, lines)
            report = _checked(renderer, wanted, lines)
        if fix and report.sound:
            for path in report.left:
                with suppress(OSError):
                    path.unlink()
        if requeue is not None and report.bad:
            job = plan_job(renderer, frames=report.bad)
            print(write_bundle(job, assets_of(job, renderer), requeue))
    if not report.sound:
        raise typer.Exit(1)


def _checked(renderer: Renderer, frames: tuple[int, ...] | None, lines: Log) -> Report:
    report = check_shot(renderer, frames, lambda done, total: lines.event("progress", done=done, total=total))
    for fault in report.faults:
        lines.event("fault", "error", frame=fault.frame, code=fault.code, face=fault.face, message=fault.message)
        if lines.text:
            print(f"frame {fault.frame}: {fault.code}: {fault.message}")
    if report.refused:
        lines.event("fault", "error", frame=None, code="manifest-signed", message=report.refused)
        if lines.text:
            print(report.refused)
    if report.note and lines.text:
        print(report.note)
    words = f"{len(report.frames) - len(report.bad)} of {len(report.frames)} frames are right"
    words += f"; made on {', '.join(report.devices)}" if report.devices else ""
    words += f"; {len(report.left)} hidden files of killed writers" if report.left else ""
    lines.event(
        "report",
        frames=len(report.frames),
        bad=report.bad,
        left=len(report.left),
        devices=report.devices,
        manifest=report.manifest,
        message=f"{words}.",
    )
    if lines.text:
        print(f"{words}.")
    return report


def _render_again(renderer: Renderer, report: Report, lines: Log) -> None:
    """Render the frames at fault, whatever their files are. Raises an error that ends the range."""
    batch = RenderBatch(renderer, recorded=True, action="render")
    fatal: Exception | None = None
    for done in batch.run(report.bad):
        if done.error is None:
            continue
        lines.event("frame", "error", frame=done.frame, state="failed", code=done.code, message=str(done.error))
        if lines.text:
            print(f"frame {done.frame}: {done.error}")
        if fatal is None and (is_fatal(done.error) or not isinstance(done.error, FaceplateError)):
            fatal = done.error
    if fatal is not None:
        raise fatal
