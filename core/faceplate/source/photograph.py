"""One picture of the source as the texture's stages read it: pixels, mesh, and a coarse grid over the face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.image.inpaint import fill
from faceplate.image.symmetric_log import to_log
from faceplate.image.window import Window
from faceplate.source.views import Geometry

__all__ = ["Photograph"]

# Cells of the grid across the face: the light and its shadows are far smoother, and thin hair still shows.
_CELLS = 384.0
# Margin of the grid around the mesh, as a fraction of the face's size.
_MARGIN = 0.12


@dataclass(frozen=True)
class Photograph:
    """One picture and the face in it.

    Attributes
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear working space, on `window`.
    window : Window
        The picture's pixels.
    face : Face
        The face in the picture's pixels.
    geometry : Geometry
        The mesh with pose and visibility.
    """

    pixels: np.ndarray
    window: Window
    face: Face
    geometry: Geometry

    @property
    def log(self) -> np.ndarray:
        """The picture in the symmetric logarithm at the face's level, float32 (h, w, 3); not kept, because it is large."""
        return to_log(self.pixels, self.face.level)

    @cached_property
    def near(self) -> Window:
        """The pixels under the grid: the face and a small margin."""
        return self.face.window(_MARGIN).intersect(self.window)

    @cached_property
    def raster(self) -> MeshRaster:
        """The mesh on the grid over `near`."""
        return rasterise(self.face.points, topology().closed, self.near, self.face.size * 512.0 / _CELLS)

    @property
    def cells(self) -> float:
        """The face's size in cells of the grid."""
        return self.face.size * self.raster.covered.shape[1] / self.near.width

    @cached_property
    def grid(self) -> np.ndarray:
        """`log` on the grid, float32 (gh, gw, 3)."""
        return self.to_grid(self.log)

    def to_grid(self, values: np.ndarray) -> np.ndarray:
        """Reduce float32 (h, w) or (h, w, c) on `window` to the grid."""
        part = values[self.near.slices(self.window)]
        return cv2.resize(part, self.raster.covered.shape[::-1], interpolation=cv2.INTER_AREA)

    @property
    def grid_points(self) -> np.ndarray:
        """The mesh's points on the grid, float64 (478, 2), with cell centres at whole numbers."""
        rows, columns = self.raster.covered.shape
        scale = (columns / self.near.width, rows / self.near.height)
        return (self.face.points[:, :2] - (self.near.x, self.near.y)) * scale - 0.5

    def at_points(self, grid: np.ndarray) -> np.ndarray:
        """Sample a grid picture (gh, gw) or (gh, gw, c) at the 478 points, float32 (478,) or (478, c)."""
        at = self.grid_points.astype(np.float32)
        read = cv2.remap(
            grid.astype(np.float32), at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return read[0]

    def over_grid(self, values: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Interpolate values (478,) or (478, c) over the mesh and smoothly beyond it, float32 on the grid.

        `soft` is the standard deviation of a final Gaussian, as a fraction of the face's size.
        """
        columns = values.reshape(len(values), -1)
        spread = fill(self.raster.interpolate(columns), self.raster.covered.astype(np.float32))
        if soft > 0:
            sigma = max(soft * self.cells, 0.3)
            spread = cv2.GaussianBlur(spread, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        return spread.reshape(*self.raster.covered.shape, *values.shape[1:])

    def to_picture(self, grid: np.ndarray) -> np.ndarray:
        """Enlarge a grid picture to the pixels of `window`; beyond `near` its border is repeated."""
        part = cv2.resize(grid, (self.near.width, self.near.height), interpolation=cv2.INTER_LINEAR)
        return cv2.copyMakeBorder(
            part,
            self.near.y - self.window.y,
            self.window.bottom - self.near.bottom,
            self.near.x - self.window.x,
            self.window.right - self.near.right,
            cv2.BORDER_REPLICATE,
        )
