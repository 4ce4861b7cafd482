"""A symmetric logarithm: a ratio in the lights, a difference around zero, nothing clipped."""

from __future__ import annotations

import numpy as np

__all__ = ["from_log", "log_unit", "to_log"]

# Below this part of the face's own level the logarithm turns into a straight line: three stops under a shadow side.
_TOE = 0.02


def log_unit(level: float) -> float:
    """Return the scene-linear value whose symmetric logarithm is near 0: `to_log(x)` is ln(x / unit) for x well above it."""
    return _TOE * level


def to_log(pixels: np.ndarray, level: float) -> np.ndarray:
    """Convert scene-linear float32 to asinh(x / 2t), with t = 2 % of the face's `level`: ln(x / t) for x well above t."""
    parts = np.asarray(pixels / np.float32(2 * _TOE * level), np.float32)
    return np.arcsinh(parts, out=parts)


def from_log(logged: np.ndarray, level: float, out: np.ndarray | None = None) -> np.ndarray:
    """Invert `to_log` exactly.

    Parameters
    ----------
    logged : numpy.ndarray
        What `to_log` returned, float32.
    level : float
        The face's level, scene-linear.
    out : numpy.ndarray, optional
        Where to write; it may be `logged` itself.

    Returns
    -------
    numpy.ndarray
        Scene-linear float32.
    """
    pixels = np.asarray(np.sinh(logged, out=out), np.float32)
    pixels *= np.float32(2 * _TOE * level)
    return pixels
