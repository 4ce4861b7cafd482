"""The plate around a face that takes another outline: warped to follow it, so that jaw, cheeks and hairline do not tear.

A mesh that changes its shape leaves the plate's old outline beside the new one. Here the plate itself is moved: wholly by what
the mesh moves inside the face, less and less around it, not at all beyond `REACH` of the face's size. Grain stays where it is,
as a compositor would have it: the plate is moved without its grain, which is then put back in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.comp.grain import Grain, degrain
from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.image.inpaint import fill
from faceplate.image.window import Window

__all__ = ["REACH", "OutlineWarp", "folding", "follow_outline"]

REACH = 0.25
"""How far from the mesh's outline the plate is moved at all, in parts of the face's size."""

# The field is found on a grid of this many cells to a face: it holds nothing finer, and its cost stays the same.
_GRID = 256.0
# How much the field is rounded: over the mesh's triangles, and around the face, in parts of its size.
_FINE, _COARSE = 0.010, 0.035
# No place may shrink below this part of its area; a plate folded over itself is at 0.
_LEAST_AREA = 0.35
# The outer part of the reach over which the moved plate is laid over the plate: the shift there is a few hundredths of its whole.
_EDGE = 0.04
# What hides the face is held still, and what lies this near to it by less and less.
_STILL = 0.06
# How much of a neighbourhood must be hidden for it to be held: the inverse of this.
_GROWTH = 4.0
# How far beyond the mesh the finding of what hides the face still counts.
_BEYOND = 0.04
# The outline is this wide for what hides it, inward from the oval: further in the new face lies over the plate anyway.
_OUTLINE = 0.12
# Grain is scaled to where it comes to lie by no more than this.
_MOST = 4.0


@dataclass(frozen=True)
class OutlineWarp:
    """The plate's pixels `window` moved to meet `face`, whose points are the new ones.

    `shift` float32 (h, w, 2) leads from a pixel to the place where the plate is looked up, in pixels; `cover` float32
    (h, w) in 0..1 is where the moved plate is laid over the plate, exactly 0 beyond the reach and on what hides the face.
    """

    window: Window
    face: Face
    shift: np.ndarray
    cover: np.ndarray

    def cover_on(self, region: Window) -> np.ndarray:
        """The cover on another region, float32 (h, w); 0 beyond the window."""
        placed = np.zeros((region.height, region.width), np.float32)
        both = region.intersect(self.window)
        placed[both.slices(region)] = self.cover[both.slices(self.window)]
        return placed

    def moved(self, pixels: np.ndarray) -> np.ndarray:
        """`pixels` float32 (h, w[, c]) of `window`, moved; where the shift is 0 they come back bit for bit."""
        rows, columns = np.indices(self.cover.shape, dtype=np.float32)
        places = columns + self.shift[..., 0], rows + self.shift[..., 1]
        return cv2.remap(pixels, *places, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)

    def plate(self, pixels: np.ndarray, grain: Grain | None) -> np.ndarray:
        """The plate float32 (h, w, 3), scene-linear, on `window`, moved, its grain left in place.

        Without `grain` everything is moved as it is. Where `cover` is 0 the plate comes back bit for bit.
        """
        clean = pixels if grain is None or grain.empty else degrain(pixels, 1.0, self.face.size, grain)
        moved = self.moved(clean)
        if grain is not None and clean is not pixels:
            # Grain goes by the light that falls on it, and another tone has come to lie here.
            tone = [np.maximum(grain.variance(cv2.GaussianBlur(part, (0, 0), 2.0)), 1e-12) for part in (moved, clean)]
            moved = moved + (pixels - clean) * np.sqrt(np.clip(tone[0] / tone[1], 1 / _MOST, _MOST))
        return np.where(self.cover[..., None] > 0, moved, pixels)


def follow_outline(face: Face, wanted: Face, window: Window, hidden: np.ndarray) -> OutlineWarp | None:
    """How the plate around `face` moves when its points go to those of `wanted`; None when they stay.

    `window` are the plate's pixels to move, `hidden` (h, w) on it says what is in front of the face: that stays still, and
    the outline beside it with it. The whole change is scaled back as far as it would fold the plate, or shrink a place
    below a third of its area: `Surround.face` holds the points that were reached.
    """
    offset = (wanted.points - face.points) * _outline_free(face, window, hidden)[:, None]
    if window.empty or float(np.abs(offset[:, :2]).max()) < 1e-3:
        return None
    amount, reached, field = 1.0, face.moved(face.points + offset), None
    for _ in range(4):
        field = _Field.of(face, reached, window, hidden)
        allowed = field.most()
        if allowed >= 1.0:
            break
        amount *= allowed  # and no more: a step here would be seen as a jump between two frames
        reached = face.moved(face.points + amount * offset)
    assert field is not None
    return OutlineWarp(window, reached, *field.on_plate())


def folding(shift: np.ndarray) -> np.ndarray:
    """How the area around a pixel changes under `shift` (h, w, 2) in pixels, float32 (h, w): 1 as it was, 0 and below folded."""
    return _area(shift, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class _Field:
    """The shift on a raster's grid, float32 (gh, gw, 2) in plate pixels, and the share of it that the distance leaves."""

    raster: MeshRaster
    shift: np.ndarray
    near: np.ndarray

    @classmethod
    def of(cls, face: Face, reached: Face, window: Window, hidden: np.ndarray) -> _Field:
        # A face larger than the grid's own limit is drawn coarser still, by saying that it is larger than it is.
        raster = rasterise(reached.points, topology().closed, window, reached.size * 512.0 / _GRID)
        unit = reached.size * raster.covered.shape[1] / window.width
        inside = raster.covered.astype(np.float32)
        back = fill(raster.interpolate((face.points - reached.points)[:, :2]), inside)
        fine, coarse = (
            cv2.GaussianBlur(back, (0, 0), max(s * unit, 0.5), borderType=cv2.BORDER_REPLICATE)
            for s in (_FINE, _COARSE)
        )
        away = cv2.distanceTransform(1 - raster.covered.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / unit
        outside = _smooth(away / (2 * _COARSE))[..., None]
        near = _smooth(1.0 - away / REACH) * (1.0 - _held(hidden, away, unit))
        return cls(raster, (fine + outside * (coarse - fine)) * near[..., None], near)

    def most(self) -> float:
        """The share of the shift up to which no place is squeezed below `_LEAST_AREA`, 1 when all of it may be."""
        across = self.raster.window.width / self.near.shape[1]
        down = self.raster.window.height / self.near.shape[0]

        def fits(amount: float) -> bool:
            return float(_area(self.shift, amount, across, down).min()) >= _LEAST_AREA

        if fits(1.0):
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def on_plate(self) -> tuple[np.ndarray, np.ndarray]:
        """The shift (h, w, 2) and its cover (h, w) on the window's own pixels."""
        size = (self.raster.window.width, self.raster.window.height)
        shift = cv2.resize(self.shift, size, interpolation=cv2.INTER_LINEAR)
        near = cv2.resize(self.near, size, interpolation=cv2.INTER_LINEAR)
        cover = _smooth(near / _EDGE)
        return np.where(cover[..., None] > 0, shift, np.float32(0)), cover


def _area(shift: np.ndarray, amount: float, across: float, down: float) -> np.ndarray:
    """The determinant of the warp's Jacobian for `amount` of `shift`, whose cells are `across` x `down` pixels."""
    by_y, by_x = np.gradient(shift, axis=(0, 1))
    xx, yx = amount * by_x[..., 0] / across, amount * by_x[..., 1] / across
    xy, yy = amount * by_y[..., 0] / down, amount * by_y[..., 1] / down
    return (1 + xx) * (1 + yy) - xy * yx


def _held(hidden: np.ndarray, away: np.ndarray, unit: float) -> np.ndarray:
    """How far a cell must stay still for what hides the face, (gh, gw): 1 on it, falling to 0 within `_STILL`."""
    if not hidden.any():
        return np.zeros_like(away)
    small = cv2.resize(hidden, away.shape[::-1], interpolation=cv2.INTER_AREA) * _smooth(1.0 - away / _BEYOND)
    reach = max(round(_STILL * unit / 2), 1)
    # Grown by as much as the boxes then take away again: what hides the face is held wholly. A speck, which may be there in
    # one frame and not in the next, hardly holds anything.
    grown = np.clip(_GROWTH * cv2.blur(small, (2 * reach + 1,) * 2, borderType=cv2.BORDER_REPLICATE), 0, 1)
    return cv2.blur(grown, (reach, reach), borderType=cv2.BORDER_REPLICATE)


def _outline_free(face: Face, window: Window, hidden: np.ndarray) -> np.ndarray:
    """How far each point may move, float64 (478,): less at the outline beside what hides the face."""
    free = np.ones(len(face.points))
    if window.empty or not hidden.any():
        return free
    raster = rasterise(face.points, topology().closed, window, face.size * 512.0 / _GRID)
    unit = face.size * raster.covered.shape[1] / window.width
    away = cv2.distanceTransform(1 - raster.covered.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / unit
    held = _held(hidden, away, unit)
    factors = (held.shape[1] / window.width, held.shape[0] / window.height)
    at = ((face.points[:, :2] - (window.x, window.y)) * factors - 0.5).astype(np.float32)
    there = cv2.remap(held, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    oval = face.points[topology().oval, :2]
    inward = np.linalg.norm(face.points[:, None, :2] - oval[None], axis=2).min(axis=1) / (_OUTLINE * face.size)
    return free - there * (1.0 - _smooth(inward))


def _smooth(t: np.ndarray) -> np.ndarray:
    """Smoothstep of `t`, held within 0..1."""
    t = np.clip(t, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
