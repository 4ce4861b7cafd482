"""Alignment: similarities and resampling."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceplate.face.align import TEMPLATES, apply, compose, invert, resample, similarity
from faceplate.image.window import Window


@given(
    st.floats(-3, 3), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500), st.sampled_from(list(TEMPLATES))
)
def test_similarity_is_recovered(angle: float, scale: float, x: float, y: float, template: str) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, [x, y]])
    points = TEMPLATES[template] * 100
    np.testing.assert_allclose(similarity(points, apply(matrix, points)), matrix, atol=1e-8 * max(scale, 1) * 1000)
    np.testing.assert_allclose(apply(invert(matrix), apply(matrix, points)), points, atol=1e-8 * 1000 / min(scale, 1))
    np.testing.assert_allclose(compose(matrix, invert(matrix)), np.eye(2, 3), atol=1e-9 * 1000)


def test_resample_keeps_a_ramp_where_it_is() -> None:
    window = Window(-7, 5, 400, 300)
    x = np.arange(window.x, window.right) + 0.5
    y = np.arange(window.y, window.bottom) + 0.5
    ramp = (x[None, :] * 0.01 + y[:, None] * 0.003)[..., None].repeat(3, axis=2).astype(np.float32)
    for scale, angle in ((1.7, 0.3), (0.31, -0.4), (1.0, 0.2), (0.11, 1.0)):
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = np.column_stack([turn, np.array([20.0, 20.0]) - turn @ (193.0, 155.0)])
        got = resample(ramp, window, matrix, Window(10, 10, 20, 20))
        px, py = np.meshgrid(np.arange(10, 30) + 0.5, np.arange(10, 30) + 0.5)
        there = apply(invert(matrix), np.stack([px.ravel(), py.ravel()], axis=1))
        expected = (there @ (0.01, 0.003)).reshape(20, 20)
        # OpenCV's bicubic reads positions to 1/32 pixel and bends a ramp by up to 0.04 pixel.
        np.testing.assert_allclose(got[..., 0], expected, atol=0.06 * 0.0105 / min(scale, 1))


def test_resample_does_not_alias() -> None:
    # Stripes of two pixels vanish into their mean at a fifth of the size; without a prefilter they would beat.
    stripes = np.tile(np.array([0.0, 0.0, 1.0, 1.0], np.float32), 100)[None, :, None].repeat(400, 0).repeat(3, 2)
    small = resample(stripes, Window(0, 0, 400, 400), np.array([[0.19, 0, 0], [0, 0.19, 0]]), Window(10, 10, 50, 50))
    assert np.abs(small - 0.5).max() < 0.05


def test_whole_pixel_shift_is_a_copy() -> None:
    pixels = np.random.default_rng(1).normal(0, 40, (50, 60, 3)).astype(np.float32)
    shifted = resample(pixels, Window(3, 4, 60, 50), np.array([[1, 0, 100.0], [0, 1, -20.0]]), Window(103, -16, 60, 50))
    assert np.array_equal(shifted, pixels)
