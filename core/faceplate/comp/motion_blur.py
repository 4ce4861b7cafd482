"""Motion blur of the new face along its own movement, which differs from point to point.

The movement while the shutter is open is known at the mesh's points. It is spread over the pixels, and each pixel becomes the mean
of the picture along its own straight path, centred on where it is: the track follows pictures that are blurred already, and finds
a face in the middle of its streak, at the middle of the exposure.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.point_grid import SAME, PointGrid, point_grid
from faceplate.image.window import Window

__all__ = ["LEAST_PATH", "MovementGrid", "blur_along", "motion_field", "movement_grid"]

LEAST_PATH = 0.25
"""Path in pixels up to which there is no blur: it cannot be seen, and a tracked face that stands still moves by less."""

# Path in pixels from which the blur is complete.
_WHOLE = 0.75
# Most samples of one pass. A longer path takes two.
_MOST_SAMPLES = 12
# Distance of the samples in pixels, and that of samples of pixels without detail.
_SPACING, _SOFT_SPACING = 1.0, 2.0


class MovementGrid(PointGrid):
    """A face's movement on a coarse grid: `values` float32 (gh, gw, 2), the path while the shutter is open, in pixels."""

    def on(self, window: Window, transform: np.ndarray = SAME) -> np.ndarray:
        """Return the path of each pixel of `window`, float32 (h, w, 2); `transform` (2, 3) leads from the grid's pixels to them."""
        field, turn = super().on(window, transform), transform[:, :2]
        return field if np.array_equal(turn, np.eye(2)) else cv2.transform(field, turn)


def movement_grid(points: np.ndarray, motion: np.ndarray, size: float) -> MovementGrid | None:
    """Spread a face's movement over a coarse grid around it; beyond the mesh it continues smoothly.

    Parameters
    ----------
    points : np.ndarray
        (478, 3), the mesh.
    motion : np.ndarray
        (478, 2), the path of each point while the shutter is open, in the same pixels.
    size : float
        The face's size in these pixels.

    Returns
    -------
    MovementGrid or None
        None where no point moves far enough to be seen.
    """
    length = np.linalg.norm(motion, axis=1, keepdims=True)
    if length.max() <= LEAST_PATH:
        return None
    part = np.clip((length - LEAST_PATH) / (_WHOLE - LEAST_PATH), 0.0, 1.0)
    spread = point_grid(points, motion * part, size)
    return MovementGrid(spread.values, spread.matrix)


def motion_field(points: np.ndarray, motion: np.ndarray, window: Window, size: float) -> np.ndarray | None:
    """Return the path of each pixel of `window`, float32 (h, w, 2), as `movement_grid` spreads it; None where nothing moves."""
    grid = None if window.empty else movement_grid(points, motion, size)
    return None if grid is None else grid.on(window)


def blur_along(pixels: np.ndarray, field: np.ndarray, soft: bool = False) -> np.ndarray:
    """Return the mean of `pixels`, float32 (h, w) or (h, w, c), along the path of each pixel.

    `field` float32 (h, w, 2) is the whole path, centred on the pixel. The samples are read from a picture of twice the size, so
    that the picture stays as sharp across the path as it was. A pixel that does not move is returned as it is.
    `soft` pixels, such as a matte's, have no detail to lose and are read as they are.
    """
    length = cv2.magnitude(field[..., 0], field[..., 1])
    count = max(int(np.ceil(float(length.max()) / (_SOFT_SPACING if soft else _SPACING))), 2)
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
