"""Several new faces on one plate: laid over each other from the farthest to the nearest.

Each face was made on the photographed plate, as if it were the only one. Where one face alone covers a pixel, the stack
holds that face's own pixel, bit for bit. Where two do, the nearer lies over the farther: "over" after T. Porter and T. Duff,
"Compositing digital images", SIGGRAPH 1984, in the working space.

A face may also have moved the plate around it (its matte is then larger than its face). That is still plate, and lies beneath
every new face: else it would bring back the photographed face of whoever stands behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceplate.image.window import Window

__all__ = ["Stack", "StackFace", "stack_faces"]

Convert = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class StackFace:
    """One face by itself, in the plate's encoding, on `window`.

    `over` float32 (h, w, 3) is the plate with this face, `element` float32 (h, w, 4) the face premultiplied, whose alpha is the
    matte, and `face_matte` float32 (h, w) the part of the matte that is the face, without the moved plate around it.
    """

    window: Window
    over: np.ndarray
    element: np.ndarray
    face_matte: np.ndarray


@dataclass(frozen=True)
class Stack:
    """All faces on `window`, which holds theirs; `over` is 0 where no face's window lies.

    `elements` are the faces' own premultiplied pictures (h, w, 4) on `window`, in the order in which they were given, of which
    `element` is the stack. `visible` are their mattes (h, w), without moved plate, less what lies in front of each.
    """

    window: Window
    over: np.ndarray
    element: np.ndarray
    elements: tuple[np.ndarray, ...]
    visible: tuple[np.ndarray, ...]


def stack_faces(faces: Sequence[StackFace], order: Sequence[int], to_working: Convert, from_working: Convert) -> Stack:
    """Lay `faces` over each other in `order`, the farthest first; an index that `order` leaves out is not laid.

    Parameters
    ----------
    faces : sequence of StackFace
        The faces; those that are laid have windows that are not empty.
    order : sequence of int
        Indices of `faces`.
    to_working, from_working : callable
        Conversion of pixels float32 (h, w, 3) between the plate's encoding and the working space.
    """
    window = Window(0, 0, 0, 0)
    for index in order:
        window = window.union(faces[index].window)
    shape = (window.height, window.width)
    over, element = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 4), np.float32)
    elements = [np.zeros((*shape, 4), np.float32) for _ in faces]
    visible = [np.zeros(shape, np.float32) for _ in faces]
    covered = np.zeros(shape, np.float32)
    for index in order:
        place = faces[index].window.slices(window)
        own = _beneath_faces(faces[index], covered[place])
        _lay_over(own, faces[index], over[place], element[place], to_working, from_working)
        for before in visible:
            before[place] *= 1 - own.face_matte
        visible[index][place], elements[index][place] = own.face_matte, own.element
        covered[place] += own.face_matte * (1 - covered[place])
    return Stack(window, over, element, tuple(elements), tuple(visible))


def _beneath_faces(face: StackFace, covered: np.ndarray) -> StackFace:
    """Return the face with the moved plate around it taken away where other new faces lie, `covered` (h, w) of it."""
    matte = face.element[..., 3]
    moved = (covered > 0) & (matte > face.face_matte)
    if not moved.any():
        return face
    element = face.element.copy()
    inner, whole = face.face_matte[moved], matte[moved]
    left = inner + (whole - inner) * (1 - covered[moved])
    element[moved, :3] *= (left / whole)[:, None]
    element[moved, 3] = left
    return replace(face, element=element)


def _lay_over(
    face: StackFace,
    alone: StackFace,
    over: np.ndarray,
    element: np.ndarray,
    to_working: Convert,
    from_working: Convert,
) -> None:
    """Lay `face` over what is there, in place; `alone` is the face as it was made, which a free pixel takes as it is."""
    alpha, before = face.element[..., 3], element[..., 3]
    free, shared = before <= 0, (alpha > 0) & (before > 0)
    over[free] = alone.over[free]
    whole = shared & (alpha >= 1)
    over[whole] = alone.over[whole]
    mixed = shared & ~whole
    if mixed.any():
        weight = alpha[mixed][:, None]
        under = to_working(over[mixed][None])[0]
        picture = to_working((face.element[mixed, :3] / weight)[None])[0]
        over[mixed] = from_working((under + weight * (picture - under))[None])[0]
    element[free] = face.element[free]
    element[shared] = face.element[shared] + (1 - alpha[shared])[:, None] * element[shared]
