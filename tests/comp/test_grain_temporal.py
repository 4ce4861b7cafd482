"""Grain measured between two neighbouring frames."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.comp.grain import Grain, measure_grain, measure_grain_between
from faceplate.image.frame import Frame
from grain_plates import SOFT, WHITE, deviation, grained


@pytest.fixture(scope="module")
def skin(read_picture: Callable[[str], Frame]) -> np.ndarray:
    """The face of a picture with pores and stubble, float32 (480, 400, 3), scene-linear."""
    return np.ascontiguousarray(read_picture("cal/front.jpg").working()[300:780, 300:700])


def moved(picture: np.ndarray, dx: float, dy: float) -> np.ndarray:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = picture.shape[1::-1]
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def against_truth(grain: Grain, clean: np.ndarray, taps: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Variance, and the variance of the lowest frequencies, of `grain` over the truth's, (3,) each."""
    kernel = np.outer(taps, taps) / np.linalg.norm(np.outer(taps, taps))
    variance = (grain.variance(clean) / deviation(clean, 1.0) ** 2).mean(axis=(0, 1))
    return variance, variance * grain.kernel.sum(axis=(1, 2)) ** 2 / kernel.sum() ** 2


@pytest.mark.parametrize("taps", [WHITE, SOFT])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.0, -2.0)])
def test_skin_texture_cancels(skin: np.ndarray, taps: tuple[float, ...], shift: tuple[float, float]) -> None:
    first, second = grained(skin, 1.0, taps, 1), grained(moved(skin, *shift), 1.0, taps, 2)
    grain = measure_grain_between(first, second)
    assert grain is not None
    variance, lowest = against_truth(grain, skin, taps)
    assert np.abs(variance - 1).max() < 0.08
    assert lowest.mean() == pytest.approx(1, abs=0.15) and lowest.max() < 1.35
    alone = against_truth(measure_grain(first), skin, taps)
    assert alone[0].max() > 1.2 and alone[1].max() > 1.8  # what a single frame gives


def test_motion_by_parts_of_pixels_leaves_less_texture_than_one_frame_alone(skin: np.ndarray) -> None:
    first, second = grained(skin, 1.0, SOFT, 1), grained(moved(skin, 1.4, 0.6), 1.0, SOFT, 2)
    grain = measure_grain_between(first, second)
    assert grain is not None
    between, alone = (against_truth(found, skin, SOFT) for found in (grain, measure_grain(first)))
    assert (between[0] < alone[0]).all() and (between[1] < alone[1]).all()
    assert np.abs(between[0] - 1).max() < 0.25


def test_a_brighter_pair_has_the_same_grain_at_its_scale(skin: np.ndarray) -> None:
    first, second, scale = grained(skin, 1.0, SOFT, 1), grained(skin, 1.0, SOFT, 2), np.float32(8.0)
    one, other = measure_grain_between(first, second), measure_grain_between(first * scale, second * scale)
    assert one is not None and other is not None
    assert np.allclose(other.slope, one.slope * 8, rtol=1e-3) and np.allclose(other.floor, one.floor * 64, rtol=1e-3)


def test_copies_of_a_frame_say_nothing(skin: np.ndarray) -> None:
    first = grained(skin, 1.0)
    assert measure_grain_between(first, first.copy()) is None
    assert measure_grain_between(first[:8, :8], first[:8, :8]) is None
