"""The mesh drawn into a picture: for each pixel the triangle that shows there, and where in it the pixel lies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = ["MeshRaster", "rasterise"]

_SUBPIXEL_BITS = 4
# Enough samples that an eyelid is several of them, few enough that the cost does not grow with the plate.
_GRID = 512.0


@dataclass(frozen=True)
class MeshRaster:
    """The mesh on a regular grid over `window`.

    `corners` int32 (gh, gw, 3) are the point numbers of the triangle seen in each cell, `weights` float32 (gh, gw, 3)
    its barycentric coordinates there, `covered` bool (gh, gw) whether there is one. The grid is as fine as the plate for a
    face up to 512 pixels and stays that fine above.
    """

    window: Window
    corners: np.ndarray
    weights: np.ndarray
    covered: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Values (478, c) given at the mesh's points, read off in every cell: float32 (gh, gw, c), 0 where uncovered."""
        wanted = values.astype(np.float32)
        total = np.zeros((*self.covered.shape, wanted.shape[1]), np.float32)
        for corner in range(3):
            total += self.weights[..., corner, None] * wanted.take(self.corners[..., corner], axis=0)
        return total * self.covered[..., None]

    def enlarge(self, grid: np.ndarray) -> np.ndarray:
        """A grid picture float32 (gh, gw[, c]) brought to the window's own pixels."""
        if grid.shape[:2] == (self.window.height, self.window.width):
            return grid
        return cv2.resize(grid, (self.window.width, self.window.height), interpolation=cv2.INTER_CUBIC)


def rasterise(points: np.ndarray, triangles: np.ndarray, window: Window, size: float) -> MeshRaster:
    """Draws `triangles` (n, 3) over `points` (478, 3) into `window`, nearer ones over farther ones.

    `size` is the face's size in pixels, which decides how fine the grid is. Points are continuous coordinates, z
    grows away from the camera.
    """
    scale = min(1.0, _GRID / max(size, 1.0))
    grid = (max(round(window.height * scale), 1), max(round(window.width * scale), 1))
    factors = np.array([grid[1] / window.width, grid[0] / window.height])
    xy = (points[:, :2] - (window.x, window.y)) * factors - 0.5
    order = triangles[np.argsort(-points[triangles, 2].mean(axis=1), kind="stable")]
    fixed = np.round(xy * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    shown = np.zeros(grid, np.int32)
    for number, corners in enumerate(order, start=1):
        cv2.fillConvexPoly(shown, fixed[corners], number, shift=_SUBPIXEL_BITS)
    covered = shown > 0
    corners = order[np.maximum(shown - 1, 0)].astype(np.int32)
    return MeshRaster(window, corners, _barycentric(xy, corners), covered)


def _barycentric(xy: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b, c = (xy[corners[..., k]] for k in range(3))
    rows, columns = np.indices(corners.shape[:2])
    u, v, w = b - a, c - a, np.stack([columns, rows], axis=-1) - a
    area = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    second = (w[..., 0] * v[..., 1] - w[..., 1] * v[..., 0]) / area
    third = (u[..., 0] * w[..., 1] - u[..., 1] * w[..., 0]) / area
    weights = np.clip(np.stack([1 - second - third, second, third], axis=-1), 0.0, 1.0)
    return (weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-9)).astype(np.float32)
