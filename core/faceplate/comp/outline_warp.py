"""Plate warp around a face whose outline changes, so that jaw, cheeks and hairline stay connected.

A mesh that changes its shape leaves the plate's old outline beside the new one. Here the plate itself is warped: inside
the face by the full displacement of the mesh, around it by less and less, and not at all beyond `REACH` of the face's
size. Grain stays in place, as a compositor would do it: the plate is warped without its grain, which is then added again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.comp.grain import Grain, degrain
from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster, cover, rasterise
from faceplate.image.inpaint import fill
from faceplate.image.soft_steps import depth_inside, disc, smoothstep
from faceplate.image.window import Window

__all__ = ["REACH", "OutlineWarp", "folding", "follow_outline"]

REACH = 0.25
"""Distance from the mesh's outline within which the plate is warped, as a fraction of the face's size."""

# Cells per face of the grid on which the displacement field is computed; the field has no finer detail.
_GRID = 256.0
# Smoothing of the field over the mesh's triangles and around the face, as fractions of the face's size.
_FINE, _COARSE = 0.010, 0.035
# Least local change of area; 0 would mean that the plate folds over itself. Between the lips a mouth that opens stretches the
# little that is there, and landmarks of shut lips may cross by a part of a pixel. The lips' edge is soft by this fraction of the
# face's size.
_LEAST_AREA, _LEAST_IN_MOUTH, _LIPS_EDGE = 0.35, -0.05, 0.025
# Outer part of the reach over which the cover ramps up; the shift there is a few hundredths of its full value.
_EDGE = 0.04
# Occluders do not move; within this distance from them the warp is attenuated.
_STILL = 0.06
# Gain on the local average of the occlusion matte: a neighbourhood is fully held when 1 / gain of it is hidden.
_GROWTH = 4.0
# Distance beyond the mesh within which the occlusion matte is used.
_BEYOND = 0.04
# Width of the outline, inward from the oval, that occluders hold. Further in the new face covers the plate.
_OUTLINE = 0.12
# Largest factor by which grain variance is scaled to the tone at its position.
_MOST = 4.0
# Blur of the tone at half the resolution: with the reduction and the enlargement it is one of 2 plate pixels.
_TONE_SIGMA = 0.88
# Octaves with less than this part of the grain's variance are too faint for their warp to be seen.
_COARSE_GRAIN = 0.01


@dataclass(frozen=True)
class OutlineWarp:
    """The displacement of the plate around a face that takes another outline.

    Attributes
    ----------
    window : Window
        The plate pixels that the arrays cover.
    face : Face
        The face with the points that were reached.
    shift : np.ndarray
        float32 (h, w, 2), from a pixel to the position where the plate is read, in pixels.
    cover : np.ndarray
        float32 (h, w), 0..1, where the warped plate replaces the plate; exactly 0 beyond the reach and on occluders.
    """

    window: Window
    face: Face
    shift: np.ndarray
    cover: np.ndarray

    def cover_on(self, region: Window) -> np.ndarray:
        """Return the cover on another region, float32 (h, w); 0 outside the window."""
        placed = np.zeros((region.height, region.width), np.float32)
        both = region.intersect(self.window)
        placed[both.slices(region)] = self.cover[both.slices(self.window)]
        return placed

    def moved(self, pixels: np.ndarray, part: tuple[slice, slice] = (slice(None), slice(None))) -> np.ndarray:
        """Warp `pixels`, float32 (h, w) or (h, w, c) on `window`; where the shift is 0 they are returned bit for bit.

        Only the rows and columns `part` of the result are returned.
        """
        rows, columns = self.cover.shape
        x, y = cv2.split(self.shift[part])
        x += np.arange(columns, dtype=np.float32)[part[1]]
        y += np.arange(rows, dtype=np.float32)[part[0], None]
        return cv2.remap(pixels, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)

    def plate(self, pixels: np.ndarray, grain: Grain | None) -> np.ndarray:
        """Warp the plate, float32 (h, w, 3), scene-linear, on `window`, with its grain left in place.

        Without `grain` everything is warped as it is. Where `cover` is 0 the plate is returned bit for bit.
        """
        clean = pixels if grain is None or grain.empty else degrain(pixels, 1.0, self.face.size, grain, _COARSE_GRAIN)
        moved = self.moved(clean)
        if grain is not None and clean is not pixels:
            noise = cv2.subtract(pixels, clean)
            moved = cv2.add(moved, cv2.multiply(noise, _grain_gain(grain, moved, clean), dst=noise), dst=noise)
        return cv2.copyTo(moved, (self.cover > 0).astype(np.uint8), pixels.copy())


def _grain_gain(grain: Grain, now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Compute the factor of the grain where the tone `before` has become `now`, float32 (h, w, 3): it depends on the level.

    Tones are compared at half the resolution, because they are smoothed by two pixels.
    """
    height, width = now.shape[:2]
    half = ((width + 1) // 2, (height + 1) // 2)
    before, now = (
        np.maximum(grain.variance(cv2.GaussianBlur(small, (0, 0), _TONE_SIGMA)), np.float32(1e-12))
        for small in (cv2.resize(pixels, half, interpolation=cv2.INTER_AREA) for pixels in (before, now))
    )
    gain = np.sqrt(np.clip(now / before, np.float32(1 / _MOST), np.float32(_MOST)))
    return cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)


