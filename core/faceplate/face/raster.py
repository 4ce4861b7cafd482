"""Rasterisation of the mesh: the visible triangle of each pixel, and the pixel's position in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from faceplate.image.inpaint import fill_each
from faceplate.image.weighting import times
from faceplate.image.window import Window

__all__ = ["MeshRaster", "cover", "rasterise"]

_SUBPIXEL_BITS = 4
# Grid cells per face: an eyelid has several, and the cost does not grow with the plate's resolution.
_GRID = 512.0
# The most channels that are interpolated at once.
_CHANNELS = 4
# Says to `cv2.remap` that places have no fractions.
_WHOLE = np.empty((0, 0), np.uint16)


@dataclass(frozen=True)
class MeshRaster:
    """The mesh drawn on a regular grid over `window`.

    The grid is as fine as the plate for a face of up to 512 pixels and does not get finer above.

    Attributes
    ----------
    window : Window
        The plate pixels under the grid.
    corners : np.ndarray
        int16 (3, gh, gw), point numbers of the triangle visible in each cell.
    weights : np.ndarray
        float32 (3, gh, gw), barycentric coordinates of the cell in that triangle; 0 where there is none.
    covered : np.ndarray
        bool (gh, gw), whether there is a triangle.
    """

    window: Window
    corners: np.ndarray
    weights: np.ndarray
    covered: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Interpolate values (478, c) at the mesh's points to every cell: float32 (gh, gw, c), 0 where uncovered."""
        row = np.ascontiguousarray(values[None], np.float32)
        count = row.shape[2]
        if count > _CHANNELS:
            return cv2.merge([self.interpolate(values[:, k : k + _CHANNELS]) for k in range(0, count, _CHANNELS)])
        whole = np.zeros((*self.covered.shape, count), np.float32)
        if self.covered.any():
            weights = self._weights_of_four if count == _CHANNELS else self.weights[:, *self._mesh]
            read = [cv2.remap(row, place, _WHOLE, cv2.INTER_NEAREST) for place in self._corner_places]
            first, second, third = (
                cv2.multiply(part, weight, dst=part) if count in (1, _CHANNELS) else times(part, weight, out=part)
                for part, weight in zip(read, weights, strict=True)
            )
            total = cv2.add(cv2.add(first, second, dst=first), third, dst=first)
            whole[self._mesh] = total.reshape(*total.shape[:2], count)
        return whole

    def spread(self, values: np.ndarray) -> list[np.ndarray]:
        """Interpolate values (478, c) and continue them smoothly beyond the mesh.

        The channels come in groups of up to four, float32 (gh, gw, 4), the last one (gh, gw, 1..4).
        """
        groups = [values[:, k : k + _CHANNELS] for k in range(0, values.shape[1], _CHANNELS)]
        return fill_each([self.interpolate(group) for group in groups], self.covered)

    @cached_property
    def _corner_places(self) -> tuple[np.ndarray, ...]:
        """For each corner of the cells' triangles where `cv2.remap` reads its value in a row of 478."""
        places = self.corners[:, *self._mesh]
        row = np.zeros(places.shape[1:], np.int16)
        return tuple(cv2.merge([x, row]) for x in places)

    @cached_property
    def _weights_of_four(self) -> tuple[np.ndarray, ...]:
        """The weights of each corner once for each of four channels, float32 (gh, gw, 4)."""
        return tuple(cv2.merge([weight] * _CHANNELS) for weight in self.weights[:, *self._mesh])

    @cached_property
    def _mesh(self) -> tuple[slice, slice]:
        """Rows and columns of the grid that hold all covered cells."""
        x, y, width, height = cv2.boundingRect(self.covered.astype(np.uint8))
        return slice(y, y + height), slice(x, x + width)

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
    grid, xy = _on_grid(points, window, size)
    order = triangles[np.argsort(-points[triangles, 2].mean(axis=1), kind="stable")]
    shown = np.zeros(grid, np.int32)
    for number, corners in enumerate(_fixed_point(xy)[order], start=1):
        cv2.fillConvexPoly(
            shown, corners, number, cv2.LINE_8, _SUBPIXEL_BITS
        )  # a keyword would cost as much as a triangle
    covered = shown > 0
    cells = np.flatnonzero(covered)
    triangle = shown.ravel()[cells].astype(np.intp) - 1
    corners, weights = np.zeros((3, shown.size), np.int16), np.zeros((3, shown.size), np.float32)
    inside = _barycentric(xy, order, triangle, cells, grid[1])
    for k, numbers in enumerate(np.ascontiguousarray(order.T, np.int16)):
        corners[k, cells] = numbers.take(triangle)
        weights[k, cells] = inside[k]
    return MeshRaster(window, corners.reshape(3, *grid), weights.reshape(3, *grid), covered)


def cover(points: np.ndarray, triangles: np.ndarray, window: Window, size: float) -> np.ndarray:
    """Draw only where `rasterise` finds a triangle: uint8 (gh, gw), 1 there. The parameters are those of `rasterise`."""
    grid, xy = _on_grid(points, window, size)
    covered = np.zeros(grid, np.uint8)
    for corners in _fixed_point(xy)[triangles]:
        cv2.fillConvexPoly(covered, corners, 1, cv2.LINE_8, _SUBPIXEL_BITS)
    return covered


def _on_grid(points: np.ndarray, window: Window, size: float) -> tuple[tuple[int, int], np.ndarray]:
    """Return the grid's rows and columns, and the points on it, float64 (478, 2), with cell centres at whole numbers."""
    scale = min(1.0, _GRID / max(size, 1.0))
    grid = (max(round(window.height * scale), 1), max(round(window.width * scale), 1))
    factors = np.array([grid[1] / window.width, grid[0] / window.height])
    return grid, (points[:, :2] - (window.x, window.y)) * factors - 0.5


def _fixed_point(xy: np.ndarray) -> np.ndarray:
    return np.round(xy * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _barycentric(
    xy: np.ndarray, order: np.ndarray, triangle: np.ndarray, cells: np.ndarray, columns: int
) -> np.ndarray:
    """Compute barycentric coordinates, float32 (3, m), within 0..1.

    `xy` (478, 2) are the points on the grid, `triangle` (m,) the row of `order` (n, 3) that each of the flat `cells` (m,) of a
    grid with so many `columns` shows.
    """
    a, u, v = xy[order[:, 0]], xy[order[:, 1]] - xy[order[:, 0]], xy[order[:, 2]] - xy[order[:, 0]]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    # What belongs to a triangle is worked out once for it. Places relative to its first corner are exact in float32.
    per_triangle = np.column_stack([a, v[:, ::-1] * (1, -1) / area[:, None], u[:, ::-1] * (-1, 1) / area[:, None]])
    x, y, sx, sy, tx, ty = (column.take(triangle) for column in np.ascontiguousarray(per_triangle.T, np.float32))
    row, column = np.divmod(cells, columns)
    x, y = column.astype(np.float32) - x, row.astype(np.float32) - y
    second, third = sx * x + sy * y, tx * x + ty * y
    weights = np.stack([1 - second - third, second, third])
    np.clip(weights, 0.0, 1.0, out=weights)
    weights /= np.maximum(weights[0] + weights[1] + weights[2], np.float32(1e-9))
    return weights
