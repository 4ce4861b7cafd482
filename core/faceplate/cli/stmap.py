"""`faceplate stmap`: the inverse ST map of a shot as an EXR sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceplate.cli.progress import finish_batch, render_batch
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.plate import parse_frames
from faceplate.render import Renderer
from faceplate.render.stmap import unwrap_batch
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters

__all__ = ["stmap_command"]


def stmap_command(
    plate: Annotated[str, typer.Argument(help="The plate: plate.####.exr, plate.%04d.exr, plate.$F4.exr, one file.")],
    output: Annotated[str, typer.Option("--output", "-o", help="Where to write: unwrap.####.exr.")],
    size: Annotated[int, typer.Option(help="Side of the square, pixels.")] = 1024,
    frames: Annotated[str | None, typer.Option("--frames", "-f", help="1001-1048, 1001-1048x2, 1001,1005.")] = None,
    track: Annotated[Path | None, typer.Option("--track", help="A track made by faceplate track.")] = None,
    target: Annotated[str, typer.Option(help="Which face, as for render.")] = "auto",
    space: Annotated[str | None, typer.Option(help="The plate's colour space, when the file does not say.")] = None,
    layer: Annotated[str | None, typer.Option(help="The part or layer that holds the picture.")] = None,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config; else $OCIO, else the built-in ACES config.")] = None,
) -> None:
    """Write for each frame the place in the plate of every pixel of the unwrapped face."""
    parameters = Parameters(generator="null", target=target, grain=0.0, occlusion=0.0)
    wanted = parse_frames(frames) if frames else None
    shot = Shot(
        plate=plate, output=output, frames=wanted, track=track, space=space, layer=layer, ocio=ocio,
        parameters=parameters,
    )  # fmt: skip
    renderer = Renderer(shot, FaceFinder(default_store()))
    finish_batch(render_batch(unwrap_batch(renderer, size, action="stmap")))
