"""Between the strands of a fringe the plate's skin stays; other hair, and the face below the brows, are left as they are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from faceplate.comp.occlusion import square_matrix
from faceplate.comp.occlusion.fringe import fringe_veil
from faceplate.comp.occlusion.square import SIDE, SquareMesh
from faceplate.face import Face, topology
from faceplate.face.align import apply

# Columns and rows of the middle of the forehead, where a fringe ends.
MIDDLE, ENDS = slice(130, 190), 50


@pytest.fixture(scope="module")
def mesh(face_in: Callable[[str], Face]) -> SquareMesh:
    face = face_in("cal/front.jpg")
    return SquareMesh(np.column_stack([apply(square_matrix(face, 1.0), face.points[:, :2]), face.points[:, 2]]))


def hanging(step: int, width: int) -> np.ndarray:
    """Log-odds of strands that hang to the row `ENDS`, one every `step` columns."""
    odds = np.full((SIDE, SIDE), -8.0, np.float32)
    for start in range(40, SIDE - 40, step):
        odds[:ENDS, start : start + width] = 8.0
    return odds


def test_skin_between_strands_stays_and_passes_softly_below_their_ends(mesh: SquareMesh) -> None:
    veil = fringe_veil(hanging(16, 6), mesh)
    assert veil[ENDS - 20 : ENDS - 8, MIDDLE].min() > 0.9
    below = veil[ENDS - 8 :, MIDDLE]
    assert np.abs(np.diff(below, axis=0)).max() < 0.15, "no blunt ends"
    eyes = int(mesh.points[topology().right_eye_loop, 1].min())
    assert not veil[eyes:].any()


@pytest.mark.parametrize("odds", [hanging(300, 6), hanging(16, 16), hanging(90, 6)], ids=["one", "dense", "far"])
def test_hair_without_narrow_gaps_has_no_veil(odds: np.ndarray, mesh: SquareMesh) -> None:
    assert fringe_veil(odds, mesh).max() < 0.05


def test_the_veil_follows_the_odds_without_a_step(mesh: SquareMesh) -> None:
    odds = hanging(16, 6)
    moved = [fringe_veil(np.minimum(odds, np.float32(most)), mesh) for most in np.arange(-1.0, 2.0, 0.05)]
    assert moved[0].max() < 0.05 < 0.9 < moved[-1].max()
    assert max(np.abs(b - a).max() for a, b in pairwise(moved)) < 0.3
