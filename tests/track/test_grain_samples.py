"""Samples of grain in tracking: from neighbouring frames, so that skin is not taken for grain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceplate.face import FaceFinder
from faceplate.track import track_shot
from track_plates import FLOOR, GRAIN, noisy, portrait, warped, write


def test_a_face_that_fills_the_plate_has_the_cameras_grain_though_a_frame_is_held(
    finder: FaceFinder, tmp_path: Path
) -> None:
    """Stubble and pores in focus everywhere; the second frame is a copy of the first, the third has moved."""
    picture = portrait("cal")
    for index, (frame, dx) in enumerate(((1001, 0.0), (1001, 0.0), (1003, 2.3), (1004, 4.0))):
        light = warped(picture, np.array([[0.6, 0, dx - 100.0], [0, 0.6, -80.0]]), 420, 400)
        write(tmp_path / f"plate.{1001 + index}.exr", noisy(light, frame, 1.0))
    grain = track_shot(str(tmp_path / "plate.####.exr"), tmp_path / "t.json", finder=finder).grain(1001)
    assert grain is not None
    signal = np.array([[[0.1] * 3, [0.3] * 3]], np.float32)
    assert np.allclose(grain.variance(signal), signal * GRAIN + FLOOR, rtol=0.12)
    assert np.abs(grain.kernel.sum(axis=(1, 2)) ** 2 - 1).max() < 0.4
