"""Light: the new face's low-frequency light taken off, and the plate's put on, as a ratio on the skin."""

from __future__ import annotations

import numpy as np

from faceplate.image.low_pass import local_linear, local_quadratic
from faceplate.image.symmetric_log import from_log, to_log

__all__ = ["light_between", "lit_by", "match_light"]

# Natural logarithm: full trust within a third of a stop of the first fit's light, none beyond two thirds.
_OUTLIER = 0.23


def match_light(
    generated: np.ndarray,
    plate: np.ndarray,
    skin: np.ndarray,
    *,
    size: float,
    level: float,
    luminance: float,
    color: float,
    scale: float,
) -> np.ndarray:
    """`generated` lit as `plate` is, both float32 (h, w, 3) scene-linear; neither clipped.

    The log ratio of plate to generated is low-passed over `skin` (h, w, weights 0..1) with a standard deviation of
    `scale` times the face's `size` in pixels, and multiplied on: `luminance` 0..1 of its mean over the channels, `color`
    0..1 of what the channels differ from that mean. Places where the two faces differ by more than light (a mole, a
    strand, a beard's edge) are left out by a second fit. `level` is the face's log average. Equal pictures come back
    bit for bit.
    """
    if luminance == 0 and color == 0:
        return generated
    light = light_between(generated, plate, skin, size=size, level=level, scale=scale)
    return lit_by(generated, light, level, luminance, color)


def light_between(
    generated: np.ndarray, plate: np.ndarray, skin: np.ndarray, *, size: float, level: float, scale: float
) -> np.ndarray | None:
    """The log of the light by which `plate` differs from `generated`, float32 (h, w, 3), smooth; None where they are equal
    or no skin can be compared. Arguments as in `match_light`."""
    ratio = to_log(plate, level) - to_log(generated, level)
    if not ratio.any() or not skin.any():
        return None
    sigma = max(scale * size, 1.0)
    light = local_quadratic(ratio, skin, sigma)
    trust = np.clip(
        2.0 - np.abs(local_linear(ratio, skin, max(sigma / 5, 1.0)) - light).max(axis=2) / _OUTLIER, 0.02, 1.0
    )
    return local_quadratic(ratio, skin * trust.astype(np.float32), sigma)


def lit_by(generated: np.ndarray, light: np.ndarray | None, level: float, luminance: float, color: float) -> np.ndarray:
    """`generated` with `luminance` 0..1 of the mean of `light` (from `light_between`) over the channels, and `color` 0..1 of
    the rest."""
    if light is None or (luminance == 0 and color == 0):
        return generated
    mean = light.mean(axis=2, keepdims=True)
    return from_log(to_log(generated, level) + np.float32(luminance) * mean + np.float32(color) * (light - mean), level)
