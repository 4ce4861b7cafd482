"""Saturation around the luminance, as in the ASC CDL."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["saturated"]


def saturated(pixels: np.ndarray, saturation: float, weights: np.ndarray) -> np.ndarray:
    """Return scene-linear pixels (..., 3) with a saturation around their luminance; `weights` (3,) are the luminance's."""
    if saturation == 1.0:
        return pixels
    red, green, blue = (pixels.dtype.type(weight) for weight in weights)
    # Written out: a matrix product may add in another order for another size, and a crop must equal the whole.
    luminance = (pixels[..., 0] * red + pixels[..., 1] * green + pixels[..., 2] * blue)[..., None]
    if pixels.ndim == 3 and pixels.size:  # a picture, whose three channels OpenCV takes at once
        luminance = cv2.merge([luminance] * 3)
    return luminance + pixels.dtype.type(saturation) * (pixels - luminance)
