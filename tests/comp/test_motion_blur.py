"""Motion blur along a field: as long as it should be along it, as sharp as before across it, and none where nothing moves."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.motion_blur import LEAST_PATH, blur_along, motion_field, movement_grid
from faceplate.image.window import Window
from streaks import band_ratios, smeared
from track_sightings import mean_head

WINDOW = Window(20, 10, 260, 260)
HEAD = mean_head(150.0, 140.0, 75.0)
SIZE = float(np.ptp(HEAD[:, :2], axis=0).max())


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    rng = np.random.default_rng(4)
    y, x = np.fft.fftfreq(260)[:, None], np.fft.fftfreq(260)[None]
    passed = np.exp(-((np.hypot(x, y) / 0.15) ** 2))
    light = np.fft.ifft2(np.fft.fft2(rng.standard_normal((260, 260))) * passed).real
    return (0.3 + 0.05 * light / light.std()).astype(np.float32)


@pytest.mark.parametrize(("length", "angle"), [(3.0, 0.4), (8.0, 0.0), (17.0, 0.7), (40.0, 2.5)])
def test_the_blur_is_that_of_a_straight_path(texture: np.ndarray, length: float, angle: float) -> None:
    path = (length * np.cos(angle), length * np.sin(angle))
    field = motion_field(HEAD, np.tile(path, (478, 1)), WINDOW, SIZE)
    assert field is not None
    blurred, truth = blur_along(np.dstack([texture] * 3), field)[..., 1], smeared(texture, path)
    inside = np.s_[40:-40, 40:-40]
    for turn in (0.0, np.pi / 2):
        ratios = band_ratios(blurred[inside], truth[inside], angle + turn)
        assert np.abs(ratios[:2] - 1).max() < 0.05 and (turn == 0 or abs(ratios[2] - 1) < 0.1), ratios
    assert np.abs(blurred - truth)[inside].max() < 0.02 * texture.mean()


def test_each_point_has_its_own_path() -> None:
    motion = np.zeros((478, 2))
    motion[:, 0] = 12.0 * (HEAD[:, 2].max() - HEAD[:, 2]) / np.ptp(HEAD[:, 2])  # a turning head moves most at the nose
    field = motion_field(HEAD, motion, WINDOW, SIZE)
    assert field is not None

    def at(point: int) -> float:
        x, y = HEAD[point, :2]
        return float(field[int(y) - WINDOW.y, int(x) - WINDOW.x, 0])

    for point in (1, 50, 10, 61):
        assert abs(at(point) - motion[point, 0]) < 0.8
    assert at(1) > 10 and at(234) < 5


def test_a_crop_has_the_path_in_its_own_pixels() -> None:
    motion = np.column_stack([0.1 * (HEAD[:, 1] - HEAD[:, 1].min()), np.full(478, 5.0)])
    grid = movement_grid(HEAD, motion, SIZE)
    assert grid is not None
    turn = 1.5 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    matrix = np.column_stack([turn, (12.0, -7.0)])
    crop = Window.around(HEAD[:, :2] @ turn.T + matrix[:, 2], 5.0)
    field = grid.on(crop, matrix)
    for point in (1, 50, 61, 105):
        x, y = turn @ HEAD[point, :2] + matrix[:, 2]
        assert np.abs(field[int(y) - crop.y, int(x) - crop.x] - turn @ motion[point]).max() < 0.6


def test_what_stands_still_is_not_blurred(texture: np.ndarray) -> None:
    assert motion_field(HEAD, np.full((478, 2), 0.6 * LEAST_PATH), WINDOW, SIZE) is None
    motion = np.zeros((478, 2))
    motion[HEAD[:, 1] > np.percentile(HEAD[:, 1], 75)] = (0.0, 9.0)  # a jaw
    field = motion_field(HEAD, motion, WINDOW, SIZE)
    assert field is not None
    change = np.abs(blur_along(texture, field) - texture)
    brow = int(HEAD[105, 1]) - WINDOW.y
    assert change[: brow - 10].max() < 0.002 * texture.mean() and change[200:230, 100:160].max() > 0.05 * texture.mean()


def test_a_picture_without_detail_stays_as_it_is() -> None:
    field = np.full((50, 60, 2), 9.0, np.float32)
    for shape in ((50, 60), (50, 60, 3)):
        flat = np.full(shape, 0.37, np.float32)
        assert np.abs(blur_along(flat, field) - flat).max() < 1e-6


def test_a_matte_needs_fewer_samples() -> None:
    edge = np.clip((np.hypot(*(np.mgrid[-80:80, -80:80] + 0.5)) - 40) / 20, 0, 1).astype(np.float32)
    field = np.empty((160, 160, 2), np.float32)
    field[:] = (18.0, 6.0)
    assert np.abs(blur_along(edge, field, soft=True) - blur_along(edge, field)).max() < 0.004
