"""Closed lines around the eyes, as the rims of glasses are: the strongest closed path around an eye.

The surroundings of the eye are unrolled to directions and places from the nearest to the farthest rim; the path with the most
contrast is found there (C. Sun and S. Pallottino, "Circular shortest path in images", Pattern Recognition 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from faceplate.face import topology

__all__ = ["TURNS", "EyeRing", "ring_contrast", "shown_arcs", "strongest_path", "unroll_eyes"]

TURNS = 144
"""Directions around an eye; the first points away from the nose, and then they turn down."""

# Places between the nearest and the farthest rim.
_PLACES = 72
# Half axes of the nearest and the farthest rim outward and inward in widths of the eye, down and up in face sizes.
_NEAREST, _FARTHEST = (0.62, 0.55, 0.055, 0.025), (1.5, 0.98, 0.21, 0.13)
# Half widths of rims as fractions of the face's size, and the most contrast in natural logarithm that counts.
_WIDTHS, _MOST = (0.0045, 0.008), 0.5
# Cost of a place's step from one direction to the next, and the most of such a step.
_STEP, _STEEPEST = 0.02, 2
# Contrast from which a direction shows the rim, the contrast that an arc has on average, and, in directions, the shortest arc and
# the longest gap in it.
_FAINT, _CLEAR, _SHORTEST, _GAP = 0.03, 0.05, 14, 6


@dataclass(frozen=True)
class EyeRing:
    """The surroundings of an eye.

    Attributes
    ----------
    at : np.ndarray
        float64 (TURNS, places, 2), positions in the picture, with pixel centres at whole numbers.
    pitch : np.ndarray
        float64 (TURNS,), pixels from place to place.
    """

    at: np.ndarray
    pitch: np.ndarray

    def read(self, picture: np.ndarray) -> np.ndarray:
        """Read `picture` (h, w), float32 (TURNS, places)."""
        return cv2.remap(picture, *self._places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = (np.ascontiguousarray(self.at[..., axis], np.float32) for axis in (0, 1))
        return x, y

    def along(self, path: np.ndarray) -> np.ndarray:
        """Return the positions of a path, float64 (TURNS, 2)."""
        return self.at[np.arange(TURNS), path]


def unroll_eyes(points: np.ndarray, size: float) -> list[EyeRing]:
    """Return the surroundings of the right and the left eye.

    `points` (478, 2) is the mesh in the picture, with pixel centres at whole numbers; `size` the face's size in its pixels.
    """
    loops = (topology().right_eye_loop, topology().left_eye_loop)
    centres = [points[loop].mean(axis=0) for loop in loops]
    rings = []
    for loop, centre, other in zip(loops, centres, reversed(centres), strict=True):
        outward = (centre - other) / max(float(np.hypot(*(centre - other))), 1e-9)
        rings.append(_unroll(centre, outward, float(np.ptp(points[loop] @ outward)), size))
    return rings


def _unroll(centre: np.ndarray, outward: np.ndarray, width: float, size: float) -> EyeRing:
    down = np.array([-outward[1], outward[0]]) * (1.0 if outward[0] > 0 else -1.0)
    turn = np.arange(TURNS) * 2 * np.pi / TURNS
    side, drop = np.cos(turn), np.sin(turn)
    ends = []
    for out, inward, below, above in (_NEAREST, _FARTHEST):
        along = np.where(side > 0, out, inward) * side * width
        across = np.where(drop > 0, below, above) * drop * size
        ends.append(centre + along[:, None] * outward + across[:, None] * down)
    way = ends[1] - ends[0]
    share = np.linspace(0, 1, _PLACES)
    return EyeRing(ends[0][:, None] + way[:, None] * share[:, None], np.hypot(*way.T) / (_PLACES - 1))


def ring_contrast(luma: np.ndarray, ring: EyeRing, size: float) -> np.ndarray:
    """Compute how much darker or lighter than both its sides each place is, float32 (TURNS, places).

    `luma` float32 (h, w) is the picture's log luminance, `size` the face's size in its pixels.
    """
    seen = ring.read(luma)
    seen = cv2.GaussianBlur(np.concatenate([seen[-6:], seen, seen[:6]]), (1, 7), sigmaX=1.0, sigmaY=1.3)[6:-6]
    best = np.zeros_like(seen)
    place = np.arange(_PLACES)
    for width in _WIDTHS:
        reach = np.maximum(width * size / ring.pitch, 1.0)[:, None]
        before, after = (_read(seen, place + sign * reach) for sign in (-1, 1))
        line = np.maximum(np.minimum(before, after) - seen, seen - np.maximum(before, after))
        best = np.maximum(best, line * (place >= reach) * (place + reach <= _PLACES - 1))
    return np.clip(best, 0, _MOST)


def _read(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Read each row (TURNS, places) at fractional places, linearly."""
    at = np.clip(at, 0, _PLACES - 1)
    low = at.astype(int)
    share = (at - low).astype(np.float32)
    high = np.minimum(low + 1, _PLACES - 1)
    return np.take_along_axis(rows, low, axis=1) * (1 - share) + np.take_along_axis(rows, high, axis=1) * share


def strongest_path(contrast: np.ndarray) -> np.ndarray:
    """Return the place in each direction of the closed path with the most of `contrast` (..., TURNS, places), int (..., TURNS).

    Going round three times and keeping the middle one closes the path.
    """
    rings = contrast.reshape(-1, TURNS, _PLACES)
    rounds = np.concatenate([rings] * 3, axis=1)
    steps = np.arange(-_STEEPEST, _STEEPEST + 1)
    from_place = np.clip(np.arange(_PLACES) + steps[:, None], 0, _PLACES - 1)
    cost = _STEP * np.abs(steps)[:, None]
    came = np.zeros((rounds.shape[1], len(rings), _PLACES), np.int64)
    score = rounds[:, 0].copy()
    for k in range(1, rounds.shape[1]):
        ways = score[:, from_place] - cost
        chosen = ways.argmax(axis=1)
        came[k] = from_place[chosen, np.arange(_PLACES)]
        score = ways.max(axis=1) + rounds[:, k]
    path = np.zeros((rounds.shape[1], len(rings)), np.int64)
    path[-1] = score.argmax(axis=1)
    each = np.arange(len(rings))
    for k in range(rounds.shape[1] - 1, 0, -1):
        path[k - 1] = came[k, each, path[k]]
    return path[TURNS : 2 * TURNS].T.reshape(contrast.shape[:-1])


def shown_arcs(contrast: np.ndarray) -> np.ndarray:
    """Return the directions in which a path is a rim, bool (TURNS,): long arcs that are clear on average, and gaps in them.

    `contrast` float32 (TURNS,) is the path's own.
    """
    twice = np.concatenate([contrast, contrast]) > _FAINT
    closed = cv2.morphologyEx(twice.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, _GAP + 1), np.uint8))[0]
    count, labels = cv2.connectedComponents(closed[None], connectivity=4)
    both, found = np.asarray(labels, np.int32)[0], np.zeros(2 * len(contrast), bool)
    values = np.concatenate([contrast, contrast])
    for label in range(1, count):
        arc = both == label
        found |= arc & (arc.sum() >= _SHORTEST and values[arc].mean() > _CLEAR)
    return found[: len(contrast)] | found[len(contrast) :]
