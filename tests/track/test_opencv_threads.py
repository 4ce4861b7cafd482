"""Tracking leaves OpenCV's threads alone, because other work of the same process uses them at the same time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.track import track_shot
from plates import write_plate


def test_the_number_of_threads_stays(tmp_path: Path) -> None:
    for number in (1001, 1002):
        pixels = np.full((64, 64, 3), 0.2, np.float32)
        write_plate(tmp_path / f"p.{number}.exr", pixels, colorInteropID="lin_ap1_scene")
    before, seen = cv2.getNumThreads(), set()
    cv2.setNumThreads(3)
    try:
        track_shot(
            f"{tmp_path}/p.####.exr",
            tmp_path / "t.track.json",
            workers=2,
            progress=lambda done, total: seen.add(cv2.getNumThreads()),
        )
        assert seen == {3} and cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)
