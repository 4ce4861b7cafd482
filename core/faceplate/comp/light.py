"""Relighting: the new face's low-frequency light is replaced by the plate's, as a ratio measured on the skin."""

from __future__ import annotations

import numpy as np

from faceplate.image.low_pass import local_linear, local_quadratic
from faceplate.image.symmetric_log import from_log, to_log

__all__ = ["light_between", "lit_by", "match_light"]

# Natural logarithm: full weight within a third of a stop of the first fit, none beyond two thirds.
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
    """Light the generated face as the plate is lit.

    The log ratio of plate to generated is low-passed over the skin and multiplied on. A second fit excludes places where the
    two faces differ by more than light (a mole, a strand of hair, the edge of a beard).

    Parameters
    ----------
    generated, plate : np.ndarray
        float32 (h, w, 3), scene-linear; neither is clipped.
    skin : np.ndarray
        (h, w), weights 0..1.
    size : float
        The face's size in pixels.
    level : float
        The face's log average.
    luminance : float
        Strength 0..1 of the ratio's mean over the channels.
    color : float
        Strength 0..1 of the channels' difference from that mean.
    scale : float
        Standard deviation of the low-pass filter as a fraction of `size`.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3). Equal pictures are returned bit for bit.
    """
    if luminance == 0 and color == 0:
        return generated
    light = light_between(generated, plate, skin, size=size, level=level, scale=scale)
    return lit_by(generated, light, level, luminance, color)


def light_between(
    generated: np.ndarray, plate: np.ndarray, skin: np.ndarray, *, size: float, level: float, scale: float
) -> np.ndarray | None:
    """Measure the log of the light by which the plate differs from the generated face.

    Parameters are those of `match_light`.

    Returns
    -------
    np.ndarray or None
        float32 (h, w, 3), smooth; None where the pictures are equal or no skin can be compared.
    """
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
    """Apply `light` from `light_between`: `luminance` 0..1 of its mean over the channels, `color` 0..1 of the rest."""
    if light is None or (luminance == 0 and color == 0):
        return generated
    mean = light.mean(axis=2, keepdims=True)
    return from_log(to_log(generated, level) + np.float32(luminance) * mean + np.float32(color) * (light - mean), level)
