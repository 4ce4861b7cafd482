"""Soft steps, distances and round shapes that mattes and weights are made with."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["depth_inside", "disc", "ramp", "smoothstep"]


def ramp(values: np.ndarray | float, low: float, high: float) -> np.ndarray:
    """Compute the straight line from 0 at `low` to 1 at `high`, clipped to 0..1 beyond; float32 stays float32."""
    return np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)


def smoothstep(values: np.ndarray | float, low: float = 0.0, high: float | np.ndarray = 1.0) -> np.ndarray:
    """Compute 3t² - 2t³ of `values` between `low` and `high`: 0 up to `low`, 1 from `high`, without a kink at either."""
    t = np.clip((np.asarray(values) - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def disc(radius: float) -> np.ndarray:
    """Return a round structuring element of this radius in pixels, at least 1."""
    side = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def depth_inside(mask: np.ndarray) -> np.ndarray:
    """Compute how far each pixel of a mask lies from the nearest pixel outside, in pixels.

    OpenCV's square root differs in its last bit with the address of the memory that it writes to. The square of a distance
    between pixels is a whole number, so rounding it gives the same distances in every run, up to a depth of 1,000 pixels.

    Parameters
    ----------
    mask : np.ndarray
        uint8 (h, w), 0 outside.

    Returns
    -------
    np.ndarray
        float32 (h, w), 0 outside; very large where the mask has no outside.
    """
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.sqrt(np.rint(depth * depth))