def follow_outline(face: Face, wanted: Face, window: Window, hidden: np.ndarray) -> OutlineWarp | None:
    """Compute the plate warp for a face whose points change.

    The change is scaled down until the plate does not fold and no place shrinks below a third of its area, but for the inside of
    the mouth, of which shut lips show none: `OutlineWarp.face` holds the points that were reached.

    Parameters
    ----------
    face, wanted : Face
        The face with its present points and with the desired ones.
    window : Window
        The plate pixels to warp.
    hidden : np.ndarray
        (gh, gw), occlusion matte on `window`, at any resolution. Occluders stay still, and so does the outline beside them.

    Returns
    -------
    OutlineWarp or None
        None when the points do not change.
    """
    offset = (wanted.points - face.points) * _freedom(face, window, hidden)[:, None]
    if window.empty or float(np.abs(offset[:, :2]).max()) < 1e-3:
        return None
    amount, reached, field = 1.0, face.moved(face.points + offset), None
    for _ in range(4):
        field = _WarpField.of(face, reached, window, hidden)
        allowed = field.most()
        if allowed >= 1.0:
            break
        amount *= allowed  # exactly this much: a coarser step would show as a jump between two frames
        reached = face.moved(face.points + amount * offset)
    assert field is not None
    return OutlineWarp(window, reached, *field.on_plate())


