"""`faceplate farm variant` and `faceplate farm sheet`: the tasks of a wedge's job."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from faceplate.cli.farm import FramesOption, MappingOption, TrackOption, shot_on_node
from faceplate.cli.log import LogOption, open_log
from faceplate.cli.wedge import renderers_of, table_lines
from faceplate.errors import UsageError
from faceplate.plate import parse_frames
from faceplate.review.wedge import WedgePlan, WedgeRenderers, lay_out, parse_axes, render_takes

__all__ = ["sheet_command", "variant_command"]

ShotFile = Annotated[Path, typer.Argument(help="The shot file, x.shot.json.")]
AxisOption = Annotated[
    list[str], typer.Option("--axis", help="An axis, such as light_scale=0.05:0.5:5; once or twice.")
]


def variant_command(
    shot: ShotFile,
    axis: AxisOption,
    variants: Annotated[str, typer.Option(help="Which variants, counted from 0, the first axis fastest: 0-3.")],
    output_folder: Annotated[str, typer.Option(help="The wedge's folder.")],
    frames: FramesOption = None,
    track: TrackOption = None,
    path_mapping: MappingOption = None,
    log: LogOption = "text",
) -> None:
    """Render some variants of a wedge, as a task of a job. `farm sheet` lays them out."""
    lines = open_log(log)
    failed = 0
    with lines.refusals():
        renderers = _renderers(shot, axis, output_folder, frames, track, path_mapping)
        every = renderers.plan.variants
        numbers = parse_frames(variants)
        unknown = [number for number in numbers if not 0 <= number < len(every)]
        if unknown:
            raise UsageError(
                "no-such-variant", f"The wedge has no variant {unknown[0]}; they are 0 to {len(every) - 1}."
            )
        wanted = [every[number] for number in numbers]
        renderers.prepare(only=wanted)
        total = len(wanted) * len(renderers.base.frames())
        with closing(render_takes(renderers, wanted)) as takes:
            for done, take in enumerate(takes, 1):
                error = take.done.error
                if isinstance(error, UsageError):
                    raise error
                failed += error is not None or take.done.not_rendered
                if error is not None:
                    lines.event(
                        "frame", "error", frame=take.done.frame, state="failed", code=take.done.code, message=str(error)
                    )
                lines.event("progress", done=done, total=total, what="take")
        if failed:
            lines.event("error", "error", code="frames-failed", message=f"{failed} of {total} takes failed.")
    if failed:
        raise typer.Exit(1)


def sheet_command(
    shot: ShotFile,
    axis: AxisOption,
    output_folder: Annotated[str, typer.Option(help="The wedge's folder.")],
    frames: FramesOption = None,
    track: TrackOption = None,
    path_mapping: MappingOption = None,
    log: LogOption = "text",
) -> None:
    """Measure the takes of a wedge and lay out its sheets, as the last task of a job."""
    lines = open_log(log)
    with lines.refusals():
        renderers = _renderers(shot, axis, output_folder, frames, track, path_mapping)
        renderers.prepare()
        document = lay_out(renderers, lambda done, total: lines.event("progress", done=done, total=total, what="cell"))
    for line in table_lines(document):
        print(line)


def _renderers(
    shot: Path, axes: list[str], folder: str, frames: str | None, track: Path | None, path_mapping: Path | None
) -> WedgeRenderers:
    """Return the renderers of a wedge with the paths of this machine."""
    loaded = shot_on_node(shot, folder, track, path_mapping)
    if frames:
        loaded = loaded.model_copy(update={"frames": parse_frames(frames.replace(":", "x"))})
    return renderers_of(WedgePlan(loaded, parse_axes(axes), Path(folder), str(shot.absolute())))
