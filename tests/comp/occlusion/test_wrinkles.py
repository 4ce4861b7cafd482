"""Creases of the skin are no strands: they lose little red. Dark, light and red hair is left as it was found."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.comp.occlusion.square import SIDE, SquareMesh, sigmoid
from faceplate.comp.occlusion.wrinkles import without_wrinkles
from faceplate.face import Face
from faceplate.image.frame import Frame
from occluders import network_square

CREASE = np.array([-0.15, -0.38, -0.45])
HAIR = {
    "dark": [-0.9, -1.1, -1.15],
    "light": [0.5, 0.5, 0.4],
    "red": [-0.34, -0.8, -1.05],
    "fine": [-0.15, -0.2, -0.22],
}


@pytest.fixture(scope="module")
def square(read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]) -> tuple[np.ndarray, np.ndarray]:
    """The front view of cal in the network's square: linear Rec.709, and the mesh."""
    return network_square(read_picture("cal/front.jpg"), face_in("cal/front.jpg"))


def line(points: np.ndarray, upright: bool) -> np.ndarray:
    """A line on the forehead that lies across it or hangs down, float32 (SIDE, SIDE)."""
    middle = points[[10, 9], :2].mean(axis=0)
    reach = np.array([0.0, 16.0]) if upright else np.array([40.0, 0.0])
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    first, second = (np.round((middle + sign * reach) * 16).astype(int).tolist() for sign in (-1, 1))
    cv2.line(drawn, first, second, 255, 3, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), 0.5)


def found(square: tuple[np.ndarray, np.ndarray], loss: np.ndarray, gain: np.ndarray, *, upright: bool) -> float:
    """Return the part that is left of a line that the network finds surely, with this loss, on a plate of this gain."""
    seen, points = square
    drawn = line(points, upright)
    plate = (seen * np.exp(loss * drawn[..., None]) * gain).astype(np.float32)
    levels = np.median(plate[60:260, 60:260], axis=(0, 1)).astype(np.float32)
    odds = -6 + 8 * np.minimum(1.5 * drawn, 1)
    left = without_wrinkles(odds, plate, levels, SquareMesh(points), 0.0)
    assert (left <= odds).all()
    return float(sigmoid(left)[drawn > 0.6].mean() / sigmoid(odds)[drawn > 0.6].mean())


@pytest.mark.parametrize("gain", [(1, 1, 1), (3, 3, 3), (0.7, 1.0, 1.9)])
@pytest.mark.parametrize("upright", [False, True])
def test_a_crease_is_removed(square: tuple[np.ndarray, np.ndarray], gain: tuple[float, ...], upright: bool) -> None:
    assert found(square, CREASE, np.array(gain), upright=upright) < 0.25


@pytest.mark.parametrize("name", HAIR)
def test_hair_stays(square: tuple[np.ndarray, np.ndarray], name: str) -> None:
    assert found(square, np.array(HAIR[name]), np.ones(3), upright=True) > 0.95


def test_with_glasses_a_line_where_they_sit_stays(square: tuple[np.ndarray, np.ndarray]) -> None:
    """Gold has the colour of a crease."""
    seen, points = square
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    first, second = (np.round(points[index, :2]).astype(int).tolist() for index in (117, 119))
    cv2.line(drawn, first, second, 255, 3)
    alpha = cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), 0.7)
    plate = (seen * np.exp(CREASE * alpha[..., None])).astype(np.float32)
    levels = np.median(plate[60:260, 60:260], axis=(0, 1)).astype(np.float32)
    odds = -6 + 8 * np.minimum(1.5 * alpha, 1)
    shares = [
        sigmoid(without_wrinkles(odds, plate, levels, SquareMesh(points), share))[drawn > 0].mean()
        for share in (0.0, 0.5)
    ]
    assert shares[0] < 0.4 * sigmoid(odds)[drawn > 0].mean()
    assert shares[1] > 0.95 * sigmoid(odds)[drawn > 0].mean()
