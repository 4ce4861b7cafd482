"""The dials of a frame: the target's mesh, and the plate under it, moved before anything is generated.

What may move the outline of the face (brows, open mouth, smile, jaw) goes the way of a new face shape, with the plate around it.
Lids, look, closed and pressed lips move inside the face, by a warp that may close an opening.
"""

from __future__ import annotations

import numpy as np

from faceplate.comp.expression_warp import expression_warp
from faceplate.face import Face
from faceplate.face.dials import DIALS, Dials, dialled
from faceplate.face.expression import IRISES
from faceplate.face.shape import unsqueezed
from faceplate.image.frame import Frame
from faceplate.shot.parameters import Parameters

__all__ = ["dials_of", "with_inner_dials", "with_outer_dials"]


def dials_of(parameters: Parameters) -> Dials:
    """Return the dials of a frame."""
    return Dials(**{name: getattr(parameters, f"dial_{name}") for name in DIALS})


def with_outer_dials(face: Face, dials: Dials, pixel_aspect: float) -> Face:
    """Return `face` with the dials that may move its outline; the same object where none of them is turned."""
    if not (dials.brow_right or dials.brow_left or dials.smile or dials.jaw or dials.mouth > 0):
        return face
    return face.moved(unsqueezed(dialled(unsqueezed(face.points, pixel_aspect), dials).outer, 1 / pixel_aspect))


def with_inner_dials(
    working: np.ndarray, plate: Frame, face: Face, dials: Dials, weight: float
) -> tuple[np.ndarray, Face]:
    """Return the plate `working` (h, w, 3) and the `face` in it with the dials that move inside the face, by `weight` 0..1.

    The face has the other dials already.
    """
    aspect = plate.pixel_aspect
    put = dialled(unsqueezed(face.points, aspect), dials)
    look = weight * put.look / (aspect, 1.0)
    moved = face.points + weight * unsqueezed(put.whole - put.outer, 1 / aspect)
    for iris in IRISES:
        moved[iris, 2] = face.points[iris, 2]
    warp = expression_warp(face.points, moved, look, plate.window, face.size)
    return (working if warp is None else warp.moved(working, plate.window)), face.moved(moved)
