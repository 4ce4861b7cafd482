"""The profile fade: how far a new face is shown where no picture of the source has seen it and the head is turned too far."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.raster import rasterise
from faceplate.image.inpaint import fill
from faceplate.image.soft_steps import smoothstep
from faceplate.image.window import Window

__all__ = ["RAMP", "fade_amount", "profile_matte"]

RAMP = 15.0
"""Degrees over which the fade becomes complete."""

# Cells per face of the grid on which the fade is drawn, over the raster's own number, and its softness in cells.
_COARSE, _SOFT = 1.0 / 8.0, 2.0


def fade_amount(turn: float, begins: float, amount: float) -> float:
    """Return how far the fade is complete, 0..1, `turn` degrees away from the nearest picture; it begins at `begins`."""
    return amount * float(smoothstep(turn, begins, begins + RAMP))


def profile_matte(face: Face, window: Window, seen: np.ndarray, fade: float) -> np.ndarray:
    """Draw how far the new face is shown.

    Parameters
    ----------
    face : Face
        The face in plate pixels.
    window : Window
        The plate pixels to fill.
    seen : np.ndarray
        (478,), 0..1, how well each point is seen in a picture of the source.
    fade : float
        How far the fade is complete, 0..1.

    Returns
    -------
    np.ndarray
        float32 (h, w), 0..1: 1 where the source was seen, 1 - `fade` where it was not.
    """
    raster = rasterise(face.points, topology().closed, window, face.size / _COARSE)
    drawn = fill(raster.interpolate(seen[:, None]), raster.covered.astype(np.float32))[..., 0]
    drawn = cv2.GaussianBlur(drawn, (0, 0), _SOFT, borderType=cv2.BORDER_REPLICATE)
    drawn = cv2.resize(drawn, (window.width, window.height), interpolation=cv2.INTER_LINEAR)
    return np.float32(1) - np.float32(fade) * (1 - np.clip(drawn, 0, 1))