def folding(shift: np.ndarray) -> np.ndarray:
    """Compute the local change of area under `shift` (h, w, 2) in pixels, float32 (h, w): 1 unchanged, 0 and below folded."""
    return _area_change(shift, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class _WarpField:
    """The displacement on a raster's grid, float32 (gh, gw, 2) in plate pixels, and its attenuation with distance.

    `least` (gh, gw) is the least change of area that each cell may have.
    """

    raster: MeshRaster
    shift: np.ndarray
    near: np.ndarray
    least: np.ndarray

    @classmethod
    def of(cls, face: Face, reached: Face, window: Window, hidden: np.ndarray) -> _WarpField:
        """Compute the field that moves `face` to `reached`."""
        # A larger size than the face's own gives a coarser grid than `rasterise` chooses by itself.
        raster = rasterise(reached.points, topology().closed, window, reached.size * 512.0 / _GRID)
        unit = reached.size * raster.covered.shape[1] / window.width
        inside = raster.covered.astype(np.float32)
        back = fill(raster.interpolate((face.points - reached.points)[:, :2]), inside)
        fine, coarse = (
            cv2.GaussianBlur(back, (0, 0), max(s * unit, 0.5), borderType=cv2.BORDER_REPLICATE)
            for s in (_FINE, _COARSE)
        )
        away = depth_inside(1 - raster.covered.astype(np.uint8)) / unit
        outside = smoothstep(away / (2 * _COARSE))[..., None]
        near = smoothstep(1.0 - away / REACH) * (1.0 - _holding(hidden, away, unit))
        return cls(
            raster, (fine + outside * (coarse - fine)) * near[..., None], near, _least_area(reached, raster, unit)
        )

    def most(self) -> float:
        """Find the largest share of the shift, up to 1, that keeps every local area at `least` or above."""
        across = self.raster.window.width / self.near.shape[1]
        down = self.raster.window.height / self.near.shape[0]

        def fits(amount: float) -> bool:
            return bool((_area_change(self.shift, amount, across, down) >= self.least).all())

        if fits(1.0):
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def on_plate(self) -> tuple[np.ndarray, np.ndarray]:
        """Resize to the window's own pixels: the shift (h, w, 2) and its cover (h, w)."""
        size = (self.raster.window.width, self.raster.window.height)
        shift = cv2.resize(self.shift, size, interpolation=cv2.INTER_LINEAR)
        near = cv2.resize(self.near, size, interpolation=cv2.INTER_LINEAR)
        cover = smoothstep(near / _EDGE)
        return cv2.copyTo(shift, (cover > 0).astype(np.uint8)), cover


def _least_area(reached: Face, raster: MeshRaster, unit: float) -> np.ndarray:
    """Return the least change of area of each cell, float32 (gh, gw): between the lips what opens may stretch by far more."""
    rows, columns = raster.covered.shape
    least = np.full((rows, columns), _LEAST_AREA, np.float32)
    cell = (columns / raster.window.width, rows / raster.window.height)
    loop = (reached.points[topology().mouth_loop, :2] - (raster.window.x, raster.window.y)) * cell - 0.5
    mouth = np.zeros(least.shape, np.uint8)
    cv2.fillPoly(mouth, [np.round(loop * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    least[cv2.dilate(mouth, disc(_LIPS_EDGE * unit)) > 0] = _LEAST_IN_MOUTH
    return least


def _area_change(shift: np.ndarray, amount: float, across: float, down: float) -> np.ndarray:
    """Compute the determinant of the warp's Jacobian for `amount` of `shift`, whose cells are `across` x `down` pixels."""
    by_y, by_x = np.gradient(shift, axis=(0, 1))
    xx, yx = amount * by_x[..., 0] / across, amount * by_x[..., 1] / across
    xy, yy = amount * by_y[..., 0] / down, amount * by_y[..., 1] / down
    return (1 + xx) * (1 + yy) - xy * yx


def _holding(hidden: np.ndarray, away: np.ndarray, unit: float) -> np.ndarray:
    """Compute how far occluders hold each cell, (gh, gw): 1 on them, falling to 0 within `_STILL`."""
    if not hidden.any():
        return np.zeros_like(away)
    small = cv2.resize(hidden, away.shape[::-1], interpolation=cv2.INTER_AREA) * smoothstep(1.0 - away / _BEYOND)
    reach = max(round(_STILL * unit / 2), 1)
    # Grown by as much as the box filters remove again, so that occluders are held fully. A speck, which may appear in one
    # frame only, has little effect.
    grown = np.clip(_GROWTH * cv2.blur(small, (2 * reach + 1,) * 2, borderType=cv2.BORDER_REPLICATE), 0, 1)
    return cv2.blur(grown, (reach, reach), borderType=cv2.BORDER_REPLICATE)


def _freedom(face: Face, window: Window, hidden: np.ndarray) -> np.ndarray:
    """Compute how far each point may move, float64 (478,): less at the outline beside occluders."""
    free = np.ones(len(face.points))
    if window.empty or not hidden.any():
        return free
    covered = cover(face.points, topology().closed, window, face.size * 512.0 / _GRID)
    unit = face.size * covered.shape[1] / window.width
    away = depth_inside(1 - covered) / unit
    held = _holding(hidden, away, unit)
    factors = (held.shape[1] / window.width, held.shape[0] / window.height)
    at = ((face.points[:, :2] - (window.x, window.y)) * factors - 0.5).astype(np.float32)
    there = cv2.remap(held, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    oval = face.points[topology().oval, :2]
    across, along = (face.points[:, axis, None] - oval[:, axis] for axis in (0, 1))
    inward = np.sqrt((across**2 + along**2).min(axis=1)) / (_OUTLINE * face.size)
    return free - there * (1.0 - smoothstep(inward).astype(np.float32))
