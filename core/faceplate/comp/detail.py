"""Fine detail of the new face, raised without touching its light."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.symmetric_log import from_log, to_log

__all__ = ["enhance_detail"]

# The band between these blurs, as parts of the face's size, holds lashes, lip edges and pores, and no shading.
_FINE, _COARSE = 0.0015, 0.008


def enhance_detail(pixels: np.ndarray, size: float, level: float, amount: float) -> np.ndarray:
    """`pixels` float32 (h, w, 3), scene-linear, with the fine band's contrast multiplied by 1 + `amount`.

    `size` is the face's size in these pixels, `level` its log average. The band is taken in a symmetric logarithm, so a
    highlight gets no halo that a shadow would not. An amount of 0 gives back the same array.
    """
    if amount == 0:
        return pixels
    logged = to_log(pixels, level)
    fine = cv2.GaussianBlur(logged, (0, 0), max(_FINE * size, 0.4), borderType=cv2.BORDER_REPLICATE)
    coarse = cv2.GaussianBlur(logged, (0, 0), max(_COARSE * size, 1.0), borderType=cv2.BORDER_REPLICATE)
    return from_log(logged + np.float32(amount) * (fine - coarse), level)
