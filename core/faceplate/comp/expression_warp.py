"""Expression match in pixels: a smooth warp of the generated picture that moves a face's points and turns its irises."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.expression import IRISES
from faceplate.face.raster import rasterise
from faceplate.image.inpaint import fill
from faceplate.image.soft_steps import depth_inside, smoothstep
from faceplate.image.weighting import times
from faceplate.image.window import Window

__all__ = ["ExpressionWarp", "expression_warp"]

# A movement that is smaller than this, in pixels, is not seen.
_LEAST = 0.05
# Distance from the points that move within which pixels move with them, and how soft the warp is between the points, as
# fractions of the face's size.
_REACH, _SOFT = 0.12, 0.004
# The warp is smooth, so its grid is coarser than the mesh's usual one by this factor.
_COARSER = 2.0
# Radii of the iris within which all moves with it, and beyond which nothing does.
_IRIS, _WHITE = 1.15, 2.3
# Distance from the lids, in movements of the iris, from which on an iris moves wholly up and down.
_LID_ROOM = 1.2
# How soft an eye's outline is for the look, as a fraction of the face's size.
_EYE_SOFT = 0.005


@dataclass(frozen=True)
class ExpressionWarp:
    """Where the pixels of `window` are read: `shift` float32 (h, w, 2), from a pixel to the position read, in pixels."""

    window: Window
    shift: np.ndarray

    def moved(self, pixels: np.ndarray, window: Window) -> np.ndarray:
        """Return `pixels`, float32 (h, w[, c]) on `window`, warped; beyond the warp's own window they are bit for bit the same."""
        rows, columns = self.window.slices(window)
        x, y = cv2.split(self.shift)
        x += np.arange(columns.start, columns.stop, dtype=np.float32)
        y += np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        result = pixels.copy()
        result[rows, columns] = cv2.remap(pixels, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return result


def expression_warp(
    seen: np.ndarray, moved: np.ndarray, look: np.ndarray, window: Window, size: float
) -> ExpressionWarp | None:
    """Compute the warp that moves the points of a face.

    Parameters
    ----------
    seen, moved : np.ndarray
        float64 (478, 3), the points in the picture and where they go, in pixels.
    look : np.ndarray
        float64 (2, 2), the movement of the right and left iris in pixels.
    window : Window
        The picture's pixels.
    size : float
        The face's size in pixels.

    Returns
    -------
    ExpressionWarp or None
        None where nothing moves.
    """
    travel = np.linalg.norm((moved - seen)[:468, :2], axis=1)
    moving = np.flatnonzero(travel > _LEAST)
    turning = [iris for iris, shift in zip(IRISES, look, strict=True) if np.abs(shift).max() > _LEAST]
    if moving.size == 0 and not turning:
        return None
    mesh = topology()
    places = [moved[moving, :2], seen[moving, :2]]
    places += [moved[loop, :2] for loop in (mesh.right_eye_loop, mesh.left_eye_loop) if turning]
    part = Window.around(np.concatenate(places), _REACH * size).intersect(window)
    if part.empty:
        return None
    still = moving.size == 0
    shift = np.zeros((part.height, part.width, 2), np.float32) if still else _points_shift(seen, moved, part, size)
    for iris, loop, by in zip(IRISES, (mesh.right_eye_loop, mesh.left_eye_loop), look, strict=True):
        if np.abs(by).max() > _LEAST:
            _turn(shift, seen[iris, :2], moved[loop, :2], by, part, size)
    return ExpressionWarp(part, times(shift, _inner(part, window, size), out=shift))


def _points_shift(seen: np.ndarray, moved: np.ndarray, part: Window, size: float) -> np.ndarray:
    """Return the shift that brings the points from `seen` to `moved`, float32 (h, w, 2) on `part`."""
    raster = rasterise(moved, topology().closed, part, size * _COARSER)
    unit = size * raster.covered.shape[1] / part.width
    covered = raster.covered.astype(np.uint8)
    field = fill(raster.interpolate((seen - moved)[:, :2]), covered.astype(np.float32))
    field = cv2.GaussianBlur(field, (0, 0), max(_SOFT * unit, 0.3), borderType=cv2.BORDER_REPLICATE)
    if not covered.all():
        away = depth_inside(1 - covered) / unit
        field = times(field, smoothstep(1.0 - away / _REACH).astype(np.float32))
    return raster.enlarge(field)


def _turn(shift: np.ndarray, iris: np.ndarray, outline: np.ndarray, by: np.ndarray, part: Window, size: float) -> None:
    """Add, in place, the shift that moves the `iris` (5, 2) by `by` (2,) pixels within the eye's `outline` (n, 2)."""
    centre = iris.mean(axis=0) + by
    radius = max(float(np.linalg.norm(iris - iris.mean(axis=0), axis=1).max()), 1e-6)
    near = Window.around(np.concatenate([outline, centre[None]]), 4 * _EYE_SOFT * size + 2).intersect(part)
    if near.empty:
        return
    x = np.arange(near.width, dtype=np.float32) + np.float32(near.x + 0.5 - centre[0])
    y = np.arange(near.height, dtype=np.float32)[:, None] + np.float32(near.y + 0.5 - centre[1])
    weight = smoothstep(_WHITE - np.hypot(x, y) / radius, 0.0, _WHITE - _IRIS).astype(np.float32)
    between = np.zeros(weight.shape, np.float32)
    corners = np.round((outline - (near.x + 0.5, near.y + 0.5)) * 16).astype(np.int32)
    cv2.fillPoly(between, [corners], 1.0, cv2.LINE_AA, 4)
    weight *= cv2.GaussianBlur(between, (0, 0), max(_EYE_SOFT * size, 0.5))
    # A look up or down stretches the white beside the lids, and does not pull the lids in.
    room = depth_inside((between > 0.5).astype(np.uint8))
    upright = weight * smoothstep(room / (_LID_ROOM * abs(float(by[1])) + 1e-6)).astype(np.float32)
    shift[near.slices(part)] -= np.dstack([weight * np.float32(by[0]), upright * np.float32(by[1])])


def _inner(part: Window, window: Window, size: float) -> np.ndarray:
    """Return 1 inside the `part` that moves, falling to 0 at its edges, float32 (h, w)."""
    soft = max(0.5 * _REACH * size, 1.0)
    x, y = (
        smoothstep(np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5) / soft)
        for side in (part.width, part.height)
    )
    return (y[:, None] * x).astype(np.float32)
