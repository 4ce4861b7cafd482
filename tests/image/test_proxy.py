"""Proxies: means of whole blocks, and the grain in them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.errors import UsageError
from faceplate.image.window import Window
from plates import write_plate


def test_grain_in_means_of_blocks_is_as_reckoned() -> None:
    from faceplate.comp.grain import Grain, reduced_grain, synthesise_grain

    kernel = np.zeros((3, 7, 7), np.float32)
    kernel[:, 2:5, 2:5] = np.outer([1, 2, 1], [1, 2, 1]) / 16
    kernel /= np.linalg.norm(kernel[0])
    grain = Grain(np.full(3, 0.01), np.full(3, 1e-4), kernel, np.eye(3, dtype=np.float32))
    noise = synthesise_grain(grain, np.full((512, 512, 3), 0.5, np.float32), Window(0, 0, 512, 512), 1)
    for proxy in (2, 4, 8):
        means = cv2.resize(noise, (512 // proxy, 512 // proxy), interpolation=cv2.INTER_AREA)
        reckoned = reduced_grain(grain, proxy).variance(np.full((1, 1, 3), 0.5, np.float32))[0, 0]
        assert np.allclose(means.reshape(-1, 3).var(axis=0) / reckoned, 1, atol=0.1), proxy


def test_proxies_of_odd_windows_are_whole_block_means(tmp_path: Path) -> None:
    from faceplate.color.reading import proxy_file, read_proxy, reduced
    from faceplate.plate import PlateFile

    rng = np.random.default_rng(1)
    pixels = rng.random((31, 45, 3)).astype(np.float32)
    write_plate(tmp_path / "p.exr", pixels, "float", data=Window(-3, 5, 45, 31), display=Window(0, 0, 42, 40))
    file, color = PlateFile.open(tmp_path / "p.exr"), ColorConfig.load(environ={})
    small = proxy_file(file, 4)
    assert (small.data, small.display) == (Window(-1, 1, 12, 8), Window(0, 0, 11, 10))
    got = read_proxy(file, color, "ACEScg", small.data, 4)
    assert np.allclose(got.pixels[1, 1], pixels[3:7, 3:7].mean(axis=(0, 1)), atol=1e-6)
    part = read_proxy(file, color, "ACEScg", Window(2, 3, 5, 4), 4)
    assert np.array_equal(part.pixels, got.pixels[2:6, 3:8])
    assert reduced(file, Window(-2, 1, 1, 1), 4)[0, 0, 0] == 0
    with pytest.raises(UsageError, match="1, 2, 4 or 8"):
        proxy_file(file, 3)
