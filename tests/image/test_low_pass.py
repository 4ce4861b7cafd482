"""The local linear low-pass filter."""

from __future__ import annotations

import numpy as np

from faceplate.image.low_pass import local_linear


def test_local_linear_keeps_a_plane_to_the_edge() -> None:
    y, x = np.mgrid[:200, :240].astype(np.float32)
    plane = np.stack([0.02 * x - 0.01 * y, 0.01 * y, 1 + 0 * x], axis=-1).astype(np.float32)
    known = ((x - 120) ** 2 + (y - 100) ** 2 < 70**2).astype(np.float32)
    broken = np.where(known[..., None] > 0, plane, np.float32(1e3))
    got = local_linear(broken, known, 30)
    assert np.abs(got - plane)[known > 0].max() < 0.05
    assert not local_linear(broken, np.zeros_like(known), 30).any()
