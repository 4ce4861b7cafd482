"""A low-pass filter of a field that is known in places only, exact on gradients up to the edge of what is known."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["local_linear"]

# Samples to a standard deviation on the grid where the fit is made; more only costs time.
_SAMPLES = 4.0


def local_linear(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Return the low frequencies of `values`: a plane fitted around every pixel.

    Each plane is fitted by least squares, under a Gaussian times the weight, and evaluated at the pixel (W. Cleveland,
    "Robust locally weighted regression", JASA 1979, of degree 1, on a grid). Near the edge of what is known a blur pulls a
    gradient towards its middle; a plane does not.

    Parameters
    ----------
    values : numpy.ndarray
        float32 (h, w, c).
    weight : numpy.ndarray
        (h, w); values count where it is above 0.
    sigma : float
        Standard deviation of the Gaussian, in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (h, w, c), defined everywhere; 0 where nothing is known at all.
    """
    height, width = weight.shape
    step = max(sigma / _SAMPLES, 1.0)
    size = (max(round(width / step), 4), max(round(height / step), 4))
    scale = (size[0] / width, size[1] / height)
    held = cv2.resize(weight.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    carried = cv2.resize(values * weight[..., None], size, interpolation=cv2.INTER_AREA)
    carried = carried.reshape(*held.shape, -1).astype(np.float64)
    fitted = _planes(carried, held.astype(np.float64), sigma * scale[0], sigma * scale[1])
    smooth = cv2.resize(fitted.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth.reshape(values.shape)


def _planes(carried: np.ndarray, held: np.ndarray, sigma_x: float, sigma_y: float) -> np.ndarray:
    """Return the fitted planes' values at their own pixels, (h, w, c); `carried` is value times weight."""
    rows, columns = np.indices(held.shape, dtype=np.float64)
    x, y = columns / sigma_x, rows / sigma_y

    def blurred(field: np.ndarray) -> np.ndarray:
        # Beyond the border nothing is known: zero weight, not a repeated pixel.
        return cv2.GaussianBlur(field, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_CONSTANT)

    moments = [blurred(held * factor) for factor in (np.ones_like(x), x, y, x * x, x * y, y * y)]
    one, mx, my, mxx, mxy, myy = moments
    # Moments around the pixel itself, from moments around the corner.
    cx, cy = mx - x * one, my - y * one
    cxx, cxy, cyy = mxx - 2 * x * mx + x * x * one, mxy - x * my - y * mx + x * y * one, myy - 2 * y * my + y * y * one
    ridge = 1e-4 * one + 1e-12  # a single known pixel far away gives its value, not a wild slope
    # The first column of the inverse of the normal matrix, by cofactors: (one cx cy), (cx cxx cxy), (cy cxy cyy).
    one, cxx, cyy = one + 1e-12, cxx + ridge, cyy + ridge
    cofactors = cxx * cyy - cxy * cxy, cxy * cy - cx * cyy, cx * cxy - cxx * cy
    whole = one * cofactors[0] + cx * cofactors[1] + cy * cofactors[2]
    kernel = [part / whole for part in cofactors]
    result = np.empty_like(carried)
    for channel in range(carried.shape[-1]):
        value = carried[..., channel]
        v, vx, vy = blurred(value), blurred(value * x), blurred(value * y)
        result[..., channel] = kernel[0] * v + kernel[1] * (vx - x * v) + kernel[2] * (vy - y * v)
    return np.where((one > 1e-9)[..., None], result, 0.0)
