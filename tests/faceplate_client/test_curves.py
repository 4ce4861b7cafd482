"""Simplification of animation curves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate_client import simplified_keys


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 1.0]), min_size=1, max_size=12), st.integers(-5, 2000))
def test_keys_give_back_every_value(values: list[float], first: int) -> None:
    import numpy as np

    curve = {first + index: value for index, value in enumerate(values)}
    keys = simplified_keys(curve)
    again = np.interp(list(curve), [key[0] for key in keys], [key[1] for key in keys])
    assert again == pytest.approx(values, abs=1e-8)
    assert len(keys) <= max(1, len(values))


def test_a_ramp_is_two_keys_and_a_constant_one() -> None:
    assert simplified_keys({frame: frame / 100 for frame in range(1, 50)}) == [
        [1, 0.01, "linear"],
        [49, 0.49, "linear"],
    ]
    assert simplified_keys({frame: 0.3 for frame in range(1, 50)}) == [[1, 0.3, "linear"]]
