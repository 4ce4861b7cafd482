"""Rendering of a square of the plate for a network: display-referred, exposed for the face."""

from __future__ import annotations

import numpy as np

from faceplate.color import encode
from faceplate.face.align import resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = ["view"]


def view(frame: Frame, matrix: np.ndarray, side: int, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Render a square of the plate.

    Parameters
    ----------
    frame : Frame
        The plate.
    matrix : np.ndarray
        (2, 3), from the plate to the square.
    side : int
        Side of the square in pixels.
    gain : float
        Exposure, a factor on scene-linear values.

    Returns
    -------
    display : np.ndarray
        float32 (side, side, 3), 0..1 (sRGB-like, Rec.709 primaries).
    working : np.ndarray
        float32 (side, side, 3), scene-linear in the working space.
    """
    pixels = resample(frame.pixels, frame.window, matrix, Window(0, 0, side, side))
    working = frame.color.to_working(pixels, frame.space)
    return np.clip(encode(frame.color.to_linear709(working), gain), 0.0, 1.0), working
