"""Detail of the plate."""

from __future__ import annotations

import numpy as np

from faceplate.generators.mesh.mixing import fill_inner_gaps


def test_only_what_comes_over_the_outline_is_left_to_the_plate() -> None:
    covered = np.zeros((60, 60), bool)
    covered[5:55, 5:55] = True
    clean = np.ones((60, 60), np.float32)
    clean[28:32, 20:30] = 0.3  # a brow
    clean[5:30, 40:44] = 0.3  # a strand from the hairline
    kept = fill_inner_gaps(clean, covered, 3.0)
    assert (kept[28:32, 20:30] == 1).all()
    assert (kept[5:30, 40:44] == clean[5:30, 40:44]).all()
