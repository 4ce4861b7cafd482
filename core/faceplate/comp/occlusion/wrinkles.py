"""Wrinkles that the occlusion network takes for strands or rims.

Light that leaves a crease has been reflected by skin more than once, or has passed through it, and so has lost much more of the
green and blue than of the red. Hair and metal take from all three. The ratio of the two losses, in logarithm, does not change with
the light's colour or the plate's white balance.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion.square import SquareMesh, sigmoid
from faceplate.face import topology
from faceplate.face.shape import away_from, head_model
from faceplate.image.soft_steps import disc, ramp

__all__ = ["without_wrinkles"]

# Largest half width of a wrinkle in pixels, and its least probability that calls for looking.
_WIDTH, _LEAST = 4.0, 0.15
# Distance in pixels within which the skin around a line is read, and within which a piece of line is judged.
_SKIN, _PIECE = 5.0, 6.0
# Darkest value over the face's level that has a logarithm.
_DARKEST = 0.02
# Loss of red in natural logarithm, and its ratio to the loss of green, from a wrinkle's to another line's; and by how much these
# are raised where the line lies across the face, as hair does not. The share of the gradients that run down, from upright to that.
_RED, _RATIO, _ACROSS, _LEVEL = (0.2, 0.28), (0.5, 0.62), 0.1, (0.6, 0.85)
# The least loss of green, and of the two together: what is lighter than the skin or yellower is no crease.
_GREEN, _SHARED = (0.0, 0.06), (0.0, 0.1)
# Part of the directions around the eyes in which the network finds something, from nothing to glasses.
_GLASSES = (0.2, 0.35)
# Least probability that is kept, so that there is a logarithm.
_FLOOR = 1e-3


def without_wrinkles(
    odds: np.ndarray, seen: np.ndarray, levels: np.ndarray, mesh: SquareMesh, around_eyes: float
) -> np.ndarray:
    """Remove wrinkles from the occlusion network's log-odds.

    Parameters
    ----------
    odds : np.ndarray
        float32 (SIDE, SIDE), the network's log-odds.
    seen, levels, mesh
        As in `rims.with_rims`.
    around_eyes : float
        The part of the directions around the eyes in which the network finds something, 0..1. With glasses nothing is removed
        where they sit: metal may have the colour of a crease.

    Returns
    -------
    np.ndarray
        float32 (SIDE, SIDE), nowhere more than `odds`; `odds` itself where there is no line.
    """
    hidden = sigmoid(odds)
    thin = hidden - cv2.morphologyEx(hidden, cv2.MORPH_OPEN, disc(_WIDTH))
    thin *= mesh.drawn(_skin() * (1 - float(ramp(around_eyes, *_GLASSES)) * _band()))[0]
    if thin.max() < _LEAST:
        return odds
    log = np.log(np.maximum(seen[..., :2] / levels[:2], np.float32(_DARKEST)))
    free = np.clip(1 - 3 * cv2.dilate(hidden, disc(1.5)), 0, 1) + np.float32(1e-4)
    red, green = cv2.split(log - _around(log * free[..., None], _SKIN) / _around(free, _SKIN)[..., None])
    parts = (1.0, red * green, green * green, red * red, -green)
    weight, both, squared, reds, greens = (_around(thin * part, _PIECE) for part in parts)
    weight, across = np.maximum(weight, 1e-6), np.float32(_ACROSS) * _lying(green, thin)
    ratio = both / np.maximum(squared, 1e-6)
    wrinkle = ramp(greens / weight, *_GREEN) * ramp(ratio, *_SHARED) * (1 - ramp(ratio - across, *_RATIO))
    wrinkle *= 1 - ramp(np.sqrt(reds / weight) - across, *_RED)
    left = np.maximum(hidden - thin * wrinkle, _FLOOR)
    return np.minimum(odds, np.log(left / (1 - np.minimum(left, 1 - _FLOOR)))).astype(np.float32)


def _lying(log: np.ndarray, thin: np.ndarray) -> np.ndarray:
    """Compute how far the `thin` lines of a picture lie across the square, float32 (SIDE, SIDE) in 0..1."""
    x, y = (cv2.Sobel(log, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in ((1, 0), (0, 1)))
    xx, yy = (_around(thin * part * part, _PIECE) for part in (x, y))
    return ramp(yy / np.maximum(xx + yy, 1e-6), *_LEVEL)


def _around(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), sigma)


@cache
def _skin() -> np.ndarray:
    """Return the skin down to the nose's wings, off the brows and eyes, float64 (478,) in 0..1."""
    head, mesh = head_model().reference, topology()
    features = np.concatenate([mesh.right_brow, mesh.left_brow, mesh.right_eye_loop, mesh.left_eye_loop])
    nose, mouth = head[1, 1], head[mesh.lips_loop, 1].mean()
    off = np.clip((away_from(features) - 0.04) / 0.06, 0.0, 1.0)
    off[468:] = 0.0
    return off * np.clip((mouth - head[:, 1]) / (mouth - nose), 0.0, 1.0)


@cache
def _band() -> np.ndarray:
    """Return where glasses sit, float64 (478,) in 0..1."""
    head, mesh = head_model().reference, topology()
    down, brows = head[:, 1], head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    return np.clip((down - brows + 0.1) / 0.1, 0.0, 1.0) * np.clip((0.5 - down) / 0.1, 0.0, 1.0)
