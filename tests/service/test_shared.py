"""Pixels in shared memory."""

from __future__ import annotations

import time

import numpy as np

from faceplate.service.shared import SharedPixels


class TestShared:
    def test_bounded_in_time_and_size(self) -> None:
        shared = SharedPixels(keep=0.05, limit=5000)
        names = [shared.put(np.full((16, 16, 4), number, np.float32))["name"] for number in range(3)]
        assert shared.usage() == {"blocks": 1, "bytes": 4096} and not shared.free(names[0])
        time.sleep(0.1)
        shared.sweep()
        assert shared.usage()["blocks"] == 0 and not shared.free(names[2])

    def test_an_empty_picture(self) -> None:
        shared = SharedPixels()
        assert shared.put(np.zeros((0, 0, 4), np.float32))["shape"] == [0, 0, 4]
        shared.clear()
