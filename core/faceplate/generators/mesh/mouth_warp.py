"""Teeth stay rigid while the mouth's opening changes: what gives way is the gap between them, the tongue and the corners.

The warp of the mesh stretches everything between the lips alike. Here the rows between the lips are moved so that teeth keep the
head's own scale. Along each column the picture's opening is divided into parts of more or less rigidity; the slope of a part is
a common factor to the power of its elasticity, so that the order of the rows never turns over. Where the plate's mouth is full of
teeth, a gap would turn a grin into a shout: there the teeth grow to fill it, within limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import Face, mouth, topology
from faceplate.face.raster import MeshRaster
from faceplate.face.shape import RIGID
from faceplate.generators.mesh.grid import cell_axes, fit_affine, grid_slices, loop_matte
from faceplate.image.soft_steps import smoothstep
from faceplate.image.window import Window

__all__ = ["PlateMouth", "most_growth"]

# Elasticity of upper and of lower teeth where an opening closes: where both do not fit, the lower ones give way first. In a wider
# opening both fit.
_UPPER, _LOWER, _FITTING = 0.03, 0.12, 0.01
# The most by which teeth grow where the plate's mouth is full of them.
_GROWN = 1.6
# Part of the teeth that lies in the mouth's upper half, from which teeth grow and grow in full: lower teeth alone stay as they are.
_ONLY_LOWER = (0.15, 0.45)
# Opening in widths of the mouth that is added to both faces' openings, so that their ratio is calm at the corners.
_CALM = 0.03
# Softness of the openings' ratio along the mouth, in columns of the chart.
_ALONG = 2.0
# The most and the least by which an opening differs from the picture's, in natural logarithm.
_MOST = 1.6
# Part of the mean slope that is added to all where an opening closes, because a picture that is pressed together too far shows
# steps; the same where the plate's mouth is full of teeth, where a gap would show; and the softness of the rows in cells of the
# chart.
_SLACK, _FILLED_SLACK, _SMOOTH = 0.2, 0.08, 0.8
# Pixels of the picture in a pixel of the plate, in the head's own scale, up to which nothing is shown, and from which all is.
_STRETCHED = (0.25, 0.5)
# The most steps in which the common factor is found, and the error of an opening's logarithm that is none.
_STEPS, _NONE = 30, 1e-9


@dataclass(frozen=True)
class PlateMouth:
    """The mouth of the plate on the raster's grid.

    Attributes
    ----------
    face : Face
        The face on the plate.
    part : tuple of slice
        Rows and columns of the raster's grid around the mouth.
    column, row : np.ndarray
        float32 (n, m), the place of each cell on the mouth's chart: column, and 0..1 between the lips.
    gap : np.ndarray
        float32 (n, m, 2), from the upper lip's edge to the lower one's at each cell, in cells of the grid.
    opening : np.ndarray
        float64 (`COLUMNS`, 2), from the upper lip's edge to the lower one's in plate pixels.
    inside : np.ndarray
        float32 (n, m), 1 between the lips.
    """

    face: Face
    part: tuple[slice, slice]
    column: np.ndarray
    row: np.ndarray
    gap: np.ndarray
    opening: np.ndarray
    inside: np.ndarray

    @classmethod
    def of(cls, face: Face, raster: MeshRaster) -> PlateMouth | None:
        """Find the mouth of `face`; None where it lies outside the raster."""
        window = raster.window
        upper, lower = mouth.edges(face.points)
        part = grid_slices(raster, Window.around(np.vstack([upper, lower]), 2.0))
        rows, columns = raster.covered.shape
        cell = np.array([columns / window.width, rows / window.height])
        x, y = cell_axes(raster)
        x, y = x[part[1]], y[part[0]]
        if x.size == 0 or y.size == 0:
            return None
        along = lower[-1] - lower[0]
        along /= max(float(np.linalg.norm(along)), 1e-9)
        down = np.array([-along[1], along[0]])
        at = np.stack(np.broadcast_arrays(x[None], y[:, None]), axis=-1)
        across, depth = at @ along, at @ down
        number = np.arange(mouth.COLUMNS)
        edges = [(np.maximum.accumulate(side @ along), side @ down) for side in (upper, lower)]
        top, bottom = (np.interp(across, *edge) for edge in edges)
        row = np.clip((depth - top) / np.maximum(bottom - top, 1e-6), 0.0, 1.0)
        by_upper, by_lower = (np.interp(across, edge[0], number) for edge in edges)
        gap = np.maximum(bottom - top, 0.0)[..., None] * down * cell
        column = (1 - row) * by_upper + row * by_lower
        column, row, gap = (these.astype(np.float32) for these in (column, row, gap))
        return cls(face, part, column, row, gap, lower - upper, loop_matte(face, topology().mouth_loop, raster, part))

    def keep_teeth(self, places: np.ndarray, points: np.ndarray, teeth: np.ndarray, filled: float = 0.0) -> np.ndarray:
        """Move, in place, the positions (gh, gw, 2) between the lips so that the picture's teeth keep their size.

        `points` (478, 3) are the mesh in the picture, `teeth` float32 the picture's teeth on the mouth's chart. As far as the
        plate's mouth is `filled` with teeth, 0..1, they grow instead, so that they fill this one as well. Returns the gap: how far
        each cell of `part` is inside the mouth and stretched so far that the picture shows nothing there, float32 (n, m).
        """
        openings = self._openings(points)
        shown = _rows_shown(teeth, openings, filled)
        at = self.column, self.row * np.float32(mouth.ROWS - 1)
        read = cv2.remap(shown, *at, cv2.INTER_LINEAR)
        moved = (read - self.row)[..., None] * self.gap
        own = np.ascontiguousarray(places[self.part])
        y, x = np.mgrid[: own.shape[0], : own.shape[1]].astype(np.float32)
        places[self.part] = cv2.remap(
            own, x + moved[..., 0], y + moved[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return self.inside * cv2.remap(_gap(shown, openings), *at, cv2.INTER_LINEAR)

    def _openings(self, picture: np.ndarray) -> np.ndarray:
        """Return how many times wider the plate's mouth is open than the picture's, in natural logarithm, float64 (`COLUMNS`,).

        Both are measured in the head's own scale.
        """
        matrix = fit_affine(self.face.points[RIGID, :2], picture[RIGID, :2])[:, :2]
        own = mouth.edges(picture)
        calm = _CALM * float(np.linalg.norm(own[0, -1] - own[0, 0]))
        gaps = [np.linalg.norm(gap, axis=1) + calm for gap in (self.opening @ matrix.T, own[1] - own[0])]
        ratio = np.clip(np.log(gaps[0] / gaps[1]), -_MOST, _MOST)
        return cv2.GaussianBlur(ratio[None], (0, 0), _ALONG, borderType=cv2.BORDER_REPLICATE)[0]


def _rows_shown(teeth: np.ndarray, openings: np.ndarray, filled: float = 0.0) -> np.ndarray:
    """Return which row of the picture's chart, 0..1, is shown at each row and column of the plate's, float32 (rows, columns)."""
    rows, columns = teeth.shape
    between = np.clip(((teeth[1:] + teeth[:-1]) / 2).astype(np.float64), 0.0, 1.0)
    grown = np.log1p((_growth(between, openings, filled) - 1.0) * between)
    openings = openings - np.log(np.exp(grown).mean(axis=0))
    upper = np.arange(rows - 1)[:, None] < rows // 2
    least = np.where(openings > 0, _FITTING, np.where(upper, _UPPER, _LOWER))
    soft = 1 - between
    # What closes covers gums before it presses teeth together; what opens stretches neither.
    elasticity = least + (1 - least) * np.where(openings > 0, soft**2, soft)
    slopes = np.exp(grown + elasticity * _common_factor(elasticity, openings, grown))
    slopes += np.where(openings < 0, _SLACK + filled * (_FILLED_SLACK - _SLACK), 0.0) * slopes.mean(axis=0)
    length = np.vstack([np.zeros(columns), np.cumsum(slopes, axis=0)])
    length /= length[-1]
    smooth = cv2.GaussianBlur(_rows_at(length), (0, 0), _SMOOTH, borderType=cv2.BORDER_REPLICATE)
    smooth[0], smooth[-1] = 0.0, 1.0
    return smooth.astype(np.float32)


def _growth(teeth: np.ndarray, openings: np.ndarray, filled: float) -> float:
    """Return how many times larger `teeth` (n, columns) must be to fill the plate's mouth, as far as that one is `filled`.

    One factor for the whole mouth, by the columns that are open widest, so that a row of teeth keeps its line.
    """
    have, wanted = teeth.mean(axis=0), np.exp(openings)
    weight = have * wanted
    if filled == 0.0 or weight.sum() < 1e-6:
        return 1.0
    lacking = float(np.average(wanted / np.maximum(have, 1e-3), weights=weight))
    return 1.0 + filled * float(np.clip(lacking - 1.0, 0.0, most_growth(teeth) - 1.0))


def most_growth(teeth: np.ndarray) -> float:
    """Return how much larger `teeth` on the mouth's chart, float (n, columns), may be shown at most: 1 without upper ones."""
    upper = smoothstep(teeth[: len(teeth) // 2].sum() / max(float(teeth.sum()), 1e-6), *_ONLY_LOWER)
    return 1.0 + float(upper) * (_GROWN - 1.0)


def _gap(shown: np.ndarray, openings: np.ndarray) -> np.ndarray:
    """Return how far each cell of the plate's chart shows so little of the picture that it is a gap, float32 (rows, columns)."""
    rows = len(shown)
    held = np.gradient(shown.astype(np.float64), axis=0) * (rows - 1) * np.exp(-openings)
    return (1.0 - smoothstep(held, *_STRETCHED)).astype(np.float32)


def _common_factor(elasticity: np.ndarray, openings: np.ndarray, grown: np.ndarray) -> np.ndarray:
    """Return the logarithm of the factor, (columns,), by which parts that have `grown` reach `openings` (columns,) beyond that.

    `grown` (n, columns) and `openings` are natural logarithms. The logarithm of the mean slope is convex and grows with the factor,
    so that Newton's steps never pass below the answer from above, where they begin: by the parts' shares it is nowhere less than
    the mean elasticity would give (Jensen's inequality).
    """
    parts = np.exp(grown)
    parts /= parts.sum(axis=0)
    factor = openings / (parts * elasticity).sum(axis=0)
    for _ in range(_STEPS):
        slopes = parts * np.exp(elasticity * factor)
        total = slopes.sum(axis=0)
        over = np.log(total) - openings
        if np.abs(over).max() < _NONE:
            break
        factor = factor - over * total / (elasticity * slopes).sum(axis=0)
    return factor


def _rows_at(length: np.ndarray) -> np.ndarray:
    """Return in which row, 0..1, each column of `length` reaches even steps; both are (rows, columns), and `length` grows to 1."""
    even = np.linspace(0.0, 1.0, len(length))
    below = (length[:, None] <= even[:, None]).sum(axis=0) - 1
    low = np.clip(below, 0, len(length) - 2)
    start, end = (np.take_along_axis(length, low + k, axis=0) for k in (0, 1))
    return even[low] + (even[low + 1] - even[low]) / (end - start) * (even[:, None] - start)
