"""How often each face of a person is drawn: rare turns, open mouths and closed eyes more often than their share."""

from __future__ import annotations

import numpy as np

from faceplate.face.expression import eye_openness, mouth_openness

__all__ = ["chances"]

# A person's faces are divided by turn into this many parts of equal size; by the mouth as in the chart of the coverage; by the eyes
# at this part of the usual openness.
_TURNS = 5
_MOUTHS = (0.08, 0.25)
_SHUT = 0.6
_NOSE, _RIGHT_EYE, _LEFT_EYE = 1, slice(468, 473), slice(473, 478)


def chances(landmarks: np.ndarray) -> np.ndarray:
    """Return the probability of each face, float64 (n,), sum 1, from landmarks (n, 478, 2) of one person in crop pixels.

    A face's chance is one over the square root of the number of faces that are like it in turn, mouth and eyes: between drawing
    all faces alike, where an open mouth in profile is hardly ever seen, and all combinations alike, where a single frame would be
    learnt by heart.
    """
    points = np.asarray(landmarks, np.float64)
    right, left = points[:, _RIGHT_EYE].mean(1), points[:, _LEFT_EYE].mean(1)
    apart = np.maximum(np.linalg.norm(left - right, axis=1), 1e-6)
    turn = (points[:, _NOSE, 0] - (right[:, 0] + left[:, 0]) / 2) / apart
    limits = np.quantile(turn, np.arange(1, _TURNS) / _TURNS)
    mouth = np.array([mouth_openness(face) for face in points])
    eyes = np.array([max(eye_openness(face)) for face in points])
    shut = eyes < _SHUT * np.median(eyes)
    cells = np.stack([np.searchsorted(limits, turn), np.searchsorted(_MOUTHS, mouth), shut.astype(int)], 1)
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(counts[cell.reshape(-1)])
    return weight / weight.sum()
