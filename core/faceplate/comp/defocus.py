"""Defocus of the new face: the blur that makes its edges as soft as the plate's, the same all over or more with depth.

A thin lens draws a point as a disc whose width grows linearly with its distance from the plane of focus, over depths as small as
a face's. So the standard deviation of the blur is linear in the depth behind the eyes, up to its sign.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from faceplate.comp.point_grid import PointGrid, point_grid
from faceplate.face import topology

__all__ = ["LEAST_SIGMA", "defocused", "defocused_by", "focus_grid", "sigmas_at"]

LEAST_SIGMA = 0.1
"""Standard deviation in pixels below which a blur cannot be seen."""

# Least half width of the Gaussian, in standard deviations.
_REACH = 3.0

# Depth of the ears behind the eyes, as a fraction of the face's size: the mesh of the mean head.
_EARS = 0.36
# Levels of one blur over the next lower one where it differs from pixel to pixel, and the lowest of them in pixels.
_TIMES, _LOWEST = 2.0, 0.7


def defocused(pixels: np.ndarray, sigma: float, pixel_aspect: float = 1.0) -> np.ndarray:
    """Blur `pixels`, float32 (h, w[, c]), by a Gaussian of standard deviation `sigma` in pixels of their height.

    `pixel_aspect` is the width of a pixel over its height. The same array where `sigma` is too small to be seen.
    """
    if sigma < LEAST_SIGMA:
        return pixels
    across, down = sigma / pixel_aspect, sigma
    taps = tuple(2 * max(int(np.ceil(_REACH * length)), 1) + 1 for length in (across, down))
    return cv2.GaussianBlur(pixels, taps, sigmaX=across, sigmaY=down, borderType=cv2.BORDER_REPLICATE)


def sigmas_at(points: np.ndarray, sigma: float, falloff: float, widest: float, size: float) -> np.ndarray:
    """Return the blur at each of a face's points, float64 (478,): its standard deviation in pixels, with its sign.

    Parameters
    ----------
    points : np.ndarray
        (478, 3), the mesh in pixels; z grows with the distance from the camera.
    sigma : float
        The blur at the eyes.
    falloff : float
        How much more of it there is at the depth of the ears. It changes its sign at the plane of focus.
    widest : float
        The most blur, whatever the sign.
    size : float
        The face's size in pixels.
    """
    mesh = topology()
    eyes = points[np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop]), 2].mean()
    return np.clip(sigma + falloff * (points[:, 2] - eyes) / (_EARS * size), -widest, widest)


def focus_grid(points: np.ndarray, sigmas: np.ndarray, size: float) -> PointGrid:
    """Spread the `sigmas` (478,) of a face's points over the pixels around it, with their signs."""
    return point_grid(points, sigmas[:, None], size)


def defocused_by(pixels: np.ndarray, sigmas: np.ndarray, pixel_aspect: float = 1.0) -> np.ndarray:
    """Blur `pixels`, float32 (h, w[, c]), by a Gaussian that differs from pixel to pixel.

    `sigmas` float32 (h, w) are standard deviations in pixels of their height, and their signs do not count. Between a few blurs
    of the whole picture each pixel is interpolated by its variance, which keeps the variance of the blur exact.
    """
    wanted = np.abs(sigmas)
    levels = _levels(float(wanted.min()), float(wanted.max()))
    wanted *= wanted
    soft = defocused(pixels, levels[0], pixel_aspect)
    result = soft.copy()
    change, every = np.empty_like(result), np.empty_like(result)  # fresh memory would cost more than the arithmetic
    for before, level in pairwise(levels):
        softer = defocused(soft, float(np.sqrt(level**2 - before**2)), pixel_aspect)
        part = np.clip((wanted - np.float32(before**2)) * np.float32(1 / (level**2 - before**2)), 0.0, 1.0)
        if pixels.ndim == 3:
            part = cv2.merge([part] * pixels.shape[2], every)
        cv2.subtract(softer, soft, dst=change)
        cv2.multiply(change, part.reshape(change.shape), dst=change)
        cv2.add(result, change, dst=result)
        soft = softer
    return result


def _levels(least: float, most: float) -> list[float]:
    """Return the standard deviations between which a blur from `least` to `most` is interpolated, ascending."""
    levels = [least if least >= LEAST_SIGMA else 0.0]
    while levels[-1] < most - LEAST_SIGMA:
        following = max(_TIMES * levels[-1], _LOWEST)
        levels.append(following if following * np.sqrt(_TIMES) < most else most)
    return levels
