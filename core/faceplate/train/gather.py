"""Gathers the faces of one person from all inputs: crops and measures, less what the filters leave out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from faceplate.errors import FaceplateError, UsageError
from faceplate.train.crops import FaceCrop, FaceMeasures, cut_face
from faceplate.train.filters import SAME_PERSON, Candidate, choose_faces, person_embedding
from faceplate.train.inputs import ReadSettings, TrainingFrame, TrainingInput
from faceplate.train.ordered import in_order
from faceplate.train.pack import Dropped, Pack
from faceplate.train.spool import Spool

__all__ = ["LEAST_FACES", "GatherProgress", "Gathered", "Gathering", "gather", "held_out_stretches", "look_alike"]

LEAST_FACES = 10
"""The fewest faces of a person from which a model can learn."""

GatherProgress = Callable[[str, int, int], None]
"""Called with the person, the frames done and the frames in all."""

# Share of the faces that is held out, faces in a stretch of neighbours at least, and the most stretches.
_HELD_OUT, _STRETCH, _STRETCHES = 0.1, 6, 6


@dataclass(frozen=True)
class Gathering:
    """How faces are gathered: the crop's side in pixels, how inputs are read, and the threads that analyse frames."""

    size: int
    settings: ReadSettings
    workers: int = 1


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
class Gathered:
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


def gather(
    person: str, sources: Sequence[TrainingInput], how: Gathering, spool: Spool, progress: GatherProgress | None = None
) -> Gathered:
    """Analyse all frames of a person, a name for sentences, and choose the faces. Raises `UsageError('too-few-faces')`."""
    found = Gathered(spool)
    frames = [(number, frame) for number, item in enumerate(sources) for frame in item.frames]
    analysed = in_order(lambda entry: _analyse(entry[1], how), frames, how.workers)
    for picture, ((number, frame), result) in enumerate(zip(frames, analysed, strict=True)):
        if isinstance(result, str):
            found.dropped.append(Dropped(file=frame.file, frame=frame.frame, reason=result))
        for crop, measures in () if isinstance(result, str) else result:
            spool.add(crop)
            landmarks = crop.landmarks / np.float32(how.size)
            found.candidates.append(Candidate(frame.file, frame.frame, picture, landmarks, crop.embedding, measures))
            found.inputs.append(number)
        if progress is not None:
            progress(person, picture + 1, len(frames))
    reasons = choose_faces(found.candidates, how.size)
    found.chosen = [number for number in range(len(found.candidates)) if number not in reasons]
    found.dropped += [
        Dropped(file=face.file, frame=face.frame, reason=reasons[number])
        for number, face in enumerate(found.candidates)
        if reasons.get(number)
    ]
    _refuse_too_few(person, found)
    return found


def look_alike(one: Gathered, other: Gathered) -> float | None:
    """Return the likeness of two people when they look like one, else None."""
    first, second = one.embedding, other.embedding
    if first is None or second is None or float(first @ second) < SAME_PERSON:
        return None
    return float(first @ second)


def _analyse(frame: TrainingFrame, how: Gathering) -> list[tuple[FaceCrop, FaceMeasures]] | str:
    """Return the crops of a frame's faces, or the reason why there is none."""
    try:
        seen = frame.read()
    except FaceplateError as error:
        return f"unreadable: {error}" if error.code not in ("left-out", "not-seen") else str(error)
    if not seen.faces:
        return "no face found"
    return [cut_face(seen.picture, face, how.size, how.settings.finder) for face in seen.faces]


def _refuse_too_few(person: str, found: Gathered) -> None:
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
