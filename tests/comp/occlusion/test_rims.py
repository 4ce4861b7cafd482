"""The rest of a thin rim is found where the network finds pieces of it; a face without glasses is left as it is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.comp.occlusion.rims import with_rims
from faceplate.comp.occlusion.square import SIDE, SquareMesh
from faceplate.face import Face, topology
from faceplate.image.frame import Frame
from occluders import network_square

NOTHING = np.full((SIDE, SIDE), -6.0, np.float32)
SIZE = SIDE / 1.14


@pytest.fixture(scope="module")
def square(read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]) -> tuple[np.ndarray, np.ndarray]:
    """The front view of bea, who wears no glasses, in the network's square: linear Rec.709, and the mesh."""
    return network_square(read_picture("bea/front.jpg"), face_in("bea/front.jpg"))


def drawn(points: np.ndarray, parts: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Rims around both eyes between these angles in degrees, float32 (SIDE, SIDE)."""
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    for loop in (topology().right_eye_loop, topology().left_eye_loop):
        centre = points[loop, :2].mean(axis=0) + np.array([0, 0.025 * SIZE])
        axes = (0.85 * np.ptp(points[loop, 0]), 0.085 * SIZE)
        for start, end in parts:
            shape = (np.round(centre * 16).astype(int).tolist(), [round(axis * 16) for axis in axes])
            cv2.ellipse(alpha, *shape, 0, start, end, 255, 2, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(alpha.astype(np.float32) / 255, (0, 0), 0.6)


def levels_of(seen: np.ndarray) -> np.ndarray:
    return np.median(seen[60:260, 60:260], axis=(0, 1)).astype(np.float32)


@pytest.mark.parametrize("contrast", [-0.35, 0.35])
def test_the_rest_of_a_rim_is_found(square: tuple[np.ndarray, np.ndarray], contrast: float) -> None:
    seen, points = square
    whole, known = drawn(points, ((0, 360),)), drawn(points, ((180, 330),))
    odds = NOTHING + 8 * np.minimum(known * 1.5, 1)
    found = with_rims(odds, seen * np.exp(contrast * whole)[..., None], levels_of(seen), SquareMesh(points))
    rest = (whole > 0.5) & (drawn(points, ((170, 340),)) < 0.01)
    assert (odds[rest] < -2).mean() > 0.95
    assert (found[rest] > -2.2).mean() > 0.85, "from a tenth on, the plate's pixels decide"
    assert (found >= odds).all()
    beside = cv2.dilate(whole, np.ones((13, 13))) < 0.01
    assert (found[beside] > -2.2).mean() < 0.002, "and little else"


def test_lines_alone_are_no_rims(square: tuple[np.ndarray, np.ndarray]) -> None:
    seen, points = square
    marked = seen * np.exp(-0.35 * drawn(points, ((0, 360),)))[..., None]
    assert with_rims(NOTHING, marked, levels_of(seen), SquareMesh(points)) is NOTHING


def test_hair_over_one_eye_is_no_glasses(square: tuple[np.ndarray, np.ndarray]) -> None:
    seen, points = square
    half = drawn(points, ((0, 360),))
    half[:, : SIDE // 2] = 0
    odds = NOTHING + 8 * np.minimum(1.5 * half, 1)
    found = with_rims(odds, seen, levels_of(seen), SquareMesh(points))
    assert np.abs(found - odds).max() < 1e-3


def test_smudges_beside_rims_are_removed(square: tuple[np.ndarray, np.ndarray]) -> None:
    """Brows and a rim's shadow, which the network doubts, are no part of the glasses; a strand that it is sure of stays."""
    seen, points = square
    whole = drawn(points, ((0, 360),))
    right = points[topology().right_eye_loop, :2]
    brow, strand = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    x = round(float(right[:, 0].mean()))
    top = int(np.flatnonzero(whole[:, x] > 0.5)[0])
    brow[top - 13 : top - 8, x - 14 : x + 14] = True
    strand[top - 18 : top - 8, x + 18 : x + 22] = True
    odds = NOTHING + 8 * np.minimum(whole * 1.5, 1)
    odds[brow], odds[strand] = -0.7, 4.0
    found = with_rims(odds, seen * np.exp(-0.35 * whole)[..., None], levels_of(seen), SquareMesh(points))
    assert found[brow].max() < -2.2
    assert (found[strand] == odds[strand]).all()
    assert (found[whole > 0.9] > 0).all()


def test_a_bridge_says_that_there_are_glasses(square: tuple[np.ndarray, np.ndarray]) -> None:
    """Of half a rim around one eye and a bridge, the other eye's rim follows; without the bridge it does not."""
    seen, points = square
    whole, known = drawn(points, ((0, 360),)), drawn(points, ((180, 330),))
    right, left = (points[loop, :2].mean(axis=0) for loop in (topology().right_eye_loop, topology().left_eye_loop))
    known[:, : round((right[0] + left[0]) / 2)] = 0
    bridge = np.zeros((SIDE, SIDE), np.uint8)
    ends = np.round(points[[133, 362], :2]).astype(int).tolist()
    cv2.line(bridge, ends[0], ends[1], 255, 3)
    odds = NOTHING + 8 * np.minimum(known * 1.5, 1)
    crossed = np.where(bridge > 0, np.float32(2), odds)
    shown = seen * np.exp(-0.35 * whole)[..., None]
    rest = (whole > 0.5) & (np.mgrid[:SIDE, :SIDE][1] < right[0]) & (crossed < -4)
    without, following = (with_rims(one, shown, levels_of(seen), SquareMesh(points))[rest] for one in (odds, crossed))
    assert (without > -2.2).mean() < 0.1
    assert (following > -2.2).mean() > 0.5
