"""Makes a dataset: the faces of an actor and of a double, aligned, filtered, described, and written as packs."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceplate.consent import TrainingPictures, judge_training
from faceplate.errors import FaceplateError, UsageError
from faceplate.system.atomic import write_failed
from faceplate.train.coverage import coverage_of
from faceplate.train.coverage_sheet import write_coverage_sheet
from faceplate.train.crops import FaceCrop, FaceMeasures, cut_face
from faceplate.train.filters import SAME_PERSON, Candidate, choose_faces, person_embedding
from faceplate.train.inputs import ReadSettings, TrainingFrame, TrainingInput, open_input
from faceplate.train.ordered import in_order
from faceplate.train.pack import (
    ACTOR,
    DOCUMENT,
    DOUBLE,
    SIZES,
    Dropped,
    Pack,
    TrainingSet,
    dataset_folder,
    pack_digest,
    write_pack,
    write_training_set,
)
from faceplate.train.presets import levels_of
from faceplate.train.spool import Spool

__all__ = ["COVERAGE_SHEET", "LEAST_FACES", "DatasetRequest", "held_out_stretches", "make_dataset"]

LEAST_FACES = 10
"""The fewest faces of a person from which a model can learn."""

COVERAGE_SHEET = "coverage.png"
"""The chart of the coverage, in the dataset's folder."""

Progress = Callable[[str, int, int], None]
"""Called with the person, the frames done and the frames in all."""

# Share of the faces that is held out, faces in a stretch of neighbours at least, and the most stretches.
_HELD_OUT, _STRETCH, _STRETCHES = 0.1, 6, 6


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


def make_dataset(request: DatasetRequest, progress: Progress | None = None) -> TrainingSet:
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
    _make_folder(folder)
    with contextlib.ExitStack() as stack:
        people = {}
        for person, sources in inputs.items():
            spool = stack.enter_context(Spool.beside(folder / f"{person}.spool", request.size))
            people[person] = _gather(person, sources, request, spool, progress)
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


def held_out_stretches(inputs: Sequence[int]) -> np.ndarray:
    """Choose the faces that are held out, bool (n,): stretches of neighbours, evenly spread, about a tenth of all.

    `inputs` is the number of the input of each face, in order; a stretch does not cross from one input into the next.
    """
    count = len(inputs)
    wanted = min(max(round(_HELD_OUT * count), 2), count // 2)
    stretches = int(np.clip(wanted // _STRETCH, 1, _STRETCHES))
    length = wanted // stretches
    held = np.zeros(count, bool)
    for k in range(stretches):
        first = int((k + 0.5) / stretches * count - length / 2)
        chosen = np.arange(first, first + length)
        here = np.asarray(inputs)[chosen]
        held[chosen[here == np.bincount(here).argmax()]] = True
    return held


@dataclass
class _Person:
    """The faces of one person: all candidates with their inputs, and the numbers of the chosen."""

    spool: Spool
    candidates: list[Candidate] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)

    @property
    def measures(self) -> list[FaceMeasures]:
        """What was measured of the chosen faces."""
        return [self.candidates[number].measures for number in self.chosen]

    @property
    def embedding(self) -> np.ndarray | None:
        """The mean embedding of the chosen faces."""
        return person_embedding([self.candidates[number] for number in self.chosen])

    def pack(self) -> Pack:
        """Return the pack of the chosen faces."""
        chosen = [self.candidates[number] for number in self.chosen]
        return Pack(
            self.spool.chosen("pixels", np.float16, self.chosen),
            self.spool.chosen("matte", np.uint8, self.chosen),
            self.spool.chosen("regions", np.uint8, self.chosen),
            np.stack([face.landmarks for face in chosen]) * np.float32(self.spool.size),
            np.stack([face.embedding for face in chosen]),
            held_out_stretches([self.inputs[number] for number in self.chosen]),
        )


def _check(request: DatasetRequest) -> None:
    low, high = SIZES
    if not low <= request.size <= high:
        raise UsageError("bad-size", f"--size is {request.size}; it can be {low} to {high}.")
    levels_of(request.size)
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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failed(folder, error) from error


def _gather(
    person: str, sources: Sequence[TrainingInput], request: DatasetRequest, spool: Spool, progress: Progress | None
) -> _Person:
    """Analyse all frames of a person and choose the faces. Raises `UsageError('too-few-faces')`."""
    found = _Person(spool)
    frames = [(number, frame) for number, item in enumerate(sources) for frame in item.frames]
    analysed = in_order(lambda entry: _analyse(entry[1], request), frames, request.workers)
    for picture, ((number, frame), result) in enumerate(zip(frames, analysed, strict=True)):
        if isinstance(result, str):
            found.dropped.append(Dropped(file=frame.file, frame=frame.frame, reason=result))
        for crop, measures in () if isinstance(result, str) else result:
            spool.add(crop)
            landmarks = crop.landmarks / np.float32(request.size)
            found.candidates.append(Candidate(frame.file, frame.frame, picture, landmarks, crop.embedding, measures))
            found.inputs.append(number)
        if progress is not None:
            progress(person, picture + 1, len(frames))
    reasons = choose_faces(found.candidates, request.size)
    found.chosen = [number for number in range(len(found.candidates)) if number not in reasons]
    found.dropped += [
        Dropped(file=face.file, frame=face.frame, reason=reasons[number])
        for number, face in enumerate(found.candidates)
        if reasons.get(number)
    ]
    _refuse_too_few(person, found)
    return found


def _analyse(frame: TrainingFrame, request: DatasetRequest) -> list[tuple[FaceCrop, FaceMeasures]] | str:
    """Return the crops of a frame's faces, or the reason why there is none."""
    try:
        seen = frame.read()
    except FaceplateError as error:
        return f"unreadable: {error}" if error.code not in ("left-out", "not-seen") else str(error)
    if not seen.faces:
        return "no face found"
    return [cut_face(seen.picture, face, request.size, request.settings.finder) for face in seen.faces]


def _refuse_too_few(person: str, found: _Person) -> None:
    if len(found.chosen) >= LEAST_FACES:
        return
    counts: dict[str, int] = {}
    for item in found.dropped:
        kind = item.reason.partition(":")[0].partition(" of ")[0]
        counts[kind] = counts.get(kind, 0) + 1
    left = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda pair: -pair[1]))
    raise UsageError(
        "too-few-faces",
        f"The {person} has {len(found.chosen)} usable face{'s' if len(found.chosen) != 1 else ''}"
        f"{f' (left out: {left})' if left else ''}; a model needs at least {LEAST_FACES}, and learns from hundreds: "
        "give more pictures.",
    )


def _refuse_one_person(people: dict[str, _Person]) -> None:
    actor, double = people[ACTOR].embedding, people[DOUBLE].embedding
    if actor is None or double is None or float(actor @ double) < SAME_PERSON:
        return
    raise UsageError(
        "same-person",
        f"The actor and the double look like one person (likeness {float(actor @ double):.2f}); a model needs two: "
        "check --actor and --double.",
    )
