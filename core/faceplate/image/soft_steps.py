"""Soft steps and round shapes that mattes and weights are made with."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["disc", "smoothstep"]


def smoothstep(values: np.ndarray | float, low: float = 0.0, high: float | np.ndarray = 1.0) -> np.ndarray:
    """Compute 3t² - 2t³ of `values` between `low` and `high`: 0 up to `low`, 1 from `high`, without a kink at either."""
    t = np.clip((np.asarray(values) - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def disc(radius: float) -> np.ndarray:
    """Return a round structuring element of this radius in pixels, at least 1."""
    side = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
