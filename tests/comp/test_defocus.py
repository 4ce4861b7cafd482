"""Defocus: a Gaussian of the wanted width, the same everywhere or more with depth, and nothing below what can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.defocus import LEAST_SIGMA, defocused, defocused_by, focus_grid, sigmas_at
from faceplate.face.shape import head_model
from faceplate.image.window import Window


def spread(picture: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] - 40.0
    return float(np.sqrt((picture * x * x).sum())), float(np.sqrt((picture * y * y).sum()))


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_width(aspect: float) -> None:
    point = np.zeros((81, 81), np.float32)
    point[40, 40] = 1.0
    across, down = spread(defocused(point, 4.0, aspect))
    assert down == pytest.approx(4.0, rel=0.03) and across == pytest.approx(4.0 / aspect, rel=0.03)


def test_too_little_is_nothing() -> None:
    picture = np.random.default_rng(0).random((9, 9, 3)).astype(np.float32)
    assert defocused(picture, 0.9 * LEAST_SIGMA) is picture


# Differing from pixel to pixel ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [(), (4,)])
def test_one_blur_everywhere_is_the_same_bit_for_bit(channels: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).random((40, 50, *channels)).astype(np.float32)
    for sigma in (0.0, 1.25, -1.25):
        blurred = defocused_by(picture, np.full((40, 50), sigma, np.float32))
        assert np.array_equal(blurred, defocused(picture, abs(sigma)))
        assert blurred is not picture


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_every_pixel_has_its_own_width(aspect: float) -> None:
    """A step seen through a blur that grows along it: its width in each row."""
    step = np.zeros((200, 121), np.float32)
    step[:, 60:] = 1.0
    wanted = np.linspace(-1.0, 6.0, 200).astype(np.float32)
    blurred = defocused_by(step, np.repeat(wanted[:, None], 121, axis=1), aspect)
    slope = np.diff(blurred, axis=1)
    places = np.arange(120) - (slope * np.arange(120)).sum(axis=1, keepdims=True)
    width = np.sqrt(np.maximum((slope * places**2).sum(axis=1), 0))
    assert np.abs(width - np.abs(wanted) / aspect)[np.abs(wanted) > 0.6 * aspect].max() < 0.1
    assert width[np.abs(wanted) < 0.03].max() < 0.1


def test_the_blur_is_linear_in_depth_and_changes_its_sign_at_the_plane_of_focus() -> None:
    head = head_model().reference
    size = 400.0
    points = head * size / float(np.ptp(head[:, :2], axis=0).max())
    sigmas = sigmas_at(points, 1.0, 2.0, 20.0, size)
    nose, eye, ear = sigmas[4], sigmas[[33, 133, 362, 263]].mean(), sigmas[[234, 454]].mean()
    assert eye == pytest.approx(1.0, abs=0.15) and ear == pytest.approx(3.0, abs=0.15)
    assert nose == pytest.approx(1.0 - 2.0 * 0.22 / 0.36, abs=0.1) and nose < 0
    assert np.ptp(np.diff(sigmas) / np.where(np.diff(points[:, 2]) == 0, 1, np.diff(points[:, 2]))) < 0.1
    assert np.abs(sigmas_at(points, 1.0, 20.0, 3.0, size)).max() == 3.0
    middle = points[:, :2].mean(axis=0)
    drawn = focus_grid(points, sigmas, size).on(Window.around(middle[None], 40))
    assert drawn.ndim == 2 and drawn.min() < 0.2 < drawn.max()
