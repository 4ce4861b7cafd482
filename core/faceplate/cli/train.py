"""`faceplate train …`: an actor's own model, from the studio's own footage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faceplate.face import FaceFinder
from faceplate.models import default_store
from faceplate.train.coverage import Coverage
from faceplate.train.dataset import COVERAGE_SHEET, DatasetRequest, make_dataset
from faceplate.train.inputs import ReadSettings
from faceplate.train.pack import TrainingSet, dataset_folder, open_training_set

__all__ = ["train_app"]

train_app = typer.Typer(help="An actor's own model, from the studio's own footage.", no_args_is_help=True)

_INPUT = "a folder of pictures and movies, a picture, a movie, frames (turn.####.exr), or a tracked shot (x.shot.json)"


@train_app.callback()
def train_command() -> None:
    """Handle the options that stand before a sub-command."""


@train_app.command("dataset")
def dataset_command(
    model: Annotated[Path, typer.Argument(help="The model's folder; the dataset is written into MODEL/dataset.")],
    actor: Annotated[
        list[Path] | None, typer.Option("--actor", help=f"The person who is put in, any number of times: {_INPUT}.")
    ] = None,
    double: Annotated[
        list[Path] | None, typer.Option("--double", help="The person who is replaced, any number of times: the same.")
    ] = None,
    size: Annotated[int, typer.Option(help="Side of a face in pixels, 64 to 512.")] = 256,
    every: Annotated[int, typer.Option(help="Take every n-th frame of movies, frame sequences and tracks.", min=1)] = 1,
    production: Annotated[str, typer.Option(help="The production that the releases are asked for.")] = "",
    actor_release: Annotated[
        Path | None, typer.Option(help="The actor's release.json, where it does not lie beside the pictures.")
    ] = None,
    double_release: Annotated[
        Path | None, typer.Option(help="The double's release.json, where it does not lie beside the plates.")
    ] = None,
    space: Annotated[str | None, typer.Option(help="The colour space of pictures and movies that do not say.")] = None,
    ocio: Annotated[str | None, typer.Option(help="An OCIO config; else $OCIO, else the built-in ACES config.")] = None,
    workers: Annotated[int, typer.Option(help="Threads; 0: one for each processor.", min=0)] = 0,
) -> None:
    """Make a dataset: the faces of both people, aligned and filtered, with a chart of what the actor was not seen doing.

    Each person needs a release that permits training. It lies beside the pictures, or in the folder above.
    """
    finder = FaceFinder(default_store(), threads=1)
    request = DatasetRequest(
        model=model,
        actor=tuple(actor or ()),
        double=tuple(double or ()),
        size=size,
        settings=ReadSettings(finder, ocio, space, every),
        production=production,
        actor_release=actor_release,
        double_release=double_release,
        workers=workers or os.cpu_count() or 1,
    )
    with _bar() as bar:
        tasks: dict[str, object] = {}

        def progress(person: str, done: int, total: int) -> None:
            if person not in tasks:
                tasks[person] = bar.add_task(person, total=total)
            bar.update(tasks[person], completed=done)  # type: ignore[arg-type]

        document = make_dataset(request, progress)
    _tell(model, document)


def _tell(model: Path, document: TrainingSet) -> None:
    """Print what the dataset holds, what was left out, and the pictures to take."""
    _, packs = open_training_set(model)
    for person, pack in packs.items():
        print(f"{person}: {len(pack)} faces of {pack.side} pixels, {int(pack.held_out.sum())} of them held out")
    kinds: dict[str, int] = {}
    for item in document.dropped:
        kind = item.reason.partition(":")[0].partition(" of ")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    if kinds:
        words = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda pair: -pair[1]))
        print(f"Left out: {words}; each with its reason in dataset.json")
    print(f"Releases: {', '.join(document.releases)}")
    for sentence in Coverage.model_validate(document.coverage).advice:
        print(sentence)
    print(f"The chart: {dataset_folder(model) / COVERAGE_SHEET}")


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
