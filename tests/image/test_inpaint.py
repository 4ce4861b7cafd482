"""Filling holes from their surroundings."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.image.inpaint import fill, fill_each


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 9])
def test_fill_carries_any_number_of_channels(channels: int) -> None:
    values = np.random.default_rng(1).random((37, 21, channels)).astype(np.float32)
    weight = np.zeros((37, 21), np.float32)
    weight[5:20, 3:9] = 1.0
    filled = fill(values, weight)
    assert filled.shape == values.shape and np.array_equal(filled[5:20, 3:9], values[5:20, 3:9])
    assert np.allclose(filled[..., -1], fill(values[..., -1], weight), atol=1e-6)


def test_pictures_that_share_a_weight_are_filled_as_each_alone() -> None:
    rng = np.random.default_rng(2)
    pictures = [rng.random((37, 21, channels)).astype(np.float32) for channels in (1, 2, 4)]
    for weight in (rng.random((37, 21)) > 0.6, np.clip(rng.random((37, 21)) - 0.5, 0, 1)):
        for picture, filled in zip(pictures, fill_each(pictures, weight), strict=True):
            assert filled.shape == picture.shape and np.array_equal(filled, fill(picture, weight))
