"""Rims of glasses: closed lines around the eyes, too thin for the occlusion network.

A thin rim is found as the strongest closed path around an eye (C. Sun and S. Pallottino, "Circular shortest path in images",
Pattern Recognition 2003). It is looked for only in the pictures of a person who wears glasses: lids and wrinkles are lines around
the eyes, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.source.light import LUMINANCE
from faceplate.source.photograph import Photograph

__all__ = ["find_rims"]

# Directions around an eye, and places between the nearest and the farthest rim.
_TURNS, _PLACES = 144, 72
# Half axes of the nearest and the farthest rim outward and inward in widths of the eye, down and up in face sizes.
_NEAREST, _FARTHEST = (0.62, 0.55, 0.055, 0.025), (1.5, 0.98, 0.21, 0.13)
# Half widths of rims as fractions of the face's size, and the most contrast in natural logarithm that counts.
_WIDTHS, _MOST = (0.0045, 0.008), 0.5
# Cost of a place's step from one direction to the next, and the most of such a step.
_STEP, _STEEPEST = 0.02, 2
# Contrast from which a direction shows the rim, the contrast that an arc has on average, and, in directions, the shortest arc and
# the longest gap in it.
_FAINT, _CLEAR, _SHORTEST, _GAP = 0.03, 0.05, 14, 6
# Thickness of a rim, of it with the pad beside the nose, and of its soft border, as fractions of the face's size.
_RIM, _PAD, _SOFT = 0.024, 0.045, 0.004
# Where no frame was found otherwise: the least part of the directions that must show the rim, and its least mean contrast below
# the eye, where lids and brows have no lines.
_LEAST_SHOWN, _LEAST_BELOW = 0.6, 0.22


@dataclass(frozen=True)
class _Unrolled:
    """The surroundings of an eye: positions float64 (turns, places, 2) on the grid, and cells from place to place (turns,)."""

    at: np.ndarray
    pitch: np.ndarray


def find_rims(photograph: Photograph, frame: bool) -> np.ndarray:
    """Find the rims of glasses in a picture of a person who wears them, float32 (gh, gw) in 0..1 on its grid.

    With `frame`, other parts of the frame were found in this picture, and every long arc of a rim counts; without, only a rim that
    goes almost round an eye. What is inside the eye's opening is left free.
    """
    luma, points, cells = photograph.grid @ LUMINANCE, photograph.grid_points, photograph.cells
    drawn = np.zeros(luma.shape, np.uint8)
    loops = (topology().right_eye_loop, topology().left_eye_loop)
    centres = [points[loop].mean(axis=0) for loop in loops]
    for loop, centre, other in zip(loops, centres, reversed(centres), strict=True):
        outward = (centre - other) / max(float(np.hypot(*(centre - other))), 1e-9)
        unrolled = _unroll(centre, outward, float(np.ptp(points[loop] @ outward)), cells)
        contrast = _contrast(luma, unrolled, cells)
        places = _strongest_path(contrast)
        along = contrast[np.arange(_TURNS), places]
        shown = _arcs(along)
        if frame or (shown.mean() >= _LEAST_SHOWN and along[: _TURNS // 2].mean() >= _LEAST_BELOW):
            _draw(drawn, unrolled.at[np.arange(_TURNS), places], shown, cells)
    for loop in loops:
        cv2.fillPoly(drawn, [np.round(points[loop]).astype(np.int32)], 0)
    soft = cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), max(_SOFT * cells, 0.5))
    return soft * photograph.raster.covered


def _unroll(centre: np.ndarray, outward: np.ndarray, width: float, cells: float) -> _Unrolled:
    """Return the places around an eye; the first direction points `outward`, away from the nose, and then they turn down."""
    down = np.array([-outward[1], outward[0]]) * (1.0 if outward[0] > 0 else -1.0)
    turn = np.arange(_TURNS) * 2 * np.pi / _TURNS
    side, drop = np.cos(turn), np.sin(turn)
    ends = []
    for out, inward, below, above in (_NEAREST, _FARTHEST):
        along = np.where(side > 0, out, inward) * side * width
        across = np.where(drop > 0, below, above) * drop * cells
        ends.append(centre + along[:, None] * outward + across[:, None] * down)
    way = ends[1] - ends[0]
    share = np.linspace(0, 1, _PLACES)
    return _Unrolled(ends[0][:, None] + way[:, None] * share[:, None], np.hypot(*way.T) / (_PLACES - 1))


def _contrast(luma: np.ndarray, unrolled: _Unrolled, cells: float) -> np.ndarray:
    """Compute how much darker or lighter than both its sides each place is, float32 (turns, places)."""
    x, y = (np.ascontiguousarray(unrolled.at[..., axis], np.float32) for axis in (0, 1))
    seen = cv2.remap(luma, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.GaussianBlur(np.concatenate([seen[-6:], seen, seen[:6]]), (1, 7), sigmaX=1.0, sigmaY=1.3)[6:-6]
    best = np.zeros_like(seen)
    place = np.arange(_PLACES)
    for width in _WIDTHS:
        reach = np.maximum(width * cells / unrolled.pitch, 1.0)[:, None]
        before, after = (_read(seen, place + sign * reach) for sign in (-1, 1))
        line = np.maximum(np.minimum(before, after) - seen, seen - np.maximum(before, after))
        best = np.maximum(best, line * (place >= reach) * (place + reach <= _PLACES - 1))
    return np.clip(best, 0, _MOST)


def _read(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Read each row (turns, places) at fractional places, linearly."""
    at = np.clip(at, 0, _PLACES - 1)
    low = at.astype(int)
    share = (at - low).astype(np.float32)
    high = np.minimum(low + 1, _PLACES - 1)
    return np.take_along_axis(rows, low, axis=1) * (1 - share) + np.take_along_axis(rows, high, axis=1) * share


