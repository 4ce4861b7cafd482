"""Coordinates and small drawing helpers on the raster's grid."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face
from faceplate.face.raster import MeshRaster
from faceplate.image.window import Window

__all__ = ["cell_axes", "cells_per_face", "fit_affine", "grid_slices", "is_seen", "loop_matte"]

# Cells around a part of the grid that reach into it when a share is enlarged.
_BESIDE = 3


def cells_per_face(face: Face, raster: MeshRaster) -> float:
    """Compute the face's size in cells of the raster."""
    return face.size * raster.covered.shape[1] / raster.window.width


def cell_axes(raster: MeshRaster) -> tuple[np.ndarray, np.ndarray]:
    """Compute the plate coordinates of the centres of the grid's columns (gw,) and rows (gh,), float64."""
    rows, columns = raster.covered.shape
    x = (np.arange(columns) + 0.5) * raster.window.width / columns + raster.window.x
    y = (np.arange(rows) + 0.5) * raster.window.height / rows + raster.window.y
    return x, y


def grid_slices(raster: MeshRaster, near: Window) -> tuple[slice, slice]:
    """Compute the rows and columns of the raster's grid that lie on the plate's pixels `near`."""
    (rows, columns), window = raster.covered.shape, raster.window
    near = near.intersect(window)
    across, down = columns / window.width, rows / window.height
    left, right = (near.x - window.x) * across, (near.right - window.x) * across
    top, bottom = (near.y - window.y) * down, (near.bottom - window.y) * down
    return slice(int(top), max(int(np.ceil(bottom)), int(top))), slice(int(left), max(int(np.ceil(right)), int(left)))


def is_seen(share: np.ndarray, part: tuple[slice, slice]) -> bool:
    """Say whether a picture with this `share`, float32 (gh, gw), is seen in a `part` of the raster's grid or beside it."""
    rows, columns = (slice(max(at.start - _BESIDE, 0), at.stop + _BESIDE) for at in part)
    return bool(share[rows, columns].any())


def loop_matte(
    face: Face, loop: np.ndarray, raster: MeshRaster, part: tuple[slice, slice] = (slice(None), slice(None))
) -> np.ndarray:
    """Draw a loop of the mesh as a soft matte on the raster's grid, or on the `part` of it that holds the loop."""
    rows, columns = raster.covered.shape
    top, bottom, _ = part[0].indices(rows)
    left, right, _ = part[1].indices(columns)
    factors = (columns / raster.window.width, rows / raster.window.height)
    outline = (face.points[loop, :2] - (raster.window.x, raster.window.y)) * factors - (0.5 + left, 0.5 + top)
    matte = np.zeros((max(bottom - top, 0), max(right - left, 0)), np.float32)
    if matte.size == 0:
        return matte
    cv2.fillPoly(matte, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(matte, (0, 0), max(0.004 * cells_per_face(face, raster), 0.5))


def fit_affine(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Fit the least-squares affine matrix (k, 3) from `start` (n, 2) to `end` (n, k); it includes a plate's squeeze."""
    middle, mean = start.mean(axis=0), end.mean(axis=0)
    away = start - middle
    linear = np.linalg.lstsq(away.T @ away, away.T @ (end - mean), rcond=None)[0].T
    return np.column_stack([linear, mean - linear @ middle])
