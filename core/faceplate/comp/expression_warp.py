"""Expression match in pixels: a smooth warp of the generated picture that moves a face's points and turns its irises."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.expression import EYE_CORNERS, IRISES, LID_PAIRS
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
# Share of an opening that is left between lids up to which they are shut, and from which they are not.
_SHUT = (0.05, 0.2)
# In openings, the strip beside the lower lid's landmarks that belongs to the eye, because landmarks lie inside the lids' edges, and
# the distances from the upper and the lower landmarks at which lids are skin; in pixels, how soft the line between shut lids is.
_STRIP, _SKIN, _LINE_SOFT = 0.3, (0.4, 0.5), 0.7


@dataclass(frozen=True)
class ShutLids:
    """The line between shut lids on `window`, by `weight` float32 (h, w).

    It is no brighter than the mean of both lids' skin, which is read with `shifts` float32 (2, h, w, 2).
    """

    window: Window
    shifts: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class ExpressionWarp:
    """Where the pixels of `window` are read: `shift` float32 (h, w, 2), from a pixel to the position read, in pixels.

    Lines between lids that are `shut` lie over that.
    """

    window: Window
    shift: np.ndarray
    shut: tuple[ShutLids, ...] = ()

    def moved(self, pixels: np.ndarray, window: Window) -> np.ndarray:
        """Return `pixels`, float32 (h, w[, c]) on `window`, warped; beyond the warp's own window they are bit for bit the same."""
        result = pixels.copy()
        result[self.window.slices(window)] = _shifted(pixels, window, self.window, self.shift)
        for line in self.shut:
            part = result[line.window.slices(window)]
            above, below = (_shifted(pixels, window, line.window, shift) for shift in line.shifts)
            weight = line.weight if pixels.ndim == 2 else line.weight[..., None]
            part += weight * np.minimum(0.5 * (above + below) - part, 0)
        return result


def _shifted(pixels: np.ndarray, window: Window, part: Window, shift: np.ndarray) -> np.ndarray:
    """Return `pixels` on `window` as they are read with `shift` (h, w, 2) on `part` of it."""
    rows, columns = part.slices(window)
    x, y = cv2.split(shift)
    x += np.arange(columns.start, columns.stop, dtype=np.float32)
    y += np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    return cv2.remap(pixels, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


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
    shift = times(shift, _inner(part, window, size), out=shift)
    return ExpressionWarp(part, shift, () if still else _shut_lids(shift, seen, moved, part))


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


def _shut_lids(shift: np.ndarray, seen: np.ndarray, moved: np.ndarray, part: Window) -> tuple[ShutLids, ...]:
    """Return the lines between lids that the `shift` (h, w, 2) on `part` shuts.

    A smooth shift passes from the upper lid to the lower one over a few pixels, in which the whole eye would show, squeezed: white.
    """
    lines = []
    for (upper, lower), corners in zip(LID_PAIRS, EYE_CORNERS, strict=True):
        axis = seen[corners[1], :2] - seen[corners[0], :2]
        along = axis / max(float(np.linalg.norm(axis)), 1e-6)
        down = np.array([-along[1], along[0]])
        before, after = (_gap(points, (upper, lower), down) for points in (seen, moved))
        shut = float(1 - smoothstep(after / max(before, 1e-6), *_SHUT))
        near = Window.around(moved[[*corners, *upper, *lower], :2], max(before, 0.0)).intersect(part)
        if shut == 0 or before <= 0 or near.empty:
            continue
        here = shift[near.slices(part)]
        x = here[..., 0] + (np.arange(near.width) + (near.x + 0.5))
        y = here[..., 1] + (np.arange(near.height)[:, None] + (near.y + 0.5))
        u, v = x * along[0] + y * along[1], x * down[0] + y * down[1]
        lids = [seen[[corners[0], *side, corners[1]], :2] for side in (upper, lower)]
        top, low = (np.interp(u, line @ along, line @ down) for line in lids)
        ends = seen[list(corners), :2] @ along
        inside = (v > top) & (v < low + _STRIP * before) & (u > ends[0]) & (u < ends[1])
        weight = cv2.GaussianBlur(cv2.dilate(inside.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), _LINE_SOFT)
        skin = top - _SKIN[0] * before - v, low + _SKIN[1] * before - v
        shifts = np.stack([here + (away[..., None] * down).astype(np.float32) for away in skin])
        lines.append(ShutLids(near, shifts, np.float32(shut) * weight))
    return tuple(lines)


def _gap(points: np.ndarray, pairs: tuple[tuple[int, ...], tuple[int, ...]], down: np.ndarray) -> float:
    """Return how far the lids of an eye are apart in the direction `down` (2,), below 0 where they overlap."""
    upper, lower = (list(side)[2:-2] for side in pairs)
    return float(((points[lower] - points[upper])[:, :2] @ down).mean())


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
