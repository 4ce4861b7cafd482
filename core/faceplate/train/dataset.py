"""Makes a dataset: the faces of an actor and of a double, aligned, filtered, described, and written as packs."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from pathlib import Path

from faceplate.consent import TrainingPictures, judge_training
from faceplate.errors import UsageError
from faceplate.system.atomic import write_failed
from faceplate.train.coverage import coverage_of
from faceplate.train.coverage_sheet import write_coverage_sheet
from faceplate.train.gather import Gathered, Gathering, GatherProgress, gather, look_alike
from faceplate.train.inputs import ReadSettings, TrainingInput, open_input
from faceplate.train.pack import (
    ACTOR,
    DOCUMENT,
    DOUBLE,
    SIZES,
    TrainingSet,
    dataset_folder,
    pack_digest,
    write_pack,
    write_training_set,
)
from faceplate.train.presets import levels_of
from faceplate.train.spool import Spool

__all__ = ["COVERAGE_SHEET", "DatasetRequest", "check_size", "make_dataset", "make_dataset_folder"]

COVERAGE_SHEET = "coverage.png"
"""The chart of the coverage, in the dataset's folder."""


@dataclass(frozen=True)
class DatasetRequest:
    """What a dataset is made from.

    Attributes
    ----------
    model : Path
        The model's folder.
    actor, double : tuple of Path
        The inputs of each person (`open_input`).
    size : int
        The crop's side in pixels.
    settings : ReadSettings
        How the inputs are read.
    production : str
        The production for which the releases are asked; "" takes a shot's own.
    actor_release, double_release : Path, optional
        A person's release, where it does not lie beside the pictures.
    workers : int
        Threads that analyse frames.
    """

    model: Path
    actor: tuple[Path, ...]
    double: tuple[Path, ...]
    size: int
    settings: ReadSettings
    production: str = ""
    actor_release: Path | None = None
    double_release: Path | None = None
    workers: int = 1


def make_dataset(request: DatasetRequest, progress: GatherProgress | None = None) -> TrainingSet:
    """Make the dataset of a model's folder and return its document; an existing one is replaced.

    The releases are checked before a picture is read. The chart of the coverage is written beside the packs.

    Raises
    ------
    UsageError
        `bad-size` for a side that no network can have; `no-actor`, `no-double`; `too-few-faces`; `same-person`; what
        `open_input` and `judge_training` raise.
    RenderError
        `disk-full`, `output-unwritable`.
    """
    _check(request)
    inputs = {
        ACTOR: [open_input(path, request.settings) for path in request.actor],
        DOUBLE: [open_input(path, request.settings) for path in request.double],
    }
    releases = judge_training(_asked_of(request, inputs))
    folder = dataset_folder(request.model)
    make_dataset_folder(folder)
    how = Gathering(request.size, request.settings, request.workers)
    with contextlib.ExitStack() as stack:
        people = {}
        for person, sources in inputs.items():
            spool = stack.enter_context(Spool.beside(folder / f"{person}.spool", request.size))
            people[person] = gather(person, sources, how, spool, progress)
        _refuse_one_person(people)
        (folder / DOCUMENT).unlink(missing_ok=True)  # until the new one is complete there is none
        for person, found in people.items():
            write_pack(folder, person, found.pack())
        coverage = coverage_of(people[ACTOR].measures, people[DOUBLE].measures)
        write_coverage_sheet(folder / COVERAGE_SHEET, coverage, {name: len(one.chosen) for name, one in people.items()})
        document = TrainingSet(
            size=request.size,
            people={person: tuple(item.path for item in sources) for person, sources in inputs.items()},
            releases=releases,
            sha256=pack_digest(folder, people),
            coverage=coverage.model_dump(mode="json"),
            dropped=tuple(itertools.chain.from_iterable(one.dropped for one in people.values())),
        )
        write_training_set(folder, document)
    return document


def check_size(size: int) -> None:
    """Refuse a side that no network can have. Raises `UsageError('bad-size')`."""
    low, high = SIZES
    if not low <= size <= high:
        raise UsageError("bad-size", f"--size is {size}; it can be {low} to {high}.")
    levels_of(size)


def _check(request: DatasetRequest) -> None:
    check_size(request.size)
    for paths, person in ((request.actor, ACTOR), (request.double, DOUBLE)):
        if not paths:
            raise UsageError(
                f"no-{person}", f"A model needs two people, and the {person} is missing; give --{person} PATH."
            )


def _asked_of(request: DatasetRequest, inputs: dict[str, list[TrainingInput]]) -> list[TrainingPictures]:
    own = {ACTOR: request.actor_release, DOUBLE: request.double_release}
    return [
        TrainingPictures(person, item.place, request.production or item.production, item.shot, own[person])
        for person, sources in inputs.items()
        for item in sources
    ]


def make_dataset_folder(folder: Path) -> None:
    """Make the folder of a dataset. Raises as `write_failed` does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failed(folder, error) from error


def _refuse_one_person(people: dict[str, Gathered]) -> None:
    likeness = look_alike(people[ACTOR], people[DOUBLE])
    if likeness is not None:
        raise UsageError(
            "same-person",
            f"The actor and the double look like one person (likeness {likeness:.2f}); a model needs two: check --actor "
            "and --double.",
        )
