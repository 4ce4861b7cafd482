"""The occlusion network's square: its size, and what is drawn into it."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.raster import rasterise
from faceplate.image.window import Window

__all__ = ["REC709_LUMINANCE", "SIDE", "drawn_on_square", "sigmoid"]

SIDE = 320
"""Side in pixels of the network's square; the face's longer side fills 1 / 1.14 of it."""

REC709_LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)
"""Luminance weights of linear Rec.709."""

# The square's pixels over those of the grid on which values of the mesh are drawn.
_STEP = 4
# Log-odds are clipped at this value.
_MAX_ODDS = 20.0


def drawn_on_square(points: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """Draw values at the mesh's points into the square.

    Parameters
    ----------
    points : np.ndarray
        float (478, 3), the mesh in the square.
    *columns : np.ndarray
        float (478,) each.

    Returns
    -------
    np.ndarray
        float32 (number of columns, SIDE, SIDE), 0 beyond the mesh.
    """
    cells = SIDE // _STEP
    raster = rasterise(points / _STEP, topology().closed, Window(0, 0, cells, cells), cells)
    drawn = raster.interpolate(np.column_stack(columns)) * raster.covered[..., None]
    whole = cv2.resize(drawn.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return np.moveaxis(whole.reshape(SIDE, SIDE, len(columns)), 2, 0)


def sigmoid(odds: np.ndarray) -> np.ndarray:
    """Convert log-odds to probabilities, float32."""
    return (1.0 / (1.0 + np.exp(-np.clip(odds, -_MAX_ODDS, _MAX_ODDS)))).astype(np.float32)
