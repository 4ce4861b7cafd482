"""`faceplate course`: the material of the course's lessons, and the show file of a class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from faceplate.course.material import make_class, make_lesson

__all__ = ["course_app"]

course_app = typer.Typer(
    help="The course: the material of two lessons, and the show file of a class (docs/course).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Folder = Annotated[Path, typer.Argument(help="The folder to write into; made if it is not there.")]
_Small = Annotated[
    bool, typer.Option("--small", help="A small plate with fewer frames: a few seconds, for a first look.")
]


@course_app.command("lesson1")
def lesson1_command(folder: _Folder, small: _Small = False) -> None:
    """Write the material of lesson 1, Time turned back: plate, hand's matte, source, comp script."""
    _make("lesson1", folder, small)


@course_app.command("lesson2")
def lesson2_command(folder: _Folder, small: _Small = False) -> None:
    """Write the material of lesson 2, What the sliders do: a short plate, sources, scripts."""
    _make("lesson2", folder, small)


@course_app.command("class")
def class_command(folder: _Folder) -> None:
    """Write the show file of a class: a slate on every picture, no finals, sources from one folder."""
    _tell(make_class(folder.expanduser()))


def _make(name: str, folder: Path, small: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False)) as bar:
        task = bar.add_task("plate", total=None)
        written = make_lesson(
            name,
            folder.expanduser(),
            small=small,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _tell(written)


def _tell(written: list[tuple[str, str]]) -> None:
    width = max(len(path) for path, _ in written)
    for path, what in written:
        print(f"{path:{width}}  {what}")
