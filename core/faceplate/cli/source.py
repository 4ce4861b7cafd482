"""`faceplate source`: shows what a source's pictures give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceplate.color import ColorConfig
from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.review.source_sheet import write_source_sheet
from faceplate.source import read_source
from faceplate.source.advice import missing_pictures

__all__ = ["source_app"]

source_app = typer.Typer(
    help="The pictures of the person who is put in.", no_args_is_help=True, pretty_exceptions_enable=False
)


@source_app.callback()
def source_command() -> None:
    """Handle the options that stand before a sub-command."""


@source_app.command("show")
def show_command(
    source: Annotated[
        Path, typer.Argument(help="The person: a folder of pictures, a picture, frames (turn.####.exr), a movie.")
    ],
    out: Annotated[Path | None, typer.Option(help="The sheet, .jpg or .png; by default NAME.source.jpg here.")] = None,
    source_space: Annotated[str | None, typer.Option(help="The source pictures' colour space.")] = None,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config; else $OCIO, else the built-in ACES config.")] = None,
) -> None:
    """Write a sheet of the pictures, what hides the face in them, their textures and the atlas; list what is missing."""
    person = read_source(source, ColorConfig.load(ocio), FaceFinder(default_store()), source_space)
    sheet = out or Path(f"{source.resolve().stem}.source.jpg")
    write_source_sheet(person, sheet)
    print(f"The sheet: {sheet}")
    for sentence in (*person.skipped, *missing_pictures(person)):
        print(sentence)
