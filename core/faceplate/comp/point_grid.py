"""Values of a face's points spread over a coarse grid around it, which any picture of the face can read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.align import compose, invert
from faceplate.face.raster import rasterise
from faceplate.image.inpaint import fill
from faceplate.image.window import Window

__all__ = ["SAME", "PointGrid", "point_grid"]

SAME = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""The transform that changes nothing."""

# Cells per face, room around the mesh in faces, and softness in cells.
_CELLS, _ROOM, _SOFT = 64.0, 0.25, 1.0


@dataclass(frozen=True)
class PointGrid:
    """Values on a coarse grid.

    Attributes
    ----------
    values : np.ndarray
        float32 (gh, gw) or (gh, gw, c).
    matrix : np.ndarray
        float64 (2, 3), from the pixels of the face's points to those of the grid.
    """

    values: np.ndarray
    matrix: np.ndarray

    def on(self, window: Window, transform: np.ndarray = SAME) -> np.ndarray:
        """Return the values for each pixel of `window`, (h, w[, c]); `transform` (2, 3) leads from the points' pixels to them."""
        to_grid = compose(self.matrix, invert(transform))
        to_grid[:, 2] += to_grid[:, :2] @ (window.x + 0.5, window.y + 0.5) - 0.5
        size, flags = (window.width, window.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(self.values, to_grid, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def point_grid(points: np.ndarray, values: np.ndarray, size: float) -> PointGrid:
    """Spread `values` (478, c) of the mesh `points` (478, 3) over a coarse grid; beyond the mesh they continue smoothly.

    `size` is the face's size in the points' pixels. One column of values is returned as (gh, gw).
    """
    scale = _CELLS / size
    grid = Window.around(points[:, :2] * scale, _ROOM * _CELLS)
    raster = rasterise(points * scale, topology().closed, grid, _CELLS)
    drawn = raster.interpolate(values)
    drawn = np.ascontiguousarray(drawn[..., 0]) if values.shape[1] == 1 else drawn
    spread = fill(drawn, raster.covered.astype(np.float32))
    spread = cv2.GaussianBlur(spread, (0, 0), _SOFT, borderType=cv2.BORDER_REPLICATE)
    return PointGrid(spread, np.array([[scale, 0, -grid.x], [0, scale, -grid.y]], np.float64))
