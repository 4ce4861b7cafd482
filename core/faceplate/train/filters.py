"""Filters of a dataset: small, blurred, hidden and cut-off faces, other people, and near-duplicates are left out, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.face import topology
from faceplate.train.crops import FaceMeasures

__all__ = ["SAME_PERSON", "Candidate", "choose_faces", "person_embedding"]

SAME_PERSON = 0.6
"""Likeness of two people's mean embeddings from which they count as one person; SFace's threshold for two pictures is 0.363."""

# Likeness to the person's mean embedding below which a face is somebody else's. SFace's threshold for two pictures is 0.363;
# a mean is more like any picture of the person than two pictures are like each other, and people under hard light reach 0.3.
_OTHER_PERSON = 0.3
# A crop may enlarge the picture by this factor.
_LARGEST_ENLARGEMENT = 1.6
# Sharpness of a crop below which it is blurred: as such, and as a part of the person's upper quartile.
_BLURRED, _BLURRED_PART = 0.12, 0.35
# Shares of the face that may be hidden, and that may lie beyond the picture's edge.
_HIDDEN, _OUTSIDE = 0.35, 0.1
# Two faces are near-duplicates when all landmarks agree within the first distance (root mean square), those of eyes and mouth
# within the second (the farthest), both in sides of the crop, and the pictures within the third (root mean square of luma).
_SHAPE, _FEATURES, _PICTURE = 0.003, 0.005, 0.008
# Pictures from which the person is told.
_SAMPLE = 600


@dataclass(frozen=True)
class Candidate:
    """A face that may enter the dataset.

    Attributes
    ----------
    file, frame
        Where it is from.
    picture : int
        Number of the frame that shows it; several faces of one frame have the same.
    landmarks : np.ndarray
        float32 (478, 2), in sides of the crop.
    embedding : np.ndarray
        float32 (128,), of length 1.
    measures : FaceMeasures
        What was measured.
    """

    file: str
    frame: int | None
    picture: int
    landmarks: np.ndarray
    embedding: np.ndarray
    measures: FaceMeasures


def choose_faces(faces: Sequence[Candidate], size: int) -> dict[int, str]:
    """Return the faces that are left out, as their number in `faces` and the reason.

    Of several faces of one frame the one most like the person is used; the others are left out without a reason (""). The
    order of `faces` decides which of two near-duplicates stays: the first.

    Parameters
    ----------
    faces : sequence of Candidate
        All faces of one person's inputs, in the order of the inputs.
    size : int
        The crop's side in pixels.
    """
    reasons: dict[int, str] = {}
    person = person_embedding(faces)
    if person is None:
        return reasons
    likeness = np.array([float(face.embedding @ person) for face in faces])
    _bystanders(faces, likeness, reasons)
    usual = float(np.quantile([face.measures.sharpness for face in faces], 0.75))
    for number, face in enumerate(faces):
        if number not in reasons and (reason := _fault(face.measures, size, usual, likeness[number])):
            reasons[number] = reason
    _near_duplicates(faces, reasons)
    return reasons


def person_embedding(faces: Sequence[Candidate]) -> np.ndarray | None:
    """Return the embedding float32 (128,), of length 1, of the person whom most of the faces show; None without a face.

    It is the mean of the faces that are like the most typical one, so that a few faces of others do not move it.
    """
    if not faces:
        return None
    every = np.stack([face.embedding for face in faces])
    some = every[:: max(len(every) // _SAMPLE, 1)]
    mean = some[np.argmax(np.median(some @ some.T, axis=1))]
    for _ in range(2):
        like = every[every @ mean >= _OTHER_PERSON]
        mean = like.mean(axis=0) if len(like) else mean
        mean = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return mean.astype(np.float32)


def _bystanders(faces: Sequence[Candidate], likeness: np.ndarray, reasons: dict[int, str]) -> None:
    best: dict[int, int] = {}
    for number, face in enumerate(faces):
        other = best.setdefault(face.picture, number)
        if likeness[number] > likeness[other]:
            best[face.picture] = number
    for number, face in enumerate(faces):
        if best[face.picture] != number:
            reasons[number] = ""


def _fault(seen: FaceMeasures, size: int, usual: float, likeness: float) -> str:
    """Return why a face is left out, "" where it is not."""
    if seen.side * _LARGEST_ENLARGEMENT < size:
        return f"small: the crop of {size} pixels has only {round(seen.side)} in the picture"
    if seen.outside > _OUTSIDE:
        return f"cut off: {seen.outside:.0%} of the face lies beyond the picture's edge"
    if seen.sharpness < max(_BLURRED, _BLURRED_PART * usual):
        return f"blurred: sharpness {seen.sharpness:.2f}, the person's usual is {usual:.2f}"
    if seen.hidden > _HIDDEN:  # after blur, which the occlusion network takes for an occluder
        return f"occluded: {seen.hidden:.0%} of the face is hidden"
    if likeness < _OTHER_PERSON:
        return f"another person: likeness {likeness:.2f} to the other pictures"
    return ""


def _near_duplicates(faces: Sequence[Candidate], reasons: dict[int, str]) -> None:
    """Leave out the faces that are like one before them, which stays."""
    features = np.concatenate(
        [topology().right_eye_loop, topology().left_eye_loop, topology().mouth_loop, np.arange(468, 478)]
    )
    shapes = np.stack([face.landmarks for face in faces])
    pictures = np.stack([face.measures.thumbnail for face in faces])
    kept: list[int] = []
    for number in range(len(faces)):
        if number in reasons:
            continue
        if kept:
            away = np.sqrt(np.mean((pictures[kept] - pictures[number]) ** 2, axis=(1, 2)))
            for near in np.array(kept)[away < _PICTURE]:
                apart = shapes[near] - shapes[number]
                moved = float(np.hypot(*apart[features].T).max())
                if moved < _FEATURES and float(np.sqrt((apart**2).sum(axis=1).mean())) < _SHAPE:
                    like = faces[near]
                    at = like.file if like.frame is None else f"{like.file} frame {like.frame}"
                    reasons[number] = f"near-duplicate of {at}"
                    break
        if number not in reasons:
            kept.append(number)
