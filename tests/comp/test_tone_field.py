"""A smooth field through values at some places."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.tone_field import smooth_field
from faceplate.image.window import Window

PLACES = np.random.default_rng(3).uniform((1.0, 2.0), (2.0, 3.2), (112, 2))
EVERYWHERE = np.random.default_rng(4).uniform((0.8, 1.8), (2.2, 3.4), (300, 2))


def plane(places: np.ndarray) -> np.ndarray:
    return np.column_stack([0.3 + 0.7 * places[:, 0] - 0.2 * places[:, 1], 1.0 - places[:, 1]])


def wave(places: np.ndarray) -> np.ndarray:
    return np.sin(5 * places[:, :1]) * np.cos(4 * places[:, 1:])


def test_a_plane_is_continued_everywhere() -> None:
    field = smooth_field(PLACES, plane(PLACES), np.ones(len(PLACES)), 0.1)
    assert np.abs(field.at(EVERYWHERE) - plane(EVERYWHERE)).max() < 0.02


def test_trusted_values_are_met_and_others_are_not() -> None:
    values, trust = wave(PLACES), np.ones(len(PLACES))
    trust[::5] = 0.0
    spoiled = values.copy()
    spoiled[::5] += 4.0
    field = smooth_field(PLACES, spoiled, trust, 0.2)
    off = np.abs(field.at(PLACES) - values)
    assert off[trust > 0].mean() < 0.05 and off[trust == 0].mean() < 0.3
    clean = smooth_field(PLACES, values, trust, 0.2).at(PLACES)
    assert np.abs(field.at(PLACES) - clean).max() < 0.2


def test_nothing_but_zero_comes_of_zero() -> None:
    field = smooth_field(PLACES, np.zeros((112, 3)), np.ones(112), 0.1)
    assert not field.on(Window(0, 0, 64, 96), 30.0).any()


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_pixels_have_the_fields_values_at_any_size(aspect: float) -> None:
    """Window, size and squeeze only say where a pixel lies: in units of the face's size its value is the field's."""
    field = smooth_field(PLACES, wave(PLACES), np.ones(112), 0.2)
    size = 400.0
    window = Window(round(1.0 * size / aspect), round(2.0 * size), round(size / aspect), round(1.2 * size))
    for scale in (1.0, 0.5):
        small = Window(*(round(side * scale) for side in (window.x, window.y, window.width, window.height)))
        drawn = field.on(small, size * scale, aspect)
        assert drawn.shape == (small.height, small.width, 1)
        rows, columns = np.mgrid[: small.height, : small.width]
        x = (small.x + columns + 0.5) * aspect / (size * scale)
        y = (small.y + rows + 0.5) / (size * scale)
        wanted = field.at(np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(drawn.shape)
        inside = np.abs(drawn - wanted)[8:-8, 8:-8]
        assert inside.max() < 0.03
