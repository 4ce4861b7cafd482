"""The symmetric logarithm."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faceplate.image.symmetric_log import from_log, to_log


@given(st.floats(-0.1, 100), st.floats(0.001, 10))
def test_log_is_exactly_undone(value: float, level: float) -> None:
    pixels = np.full((1, 1, 3), value, np.float32)
    np.testing.assert_allclose(from_log(to_log(pixels, level), level), pixels, rtol=2e-6, atol=1e-7)
