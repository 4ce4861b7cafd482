"""Motion blur of the new face along its own movement, which differs from point to point.

The movement while the shutter is open is known at the mesh's points. It is spread over the pixels, and each pixel becomes the mean
of the picture along its own straight path, centred on where it is: the track follows pictures that are blurred already, and finds
a face in the middle of its streak, at the middle of the exposure.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.raster import rasterise
from faceplate.image.inpaint import fill
from faceplate.image.window import Window

__all__ = ["LEAST_PATH", "blur_along", "motion_field"]

# Cells per face of the grid on which the movement is spread, over the raster's own number, and its softness in cells.
_COARSE, _SOFT = 1.0 / 8.0, 1.0
LEAST_PATH = 0.25
"""Path in pixels up to which there is no blur: it cannot be seen, and a tracked face that stands still moves by less."""

# Path in pixels from which the blur is complete.
_WHOLE = 0.75
# Most samples of one pass. A longer path takes two.
_MOST_SAMPLES = 12
# Distance of the samples in pixels.
_SPACING = 1.0


def motion_field(points: np.ndarray, motion: np.ndarray, window: Window, size: float) -> np.ndarray | None:
    """Spread a face's movement over the pixels of `window`.

    Parameters
    ----------
    points : np.ndarray
        (478, 3), the mesh in these pixels.
    motion : np.ndarray
        (478, 2), the path of each point while the shutter is open, in the same pixels.
    window : Window
        The pixels.
    size : float
        The face's size in these pixels.

    Returns
    -------
    np.ndarray or None
        float32 (h, w, 2); beyond the mesh it continues smoothly. None where no point moves far enough to be seen.
    """
    length = np.linalg.norm(motion, axis=1, keepdims=True)
    if length.max() <= LEAST_PATH or window.empty:
        return None
    part = np.clip((length - LEAST_PATH) / (_WHOLE - LEAST_PATH), 0.0, 1.0)
    raster = rasterise(points, topology().closed, window, size / _COARSE)
    spread = fill(raster.interpolate(motion * part), raster.covered.astype(np.float32))
    spread = cv2.GaussianBlur(spread, (0, 0), _SOFT, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(spread, (window.width, window.height), interpolation=cv2.INTER_LINEAR)


def blur_along(pixels: np.ndarray, field: np.ndarray, soft: bool = False) -> np.ndarray:
    """Return the mean of `pixels`, float32 (h, w) or (h, w, c), along the path of each pixel.

    `field` float32 (h, w, 2) is the whole path, centred on the pixel. The samples are read from a picture of twice the size, so
    that the picture stays as sharp across the path as it was. A pixel that does not move is returned as it is.
    `soft` pixels, such as a matte's, have no detail to lose and are read as they are.
    """
    length = cv2.magnitude(field[..., 0], field[..., 1])
    count = max(int(np.ceil(float(length.max()) / _SPACING)), 2)
    if count <= _MOST_SAMPLES:
        mean = _mean_along(pixels, field, count, soft)
    else:
        # A box of n x m samples is one of n samples, then one of m that lie n times as far apart.
        second = int(np.ceil(np.sqrt(count)))
        first = int(np.ceil(count / second))
        near = _mean_along(pixels, field * np.float32(1.0 / second), first, soft)
        mean = _mean_along(near, field, second, soft)
    if length.min() >= LEAST_PATH:
        return mean
    moves = np.minimum(length * np.float32(1.0 / LEAST_PATH), np.float32(1))
    return pixels + (moves if pixels.ndim == 2 else moves[..., None]) * (mean - pixels)


def _mean_along(pixels: np.ndarray, field: np.ndarray, count: int, soft: bool) -> np.ndarray:
    """Return the mean of `count` samples at equal distances along each pixel's path."""
    height, width = pixels.shape[:2]
    times = 1 if soft else 2
    read = pixels if soft else cv2.resize(pixels, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    # A pixel's centre x + 0.5 lies at t (x + 0.5) in a picture t times as large, whose own centres OpenCV counts from 0.
    at = [times * (np.arange(length, dtype=np.float32) + 0.5) - 0.5 for length in (width, height)]
    paths = [field[..., axis] * np.float32(times / count) for axis in (0, 1)]
    x, y = (
        start - path * np.float32((count - 1) / 2) for start, path in zip((at[0], at[1][:, None]), paths, strict=True)
    )
    total = np.zeros(pixels.shape, np.float32)
    for _ in range(count):
        cv2.add(total, cv2.remap(read, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dst=total)
        cv2.add(x, paths[0], dst=x)
        cv2.add(y, paths[1], dst=y)
    total *= np.float32(1.0 / count)
    return total
