"""Highlights: shine that dark skin shows strongly, held to what the plate's own skin shows.

Shine lies on top of what skin reflects by itself, and has the lamp's strength whatever the skin's. Seen as a ratio to the skin
around it, it is strong on dark skin and weak on light skin; carried over as a ratio it would burn out.
"""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.low_pass import local_linear
from faceplate.image.symmetric_log import from_log, to_log

__all__ = ["calm_highlights"]

# The grid where shine is measured, in cells to the face, and its blur in parts of the face: grain and pores do not count.
_CELLS, _SOFT = 96.0, 0.01
# The brightest part of the skin that is looked at, and the least that is left of any highlight.
_TOP, _LEAST = 0.05, 0.2
# Up to this part of a highlight's height the curve bends from untouched to calmed.
_KNEE = 1 / 3


def calm_highlights(
    generated: np.ndarray,
    plate: np.ndarray,
    skin: np.ndarray,
    *,
    size: float,
    level: float,
    scale: float,
    amount: float,
) -> np.ndarray:
    """`generated` with highlights no stronger, in ratio to the skin around, than those of `plate`.

    Both are float32 (h, w, 3), scene-linear; nothing is clipped. The height of the highlights is the mean log ratio of the
    brightest twentieth of the skin (`skin`, (h, w) weights 0..1) to its low frequencies, whose standard deviation is
    `scale` times the face's `size` in pixels. Where the new face's is greater, what is brighter than the low frequencies
    is bent towards them in the symmetric log, by `amount` 0..1, hue with it; what is darker stays bit for bit. `level` is the
    face's log average. Equal pictures come back as they are.
    """
    if amount == 0 or generated is plate:
        return generated
    base, height = _shine(generated, skin, size, level, scale)
    _, wanted = _shine(plate, skin, size, level, scale)
    if height <= wanted or height <= 0:
        return generated
    logged = to_log(generated, level)
    base = cv2.resize(base, skin.shape[::-1], interpolation=cv2.INTER_CUBIC)
    detail = logged - base
    above = np.maximum(detail.mean(axis=2), np.float32(1e-6))
    kept = 1 + np.float32(amount) * (_bent(above, height, wanted) / above - 1)
    calmed = from_log(base + detail * kept[..., None], level)
    return np.where((above > 1e-6)[..., None], calmed, generated)


def _shine(pixels: np.ndarray, skin: np.ndarray, size: float, level: float, scale: float) -> tuple[np.ndarray, float]:
    """The skin's low frequencies in the log, float32 (gh, gw, 3) on a small grid, and the height of the highlights above."""
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


def _bent(above: np.ndarray, height: float, wanted: float) -> np.ndarray:
    """`above` (h, w), not negative, through a curve of slope 1 at 0 that takes `height` to `wanted`, and goes on rising."""
    knee = _KNEE * height
    start = knee * (1 - np.exp(-1 / _KNEE))
    slope = np.float32(np.clip((wanted - start) / (height - start), _LEAST, 1.0))
    return slope * above + (1 - slope) * np.float32(knee) * (1 - np.exp(-above / np.float32(knee)))
