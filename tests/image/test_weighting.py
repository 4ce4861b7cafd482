"""Products of pictures with one weight for all channels."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.image.weighting import is_same, times, toward


@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
def test_products_are_those_of_numpy(channels: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    start, end = (rng.standard_normal((7, 9, *channels), np.float32) for _ in range(2))
    weight = rng.random((7, 9), np.float32)
    weight[:2] = 0.0
    broad = weight.reshape(7, 9, *(1 for _ in channels))
    assert np.array_equal(times(start, weight), start * broad)
    result = toward(start, end, weight)
    assert result.shape == start.shape and np.allclose(result, start + broad * (end - start), rtol=1e-6)
    assert np.array_equal(result[:2], start[:2])


def test_a_product_can_be_written_in_place() -> None:
    values, weight = np.full((4, 5, 3), 2.0, np.float32), np.full((4, 5), 0.5, np.float32)
    assert times(values, weight, out=values) is not None
    assert (values == 1.0).all()


def test_a_single_other_value_makes_another_picture() -> None:
    picture = np.random.default_rng(1).random((9, 7, 3)).astype(np.float32)
    assert is_same(picture, picture.copy()) and is_same(picture[:0], picture[:0])
    assert not is_same(picture, picture[:8])
    for row in (0, 4, 8):
        other = picture.copy()
        other[row, 3, 1] += 1
        assert not is_same(picture, other)
