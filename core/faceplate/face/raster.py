"""Rasterisation of the mesh: the visible triangle of each pixel, and the pixel's position in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = ["MeshRaster", "rasterise"]

_SUBPIXEL_BITS = 4
# Grid cells per face: an eyelid has several, and the cost does not grow with the plate's resolution.
_GRID = 512.0


@dataclass(frozen=True)
class MeshRaster:
    """The mesh drawn on a regular grid over `window`.

    The grid is as fine as the plate for a face of up to 512 pixels and does not get finer above.

    Attributes
    ----------
    window : Window
        The plate pixels under the grid.
    corners : np.ndarray
        int32 (gh, gw, 3), point numbers of the triangle visible in each cell.
    weights : np.ndarray
        float32 (gh, gw, 3), barycentric coordinates of the cell in that triangle.
    covered : np.ndarray
        bool (gh, gw), whether there is a triangle.
    """

    window: Window
    corners: np.ndarray
    weights: np.ndarray
    covered: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Interpolate values (478, c) at the mesh's points to every cell: float32 (gh, gw, c), 0 where uncovered."""
        wanted = values.astype(np.float32)
        total = np.zeros((*self.covered.shape, wanted.shape[1]), np.float32)
        for corner in range(3):
            total += self.weights[..., corner, None] * wanted.take(self.corners[..., corner], axis=0)
        return total * self.covered[..., None]

    def enlarge(self, grid: np.ndarray) -> np.ndarray:
        """Resize a grid picture float32 (gh, gw) or (gh, gw, c) to the window's own pixels."""
        if grid.shape[:2] == (self.window.height, self.window.width):
            return grid
        return cv2.resize(grid, (self.window.width, self.window.height), interpolation=cv2.INTER_CUBIC)


def rasterise(points: np.ndarray, triangles: np.ndarray, window: Window, size: float) -> MeshRaster:
    """Draw `triangles` (n, 3) over `points` (478, 3) into `window`, nearer triangles over farther ones.

    Parameters
    ----------
    points : np.ndarray
        float64 (478, 3), continuous coordinates; z grows away from the camera.
    triangles : np.ndarray
        int (n, 3), point numbers.
    window : Window
        The pixels to cover.
    size : float
        The face's size in pixels, which sets the grid's resolution.

    Returns
    -------
    MeshRaster
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
