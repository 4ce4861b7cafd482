"""Values of a face's points, spread over the pixels around them."""

from __future__ import annotations

import numpy as np

from faceplate.comp.point_grid import point_grid
from faceplate.face.shape import head_model
from faceplate.image.window import Window

SIZE = 200.0


def points() -> np.ndarray:
    head = head_model().reference
    return (head - head.min(axis=0)) * SIZE / float(np.ptp(head[:, :2], axis=0).max()) + (40.0, 30.0, 0.0)


def test_a_ramp_over_the_points_is_a_ramp_over_the_pixels() -> None:
    face = points()
    grid = point_grid(face, face[:, :2], SIZE)
    window = Window(90, 80, 60, 70)
    y, x = np.mgrid[80:150, 90:150] + 0.5
    assert np.abs(grid.on(window) - np.dstack([x, y])).max() < 0.05 * SIZE
    assert np.abs(grid.on(window) - np.dstack([x, y])).mean() < 0.01 * SIZE


def test_one_column_is_a_plane_of_numbers_and_a_transform_moves_it() -> None:
    face = points()
    grid = point_grid(face, face[:, :1], SIZE)
    assert grid.values.ndim == 2
    half = np.array([[0.5, 0.0, 3.0], [0.0, 0.5, 4.0]])
    whole, small = grid.on(Window(100, 90, 40, 40)), grid.on(Window(53, 49, 20, 20), half)
    assert np.abs(whole.reshape(20, 2, 20, 2).mean(axis=(1, 3)) - small).max() < 0.2


def test_beyond_the_mesh_the_values_continue() -> None:
    face = points()
    around = point_grid(face, np.full((478, 1), 3.0), SIZE).on(Window(0, 0, 260, 260))
    assert np.abs(around - 3.0).max() < 1e-3
