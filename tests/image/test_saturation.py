"""Saturation around the luminance."""

from __future__ import annotations

import numpy as np

from faceplate.image.saturation import saturated

LUMA = np.array([0.2126, 0.7152, 0.0722])


def test_luminance_stays_and_distances_from_it_scale() -> None:
    pixels = np.random.default_rng(3).uniform(-0.2, 8.0, (5, 7, 3)).astype(np.float32)
    half = saturated(pixels, 0.5, LUMA)
    grey = (pixels @ LUMA.astype(np.float32))[..., None]
    assert half.dtype == np.float32
    assert np.allclose(half @ LUMA, grey[..., 0], atol=1e-5)
    assert np.allclose(half - grey, 0.5 * (pixels - grey), atol=1e-5)


def test_a_saturation_of_one_changes_nothing() -> None:
    pixels = np.random.default_rng(4).uniform(0.0, 1.0, (2, 3)).astype(np.float32)
    assert saturated(pixels, 1.0, LUMA) is pixels


def test_a_part_is_the_part_of_the_whole() -> None:
    pixels = np.random.default_rng(5).uniform(0.0, 1.0, (33, 47, 3)).astype(np.float32)
    assert np.array_equal(saturated(pixels, 0.7, LUMA)[3:20, 5:30], saturated(pixels[3:20, 5:30], 0.7, LUMA))
