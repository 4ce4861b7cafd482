"""Highlights of the new face, limited to the strength of those on the plate's skin.

Specular reflection adds to the diffuse reflection of the skin and has the lamp's strength whatever the skin's colour. As
a ratio to the skin around it, it is strong on dark skin and weak on light skin; transferred as a ratio it would clip.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.low_pass import local_linear
from faceplate.image.symmetric_log import from_log, to_log
from faceplate.image.weighting import times

__all__ = ["calm_highlights"]

# Grid on which highlights are measured, in cells per face, and its blur as a fraction of the face's size: grain and pores
# are excluded.
_CELLS, _SOFT = 96.0, 0.01
# The brightest part of the skin that is measured, and the least fraction that remains of any highlight.
_TOP, _LEAST = 0.05, 0.2
# Part of a highlight's height over which the curve bends from slope 1 to its final slope.
_KNEE = 1 / 3
# The mean of three channels.
_AVERAGE = np.full((1, 3), 1 / 3)


def calm_highlights(
    generated: np.ndarray,
    plate: np.ndarray,
    skin: np.ndarray,
    *,
    size: float,
    level: float,
    scale: float,
    amount: float,
    spared: np.ndarray | None = None,
) -> np.ndarray:
    """Limit the highlights of the new face to those of the plate, each as a ratio to the skin around it.

    The height of the highlights is the mean log ratio of the brightest twentieth of the skin to its low frequencies. Where
    the new face's is greater, everything brighter than the low frequencies is compressed towards them in the symmetric log,
    hue included. Everything darker is returned bit for bit.

    Parameters
    ----------
    generated, plate : np.ndarray
        float32 (h, w, 3), scene-linear; nothing is clipped.
    skin : np.ndarray
        (h, w), weights 0..1.
    size : float
        The face's size in pixels.
    level : float
        The face's log average.
    scale : float
        Standard deviation of the low-pass filter as a fraction of `size`.
    amount : float
        Strength 0..1.
    spared : np.ndarray, optional
        float32 (h, w), 0..1: how far a pixel is left as it is. Teeth and sclera are brighter than skin without a highlight.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3). Equal pictures are returned unchanged.
    """
    if amount == 0 or generated is plate:
        return generated
    base, height = _highlight_height(generated, skin, size, level, scale)
    _, wanted = _highlight_height(plate, skin, size, level, scale)
    if height <= wanted or height <= 0:
        return generated
    base = cv2.resize(base, skin.shape[::-1], interpolation=cv2.INTER_CUBIC)
    detail = to_log(generated, level)
    cv2.subtract(detail, base, dst=detail)
    above = np.maximum(cv2.transform(detail, _AVERAGE), np.float32(1e-6))
    kept = 1 + np.float32(amount) * (_compress(above, height, wanted) / above - 1)
    if spared is not None:
        kept = 1 + (1 - spared) * (kept - 1)
    times(detail, kept, out=detail)
    calmed = from_log(cv2.add(detail, base, dst=detail), level, out=detail)
    return cv2.copyTo(calmed, (above > 1e-6).astype(np.uint8), generated.copy())


def _highlight_height(
    pixels: np.ndarray, skin: np.ndarray, size: float, level: float, scale: float
) -> tuple[np.ndarray, float]:
    """Measure the skin's low frequencies in the log, float32 (gh, gw, 3) on a small grid, and the highlights' height above."""
    shrink = min(1.0, _CELLS / size)
    cells = (max(round(skin.shape[1] * shrink), 4), max(round(skin.shape[0] * shrink), 4))
    small = cv2.resize(pixels, cells, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(skin.astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    logged = cv2.GaussianBlur(to_log(small, level), (0, 0), max(_SOFT * size * shrink, 0.5))
    base = local_linear(logged, weight, max(scale * size * shrink, 1.0))
    above, weight = (logged - base).mean(axis=2).ravel(), weight.ravel()
    order = np.argsort(-above)
    so_far = np.cumsum(weight[order], dtype=np.float64)
    brightest = order[: np.searchsorted(so_far, _TOP * so_far[-1]) + 1]
    whole = float(weight[brightest].sum())
    return base, float((above[brightest] * weight[brightest]).sum()) / whole if whole > 0 else 0.0


def _compress(above: np.ndarray, height: float, wanted: float) -> np.ndarray:
    """Apply to `above` (h, w), not negative, a rising curve with slope 1 at 0 that takes `height` to `wanted`."""
    knee = _KNEE * height
    start = knee * (1 - np.exp(-1 / _KNEE))
    slope = np.float32(np.clip((wanted - start) / (height - start), _LEAST, 1.0))
    return slope * above + (1 - slope) * np.float32(knee) * (1 - np.exp(-above / np.float32(knee)))
