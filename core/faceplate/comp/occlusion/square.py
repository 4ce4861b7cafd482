"""The occlusion network's square: its size, and what is drawn into it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from faceplate.comp.eye_rings import EyeRing, unroll_eyes
from faceplate.face import topology
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.image.window import Window

__all__ = ["FILL", "REC709_LUMINANCE", "SIDE", "SquareMesh", "sigmoid"]

SIDE = 320
"""Side in pixels of the network's square."""

FILL = 1.14
"""The square's side over the face's longer side."""

REC709_LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)
"""Luminance weights of linear Rec.709."""

# The square's pixels over those of the grid on which values of the mesh are drawn.
_STEP = 4
# Log-odds are clipped at this value.
_MAX_ODDS = 20.0


@dataclass(frozen=True, eq=False)
class SquareMesh:
    """A face's mesh in the square: `points` float (478, 3)."""

    points: np.ndarray

    def drawn(self, *columns: np.ndarray) -> np.ndarray:
        """Draw values at the mesh's points, float (478,) each, into the square.

        Returns
        -------
        np.ndarray
            float32 (number of columns, SIDE, SIDE), 0 beyond the mesh.
        """
        values = self._raster.interpolate(np.column_stack(columns))
        whole = cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        return np.moveaxis(whole.reshape(SIDE, SIDE, len(columns)), 2, 0)

    @property
    def size(self) -> float:
        """The face's size in the square's pixels."""
        return SIDE / FILL

    @cached_property
    def rings(self) -> list[EyeRing]:
        """The surroundings of the right and the left eye."""
        return unroll_eyes(self.points[:, :2] - 0.5, self.size)

    @cached_property
    def _raster(self) -> MeshRaster:
        cells = SIDE // _STEP
        return rasterise(self.points / _STEP, topology().closed, Window(0, 0, cells, cells), cells)


def sigmoid(odds: np.ndarray) -> np.ndarray:
    """Convert log-odds to probabilities, float32."""
    return (1.0 / (1.0 + np.exp(-np.clip(odds, -_MAX_ODDS, _MAX_ODDS)))).astype(np.float32)
