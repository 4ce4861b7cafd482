"""Closing of the seam.

`seam_weight` keeps a correction near the outline. Gradient-domain blending: the generated face keeps its own detail and takes the
plate's values at the seam. The correction added to the generated face is the *membrane* of P. Pérez, M. Gangnet and A. Blake,
"Poisson Image Editing", SIGGRAPH 2003: it equals plate minus generated on the seam and is harmonic inside. It is computed in a
symmetric logarithm, so that it acts as a ratio in the lights and as a difference around zero, and nothing is clipped.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.matte import HullEdges, hull_outline
from faceplate.face import Face
from faceplate.image.inpaint import fill
from faceplate.image.soft_steps import depth_inside
from faceplate.image.symmetric_log import from_log, to_log
from faceplate.image.window import Window

__all__ = ["gradient_blend", "membrane", "multiband_blend", "seam_weight"]

_COARSEST = 4
# Cells per face of the grid on which the distance from the outline is measured.
_WEIGHT_CELLS = 192.0
# A difference up to half a stop from the median has full weight, a whole stop has none (natural logarithm).
_OUTLIER = 0.5 * float(np.log(2.0))
_SWEEPS = 40


def seam_weight(face: Face, window: Window, edges: HullEdges, reach: float) -> np.ndarray:
    """Compute how far a correction of the seam reaches each pixel, float32 (h, w): 1 at the hull's outline, falling inward.

    It falls by a factor of e over `reach`, a fraction of the face's size.
    """
    scale = min(_WEIGHT_CELLS / face.size, 1.0)
    small = Window(0, 0, max(round(window.width * scale), 1), max(round(window.height * scale), 1))
    factors = np.array([small.width / window.width, small.height / window.height])
    outline = (hull_outline(face, edges) - (window.x, window.y)) * factors - 0.5
    inside = np.zeros((small.height + 2, small.width + 2), np.uint8)
    cv2.fillPoly(inside, [np.round((outline + 1) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    away = depth_inside(inside)[1:-1, 1:-1]
    weight = np.exp(away / np.float32(-reach * face.size * scale))
    return cv2.resize(weight, (window.width, window.height), interpolation=cv2.INTER_LINEAR)


def gradient_blend(
    generated: np.ndarray,
    plate: np.ndarray,
    inside: np.ndarray,
    seam: np.ndarray,
    level: float,
    amount: float = 1.0,
    reach: float = np.inf,
) -> np.ndarray:
    """Blend the generated face with the plate's values at the seam.

    Parameters
    ----------
    generated, plate : np.ndarray
        float32 (h, w, 3), scene-linear.
    inside : np.ndarray
        bool (h, w), where the face is wholly new.
    seam : np.ndarray
        float32 (h, w), how far a pixel counts as seam (both pictures are valid there).
    level : float
        The face's log average.
    amount : float
        Strength of the correction, 0..1.
    reach : float
        Distance in pixels over which the correction falls by a factor of e inward. Infinite fills the face as a membrane.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3). Equal pictures are returned bit for bit.
    """
    difference = to_log(plate, level) - to_log(generated, level)
    weight = _without_outliers(difference, np.where(inside, np.float32(0), seam))
    correction = membrane(difference, weight, inside, reach) * np.float32(amount)
    shifted = from_log(to_log(generated, level) + correction, level)
    return np.where(correction == 0, generated, shifted)


def multiband_blend(
    generated: np.ndarray, plate: np.ndarray, matte: np.ndarray, level: float, amount: float = 1.0
) -> np.ndarray:
    """Blend the generated face with the plate band by band: coarse bands over a wide range, fine bands over a narrow one.

    Each band of a Laplacian pyramid of the log ratio is weighted by the same level of the matte's Gaussian pyramid (P. Burt
    and E. Adelson, "A Multiresolution Spline With Application to Image Mosaics", ACM TOG 2(4), 1983). Time is linear in the
    pixels.

    Parameters
    ----------
    generated, plate : np.ndarray
        float32 (h, w, 3), scene-linear.
    matte : np.ndarray
        (h, w), 0..1.
    level : float
        The face's log average.
    amount : float
        Strength of the blend, 0..1.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3). Equal pictures are returned bit for bit.
    """
    base, ratio = to_log(plate, level), to_log(generated, level)
    ratio -= base
    if not ratio.any():
        return generated
    # In place, because a large face's arrays exceed the processor's caches and each new array costs page faults.
    change = _blend_bands(ratio, matte.astype(np.float32, copy=False))
    change -= ratio
    change *= np.float32(amount)
    change += ratio
    change += base
    return from_log(change, level, out=change)


def _blend_bands(ratio: np.ndarray, matte: np.ndarray) -> np.ndarray:
    height, width = matte.shape
    if min(height, width) <= 8:
        return ratio * matte.mean()
    smaller, smaller_matte = cv2.pyrDown(ratio), cv2.pyrDown(matte)
    band = cv2.pyrUp(smaller, dstsize=(width, height))
    np.subtract(ratio, band, out=band)
    band *= matte[..., None]
    band += cv2.pyrUp(_blend_bands(smaller, smaller_matte), dstsize=(width, height))
    return band


def _without_outliers(difference: np.ndarray, seam: np.ndarray) -> np.ndarray:
    """Remove the weight of seam pixels where only one picture shows skin: hair, an ear, the background.

    Skin against skin differs by much the same factor along the whole seam; a strand of hair or a hat differs by another. A
    pixel far from the seam's median would shift the whole face, so it loses its weight.
    """
    held = seam > 0
    if not held.any():
        return seam
    apart = np.abs(difference - np.median(difference[held], axis=0))
    away = np.maximum(np.maximum(apart[..., 0], apart[..., 1]), apart[..., 2])
    return (seam * np.clip(2.0 - away / _OUTLIER, 0.0, 1.0)).astype(np.float32)


def membrane(
    values: np.ndarray, weight: np.ndarray, inside: np.ndarray, reach: float = np.inf, finest: int = 192
) -> np.ndarray:
    """Continue `values` (h, w, 3), known where `weight` (h, w) is above 0, smoothly into `inside`.

    It solves Laplace's equation or, with a finite `reach` in pixels, the screened one, u - reach^2 Δu = 0, whose solutions
    fall by a factor of e over that length.

    Solved by cascadic multigrid (F. Bornemann, P. Deuflhard, 1996) up to a longer side of `finest` pixels: a membrane is
    smooth away from its seam, and the matte's feather covers what finer grids would add. Time is linear in the pixels.
    """
    height, width = weight.shape
    scale = min(1.0, finest / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    held = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    known = cv2.resize(values * weight[..., None], size, interpolation=cv2.INTER_AREA)
    known = known / np.maximum(held, 1e-6)[..., None]
    free = (held <= 1e-3) | (cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5)
    held = np.where(free, np.float32(0), held)
    solved = _relax(np.where(free[..., None], np.float32(0), known).astype(np.float32), held, reach * scale)
    return cv2.resize(solved, (width, height), interpolation=cv2.INTER_CUBIC) if scale < 1 else solved


def _relax(known: np.ndarray, held: np.ndarray, reach: float) -> np.ndarray:
    """Solve the equation of `membrane`, coarse to fine, with the values fixed where `held` > 0; `reach` is in cells."""
    height, width = held.shape
    fixed = (held > 0).astype(np.uint8)
    if min(height, width) <= _COARSEST:
        start = fill(known, held)
    else:
        half = ((width + 1) // 2, (height + 1) // 2)
        small_held = cv2.resize(held, half, interpolation=cv2.INTER_AREA)
        small = cv2.resize(known * held[..., None], half, interpolation=cv2.INTER_AREA)
        small = small / np.maximum(small_held, 1e-12)[..., None]
        coarse = _relax(small.astype(np.float32), small_held, reach / 2)
        start = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    known = np.ascontiguousarray(known, np.float32)
    state = cv2.copyTo(known, fixed, np.array(start, np.float32))
    kernel = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32) / np.float32(1 + 0.25 / reach**2)
    for _ in range(_SWEEPS):
        state = cv2.copyTo(known, fixed, cv2.filter2D(state, -1, kernel, borderType=cv2.BORDER_REPLICATE))
    return state
