"""The plate's grain around the face, where the track does not have it: measured on the plate's own pixels."""

from __future__ import annotations

import numpy as np

from faceplate.comp.grain import GRAIN_REACH, Grain, measure_grain
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.shot.parameters import Parameters

__all__ = ["grain_around_face", "grain_is_used", "grain_window"]


def grain_is_used(parameters: Parameters) -> bool:
    """Whether the composite asks for the plate's grain at all."""
    return parameters.grain != 0 or parameters.plate_skin != 1.0


def grain_window(face: Face, picture: Window) -> Window:
    """Return the part of `picture` on which grain is measured, the same whatever else was read of the plate.

    It reaches beyond the face: on the face alone skin texture would be taken for grain.
    """
    return face.window(GRAIN_REACH).intersect(picture)


def grain_around_face(working: np.ndarray, plate: Frame, face: Face) -> Grain:
    """Measure the grain of `working` (h, w, 3), scene-linear pixels on `plate.window`, around the face."""
    return measure_grain(np.ascontiguousarray(working[grain_window(face, plate.window).slices(plate.window)]))
