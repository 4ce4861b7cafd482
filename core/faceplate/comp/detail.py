"""Enhancement of the new face's fine detail, without a change to its light."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.symmetric_log import from_log, to_log

__all__ = ["enhance_detail"]

# Standard deviations of two blurs as fractions of the face's size. The band between them holds lashes, lip edges and
# pores, and no shading.
_FINE, _COARSE = 0.0015, 0.008


def enhance_detail(pixels: np.ndarray, size: float, level: float, amount: float) -> np.ndarray:
    """Multiply the contrast of the fine band by 1 + `amount`.

    The band is taken in a symmetric logarithm, so that highlights and shadows get the same halo.

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear.
    size : float
        The face's size in these pixels.
    level : float
        The face's log average.
    amount : float
        0 returns the same array.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3).
    """
    if amount == 0:
        return pixels
    logged = to_log(pixels, level)
    fine = cv2.GaussianBlur(logged, (0, 0), max(_FINE * size, 0.4), borderType=cv2.BORDER_REPLICATE)
    coarse = cv2.GaussianBlur(logged, (0, 0), max(_COARSE * size, 1.0), borderType=cv2.BORDER_REPLICATE)
    return from_log(logged + np.float32(amount) * (fine - coarse), level)
