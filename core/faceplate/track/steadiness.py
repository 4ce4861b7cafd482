"""What a track says of each frame of a person: how sure, how steady, how fast, how much is hidden, how sure the mouth is.

Each series has one value for a frame, or none where the track cannot tell. `track/issues.py` compares them with thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from faceplate.comp.occlusion import COARSE_SIDE
from faceplate.face import Face, topology
from faceplate.face.shape import RIGID
from faceplate.track.track import Track, TrackedFace

__all__ = ["Series", "edge_width", "series_of"]

# Half axes of the face's ellipse in its square, in parts of the square's side: the mesh fills 1 / 1.14 of the longer side.
_ACROSS, _DOWN = 0.36, 0.42
# Frames before a frame among which the least hidden one is looked for.
_BEFORE = 3
# Coefficients of the fourth difference, and their root sum of squares: white noise of 1 gives 1.
_FOURTH = np.array([1.0, -4.0, 6.0, -4.0, 1.0])
_FOURTH_NORM = float(np.sqrt(70.0))


@dataclass(frozen=True)
class Series:
    """Values of one person by frame.

    Attributes
    ----------
    confidence : mapping of int to float
        The track's own, 0..1, of observed frames.
    filled : tuple of int
        Frames in which the face was not observed.
    tremble : mapping of int to float
        What of the skull's movement changes direction from frame to frame, in thousandths of the face's size.
    light : mapping of int to float
        The same of the face's mean tone, in stops.
    turn : mapping of int to float
        Angle that the head turned since the frame before, in degrees.
    hidden : mapping of int to float
        Part of the face that something hides more than in the frames before, 0..1.
    mouth : mapping of int to float
        How far the observed lips lie from those that are rendered, in thousandths of the face's size.
    softness : mapping of int to float
        Width of the plate's edges in the face, in pixels. Empty in a track that does not store it.
    """

    confidence: Mapping[int, float] = field(default_factory=dict)
    filled: tuple[int, ...] = ()
    tremble: Mapping[int, float] = field(default_factory=dict)
    light: Mapping[int, float] = field(default_factory=dict)
    turn: Mapping[int, float] = field(default_factory=dict)
    hidden: Mapping[int, float] = field(default_factory=dict)
    mouth: Mapping[int, float] = field(default_factory=dict)
    softness: Mapping[int, float] = field(default_factory=dict)


def series_of(track: Track, person: str) -> Series:
    """Read the series of one person from the track file alone."""
    faces = {frame: face for frame in track.person(person).frames if (face := track.face(person, frame)) is not None}
    frames = np.array(sorted(faces))
    step = int(np.diff(frames).min()) if len(frames) > 1 else 1
    skull = {frame: face.face.points[RIGID, :2] / face.face.size for frame, face in faces.items()}
    tones = {frame: tone for frame, face in faces.items() if (tone := _tone(face)) is not None}
    return Series(
        confidence={frame: face.confidence for frame, face in faces.items() if face.seen},
        filled=tuple(frame for frame, face in sorted(faces.items()) if not face.seen),
        tremble={frame: 1000.0 * value for frame, value in _fourth(skull, step).items()},
        light=_fourth({frame: np.array([[tone]]) for frame, tone in tones.items()}, step),
        turn=_turns(faces, step),
        hidden=_rises({frame: _hidden(face) for frame, face in faces.items() if face.look is not None}, step),
        mouth=_mouths(track, person, faces),
        softness={frame: width for frame, face in faces.items() if (width := edge_width(face)) is not None},
    )


def edge_width(face: TrackedFace) -> float | None:
    """Return the width of the plate's edges in a face in pixels; None in a track whose looks do not store their `softness`."""
    part = getattr(face.look, "softness", None)
    return None if part is None else float(part) * face.face.size


def _fourth(values: Mapping[int, np.ndarray], step: int) -> dict[int, float]:
    """Return the RMS of the fourth difference of points (n, k) by frame, where all five frames are there."""
    found = {}
    for frame in values:
        five = [values.get(frame + offset * step) for offset in (-2, -1, 0, 1, 2)]
        if all(points is not None for points in five):
            difference = sum(
                weight * points for weight, points in zip(_FOURTH, five, strict=True) if points is not None
            )
            found[frame] = float(np.sqrt((np.asarray(difference) ** 2).sum(axis=1).mean())) / _FOURTH_NORM
    return found


def _tone(face: TrackedFace) -> float | None:
    """Return the mean of the face's tones in stops."""
    tones = None if face.look is None else face.look.tones
    if tones is None:
        return None
    return float(np.average(tones.log.mean(axis=1), weights=np.maximum(tones.trust, 1e-3)) / np.log(2.0))


def _turns(faces: Mapping[int, TrackedFace], step: int) -> dict[int, float]:
    found = {}
    for frame, face in faces.items():
        before = faces.get(frame - step)
        if before is not None:
            found[frame] = float(np.linalg.norm(np.subtract(face.pose, before.pose))) / step
    return found


def _hidden(face: TrackedFace) -> float:
    """Return the part of the face's ellipse whose odds of being hidden are above even."""
    assert face.look is not None
    middle = (np.arange(COARSE_SIDE) + 0.5) / COARSE_SIDE - 0.5
    inside = (middle[None] / _ACROSS) ** 2 + (middle[:, None] / _DOWN) ** 2 < 1
    return float((face.look.hidden[inside] > 0).mean())


def _rises(hidden: Mapping[int, float], step: int) -> dict[int, float]:
    """Return how much more is hidden than in the least hidden of some frames before."""
    found = {}
    for frame, value in hidden.items():
        before = [hidden[frame - k * step] for k in range(1, _BEFORE + 1) if frame - k * step in hidden]
        if before:
            found[frame] = max(value - min(before), 0.0)
    return found


def _mouths(track: Track, person: str, faces: Mapping[int, TrackedFace]) -> dict[int, float]:
    lips = np.unique(np.concatenate([topology().lips_loop, topology().mouth_loop]))
    found = {}
    for frame, face in faces.items():
        raw = track.raw(person, frame)
        if raw is not None:
            found[frame] = _apart(raw, face.face, lips)
    return found


def _apart(raw: Face, smooth: Face, lips: np.ndarray) -> float:
    """Return the RMS distance of the lips once the skulls are laid on each other, in thousandths of the face's size."""
    shift = (raw.points[RIGID, :2] - smooth.points[RIGID, :2]).mean(axis=0)
    difference = raw.points[lips, :2] - smooth.points[lips, :2] - shift
    return 1000.0 * float(np.sqrt((difference**2).sum(axis=1).mean())) / smooth.size
