"""Filling holes from their surroundings."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.image.inpaint import fill


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 9])
def test_fill_carries_any_number_of_channels(channels: int) -> None:
    values = np.random.default_rng(1).random((37, 21, channels)).astype(np.float32)
    weight = np.zeros((37, 21), np.float32)
    weight[5:20, 3:9] = 1.0
    filled = fill(values, weight)
    assert filled.shape == values.shape and np.array_equal(filled[5:20, 3:9], values[5:20, 3:9])
    assert np.allclose(filled[..., -1], fill(values[..., -1], weight), atol=1e-6)
