"""Light: the new face's low-frequency light taken off, and the plate's put on, as a ratio on the skin."""

from __future__ import annotations

import numpy as np

from faceplate.logspace import from_log, to_log
from faceplate.lowpass import local_linear

__all__ = ["match_light"]

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
    logged = to_log(generated, level)
    ratio = to_log(plate, level) - logged
    if (luminance == 0 and color == 0) or not ratio.any() or not skin.any():
        return generated
    sigma = max(scale * size, 1.0)
    light = local_linear(ratio, skin, sigma)
    trust = np.clip(
        2.0 - np.abs(local_linear(ratio, skin, max(sigma / 5, 1.0)) - light).max(axis=2) / _OUTLIER, 0.02, 1.0
    )
    light = local_linear(ratio, skin * trust.astype(np.float32), sigma)
    mean = light.mean(axis=2, keepdims=True)
    return from_log(logged + np.float32(luminance) * mean + np.float32(color) * (light - mean), level)