def _strongest_path(contrast: np.ndarray) -> np.ndarray:
    """Return the place in each direction of the closed path with the most contrast, int (turns,).

    Going round three times and keeping the middle one closes the path.
    """
    rounds = np.concatenate([contrast] * 3)
    came = np.zeros(rounds.shape, np.int64)
    steps = np.arange(-_STEEPEST, _STEEPEST + 1)
    from_place = np.clip(np.arange(_PLACES) + steps[:, None], 0, _PLACES - 1)
    cost = _STEP * np.abs(steps)[:, None]
    score = rounds[0].copy()
    for k in range(1, len(rounds)):
        ways = score[from_place] - cost
        chosen = ways.argmax(axis=0)
        came[k] = from_place[chosen, np.arange(_PLACES)]
        score = ways.max(axis=0) + rounds[k]
    path = np.zeros(len(rounds), np.int64)
    path[-1] = int(score.argmax())
    for k in range(len(rounds) - 1, 0, -1):
        path[k - 1] = came[k, path[k]]
    return path[_TURNS : 2 * _TURNS]


def _arcs(contrast: np.ndarray) -> np.ndarray:
    """Return the directions in which the path is a rim, bool (turns,): long arcs that are clear on average, and gaps in them."""
    twice = np.concatenate([contrast, contrast]) > _FAINT
    closed = cv2.morphologyEx(twice.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, _GAP + 1), np.uint8))[0]
    count, labels = cv2.connectedComponents(closed[None], connectivity=4)
    both, found = np.asarray(labels, np.int32)[0], np.zeros(2 * len(contrast), bool)
    values = np.concatenate([contrast, contrast])
    for label in range(1, count):
        arc = both == label
        found |= arc & (arc.sum() >= _SHORTEST and values[arc].mean() > _CLEAR)
    return found[: len(contrast)] | found[len(contrast) :]


def _draw(drawn: np.ndarray, path: np.ndarray, shown: np.ndarray, cells: float) -> None:
    """Draw the shown part of a closed path, thicker below the eye beside the nose, where the pads are."""
    turn = np.arange(_TURNS) / _TURNS
    pad = (turn > 0.3) & (turn < 0.5)
    ends = np.round(path * 16).astype(int)
    for k in np.flatnonzero(shown & np.roll(shown, -1)):
        width = max(round((_PAD if pad[k] else _RIM) * cells), 1)
        first, second = ends[k].tolist(), ends[(k + 1) % _TURNS].tolist()
        cv2.line(drawn, first, second, 1, width, cv2.LINE_8, 4)
