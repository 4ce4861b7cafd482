"""Dials: an artist's changes to the performance, as displacements of the 478 points of the target's mesh.

`dials.npz` holds one direction for each dial on a canonical mesh (`face.shape`), fitted by `bench/people/fit_dials.py` from the 52
blendshapes of invented people. A displacement is linear in the dial. Lids and lips close by the face's own opening, so that -1
closes them on any face. A head's pose is no dial: it would part the face from its track.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np

from faceplate.face.expression import EYE_CORNERS, IRISES, LID_PAIRS, LIP_PAIRS, brow_heights, gaze_of
from faceplate.face.expression_match import GAZE_SEEN
from faceplate.face.shape import pose_of

__all__ = ["DIALS", "WIDTHS_PER_DEGREE", "DialledPoints", "Dials", "dial_features", "dialled", "lids_part"]

WIDTHS_PER_DEGREE = 12.0 * np.pi / 180.0 / 30.0
"""What one degree moves an iris, in widths of the eye: an eyeball of 12 mm radius between lids of 30 mm width."""

# Decimals of a pixel that displacements are rounded to.
_DECIMALS = 5
# How much of their opening lids open at 1.
_LIDS_WIDER = 0.4
# By how much of their opening the landmarker finds lids closed that stay where they are: for each degree of a look up, for an open
# mouth, and for a smile.
_LIDS_UNSEEN = {"gaze_y": 0.007, "mouth": 0.1, "smile": 0.12}


@dataclass(frozen=True)
class Dials:
    """The dials' values; 0 leaves the performance as it is.

    Attributes
    ----------
    gaze_x, gaze_y : float
        Degrees by which the eyes turn to the picture's right, and up.
    lids : float
        -1 closes the lids, 1 opens them wide.
    brow_right, brow_left : float
        -1..1, lowers or raises the person's right and left brow.
    mouth : float
        -1 closes the lips, 1 opens the mouth wide.
    smile : float
        -1..1, draws the corners of the mouth in and down, or out and up.
    jaw : float
        -1..1, moves the jaw to the picture's left, or right above 0.
    press : float
        0..1, presses the lips together.
    """

    gaze_x: float = 0.0
    gaze_y: float = 0.0
    lids: float = 0.0
    brow_right: float = 0.0
    brow_left: float = 0.0
    mouth: float = 0.0
    smile: float = 0.0
    jaw: float = 0.0
    press: float = 0.0

    @property
    def any(self) -> bool:
        """Whether a dial is turned."""
        return any(astuple(self))


DIALS = tuple(field.name for field in fields(Dials))
"""The names of the dials."""

_FITTED = DIALS[2:]
"""The dials in the order of the directions in `dials.npz`; the look turns the irises alone."""


@dataclass(frozen=True)
class DialledPoints:
    """A mesh with the dials on it, in square pixels.

    Attributes
    ----------
    outer : np.ndarray
        float64 (478, 3), the points with the dials that may move the outline of the face: brows, mouth open, smile, jaw.
    whole : np.ndarray
        float64 (478, 3), the points with all dials, the irises too.
    look : np.ndarray
        float64 (2, 2), the movement of the right and left iris.
    seen : np.ndarray
        float64 (478, 3), what the landmarker is to find in the result, which is what the expression match aims at. It sees irises
        move less than they do in `whole`, and finds lids closed under a look up, an open mouth and a smile that do not move in
        `whole`: they are wider here by as much.
    """

    outer: np.ndarray
    whole: np.ndarray
    look: np.ndarray
    seen: np.ndarray


def dialled(points: np.ndarray, dials: Dials) -> DialledPoints:
    """Put the dials on a mesh (478, 3) in square pixels."""
    if not dials.any:
        return DialledPoints(points, points, np.zeros((2, 2)), points)
    pose, directions = pose_of(points), _directions()
    wide = max(dials.mouth, 0.0) * directions["mouth"]
    others = [getattr(dials, name) * directions[name] for name in ("brow_right", "brow_left", "smile", "jaw")]
    outer = points + pose.place(np.sum([wide, *others], axis=0))
    lids = dials.lids * (_LIDS_WIDER if dials.lids > 0 else 1.0) * directions["lids"]
    gap = _lid_gap(pose.canonical) / _lid_gap(directions["lids"])
    lids = pose.place(lids * gap)
    lips = min(dials.mouth, 0.0) * _lip_gap(pose.canonical) / _lip_gap(directions["mouth"]) * directions["mouth"]
    inner = outer + pose.place(lips + dials.press * directions["press"])
    look = _look(points, dials)
    unseen = sum(share * max(getattr(dials, name), 0.0) for name, share in _LIDS_UNSEEN.items())
    whole, seen = inner + lids, inner + lids + pose.place(unseen * directions["lids"] * gap)
    for iris, turn, less in zip(IRISES, look, _look(points, dials, *GAZE_SEEN), strict=True):
        whole[iris, :2] += turn
        seen[iris, :2] += less
    # The last digits of a matrix product depend on where its arrays lie in memory; a warp must not.
    outer, whole, seen = (points + np.round(part - points, _DECIMALS) for part in (outer, whole, seen))
    return DialledPoints(outer, whole, np.round(look, _DECIMALS), seen)


def dial_features(points: np.ndarray) -> np.ndarray:
    """Measure on a mesh (478, 3) in square pixels what each dial moves, float64 (9,), in the order of `DIALS`.

    The look is in degrees, the others in radii of the head.
    """
    across, down = gaze_of(points).mean(axis=0)
    look = np.array([across, -down]) / WIDTHS_PER_DEGREE
    return np.concatenate([look, canonical_features(pose_of(points).canonical)])


def lids_part(points: np.ndarray, other: np.ndarray) -> float:
    """Return how far the lids of a mesh (478, 3) in square pixels are apart, over those of an `other` one: 0 where they are shut.

    It is the gap across the eyes alone, which a dial closes; points of both lids are never quite above each other.
    """
    gap, whole = (max(_lid_gap(pose_of(these).canonical), 0.0) for these in (points, other))
    return gap / max(whole, 1e-6)


def canonical_features(canonical: np.ndarray) -> np.ndarray:
    """Measure lids, brows, mouth, smile, jaw and press on a canonical mesh or on an offset of one (478, 3), float64 (7,)."""
    corners = (canonical[291, 0] - canonical[61, 0]) / 2 - canonical[[61, 291], 1].mean() + canonical[2, 1]
    chin = canonical[[17, 18, 200, 199, 175, 152], 0].mean() - canonical[[2, 168, 6], 0].mean()
    red = canonical[[0, 37, 267, 14, 87, 317], 1].mean() - canonical[[13, 82, 312, 17, 84, 314], 1].mean()
    return np.array([_lid_gap(canonical), *brow_heights(canonical), _lip_gap(canonical), corners, chin, red])


def _lid_gap(canonical: np.ndarray) -> float:
    return float(np.mean([_gap(canonical, pairs) for pairs in LID_PAIRS]))


def _lip_gap(canonical: np.ndarray) -> float:
    return _gap(canonical, LIP_PAIRS)


def _gap(canonical: np.ndarray, pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> float:
    upper, lower = (list(side)[2:-2] for side in pairs)
    return float((canonical[lower, 1] - canonical[upper, 1]).mean())


def _look(points: np.ndarray, dials: Dials, along: float = 1.0, upright: float = 1.0) -> np.ndarray:
    """Return the movement of the irises (2, 2) in pixels; of its parts along and across the eye only these shares."""
    across, up = along * WIDTHS_PER_DEGREE * dials.gaze_x, upright * WIDTHS_PER_DEGREE * dials.gaze_y
    axes = [points[second, :2] - points[first, :2] for first, second in EYE_CORNERS]
    return np.array([across * axis - up * np.array([-axis[1], axis[0]]) for axis in axes])


@cache
def _directions() -> dict[str, np.ndarray]:
    """Load the directions by dial, once: float64 (478, 3) each, on a canonical mesh."""
    with np.load(Path(__file__).parent / "dials.npz") as table:
        return dict(zip(_FITTED, table["directions"].astype(np.float64), strict=True))
