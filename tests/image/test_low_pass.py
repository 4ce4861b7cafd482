"""Local linear and quadratic low-pass filters."""

from __future__ import annotations

import numpy as np

from faceplate.image.low_pass import local_linear, local_quadratic


def test_local_linear_keeps_a_plane_to_the_edge() -> None:
    y, x = np.mgrid[:200, :240].astype(np.float32)
    plane = np.stack([0.02 * x - 0.01 * y, 0.01 * y, 1 + 0 * x], axis=-1).astype(np.float32)
    known = ((x - 120) ** 2 + (y - 100) ** 2 < 70**2).astype(np.float32)
    broken = np.where(known[..., None] > 0, plane, np.float32(1e3))
    got = local_linear(broken, known, 30)
    assert np.abs(got - plane)[known > 0].max() < 0.05
    assert not local_linear(broken, np.zeros_like(known), 30).any()


def test_local_quadratic_keeps_a_bend_to_the_edge() -> None:
    y, x = np.mgrid[:200, :240].astype(np.float32) / 60
    bend = np.stack([0.3 * x * x - 0.2 * x * y, 0.1 * y * y + x, 1 + 0 * x], axis=-1).astype(np.float32)
    known = ((x - 2) ** 2 + (y - 1.7) ** 2 < 1.2**2).astype(np.float32)
    broken = np.where(known[..., None] > 0, bend, np.float32(1e3))
    got, plane = local_quadratic(broken, known, 40), local_linear(broken, known, 40)
    assert np.abs(got - bend)[known > 0].max() < 0.06 < np.abs(plane - bend)[known > 0].max()
    assert not local_quadratic(broken, np.zeros_like(known), 40).any()
    one = np.zeros_like(known)
    one[100, 120] = 1.0  # a single known pixel gives its value far away
    assert np.abs(local_quadratic(np.full_like(bend, 3.0), one, 40)[90:110, 100:140] - 3).max() < 0.1
