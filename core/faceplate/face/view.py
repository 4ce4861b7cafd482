"""What networks are shown of a plate: a display rendering of a square of it, exposed for the face."""

from __future__ import annotations

import numpy as np

from faceplate.color import encode
from faceplate.face.align import resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = ["view"]


def view(frame: Frame, matrix: np.ndarray, side: int, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """A display rendering of a square of the plate, and its scene-linear pixels.

    `matrix` maps plate to the square of `side` pixels; `gain` exposes it. Returns float32 (side, side, 3) in 0..1
    (sRGB-like, Rec.709 primaries) and float32 (side, side, 3) in the working space.
    """
    pixels = resample(frame.pixels, frame.window, matrix, Window(0, 0, side, side))
    working = frame.color.to_working(pixels, frame.space)
    return np.clip(encode(frame.color.to_linear709(working), gain), 0.0, 1.0), working
