"""The slate of a preview."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.image.window import Window
from faceplate.provenance import make_slate


@pytest.mark.parametrize(("width", "height", "aspect"), [(1920, 1080, 1.0), (1024, 858, 2.0), (64, 36, 1.0)])
def test_the_slate_lies_at_the_bottom_and_can_be_read_small(width: int, height: int, aspect: float) -> None:
    display = Window(-8, 4, width, height)
    slate = make_slate("AI-GENERATED PREVIEW – no release on file", display, aspect)
    assert slate.window.bottom == display.bottom and slate.window.width == width and slate.window.x == -8
    pixels = np.full((*slate.letters.shape, 3), 0.5, np.float32)
    drawn = slate.over(pixels, np.array([1, 1, 1], np.float32))
    assert drawn.max() > 0.9 and 0.1 < drawn.min() < 0.2
    if height > 500:
        small = cv2.resize(slate.letters, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        rows = np.flatnonzero(small.max(axis=1) > 0.4)
        assert rows[-1] - rows[0] >= 5 and small.max() > 0.7  # capitals of six rows and more, not a grey smear
        across = np.flatnonzero(small.max(axis=0) > 0.3)
        assert across[0] > 0 and across[-1] < small.shape[1] - 1
