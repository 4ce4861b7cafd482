"""Defocus of the new face: the blur that makes its edges as soft as the plate's."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["LEAST_SIGMA", "defocused"]

LEAST_SIGMA = 0.1
"""Standard deviation in pixels below which a blur cannot be seen."""

# Least half width of the Gaussian, in standard deviations.
_REACH = 3.0


def defocused(pixels: np.ndarray, sigma: float, pixel_aspect: float = 1.0) -> np.ndarray:
    """Blur `pixels`, float32 (h, w[, c]), by a Gaussian of standard deviation `sigma` in pixels of their height.

    `pixel_aspect` is the width of a pixel over its height. The same array where `sigma` is too small to be seen.
    """
    if sigma < LEAST_SIGMA:
        return pixels
    across, down = sigma / pixel_aspect, sigma
    taps = tuple(2 * max(int(np.ceil(_REACH * length)), 1) + 1 for length in (across, down))
    return cv2.GaussianBlur(pixels, taps, sigmaX=across, sigmaY=down, borderType=cv2.BORDER_REPLICATE)
