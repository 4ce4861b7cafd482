"""The matte: where the new face covers the plate, made from the mesh and softened in face-relative units."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.shape import head_model
from faceplate.image.window import Window

__all__ = ["HullEdges", "hull_matte", "hull_outline"]

# The oval has 36 points; this many on each span makes the outline a smooth curve at any plate size.
_SPAN = 8
_BROW_MIDDLE = (105, 334)
_SIDES = ("top", "bottom", "right", "left")


@dataclass(frozen=True)
class HullEdges:
    """Where the hull ends. `forehead` slides its upper edge: 0 at the brows, 1 at the mesh's top, above 1 into the hair.

    The others push an edge outward (inward when negative), in parts of the face's size: `bottom` the jaw, `right` and
    `left` (the person's own) the edges at the ears.
    """

    forehead: float = 1.0
    bottom: float = 0.0
    right: float = 0.0
    left: float = 0.0


def hull_matte(
    face: Face, window: Window, *, erode: float, feather: float, edges: HullEdges | None = None
) -> np.ndarray:
    """The face's outline as a soft matte, float32 (h, w) in 0..1 on `window`.

    `erode` moves the edge inward and `feather` is the width of the ramp, which lies wholly inside the outline; both are
    fractions of the face's size. The ramp is smoothstep, so the matte's slope is continuous.
    """
    outline = _smooth_loop(hull_outline(face, edges or HullEdges()))
    inside = np.zeros((window.height, window.width), np.uint8)
    fixed = np.round((outline - (window.x + 0.5, window.y + 0.5)) * 16).astype(np.int32)
    cv2.fillPoly(inside, [fixed], 255, lineType=cv2.LINE_8, shift=4)
    # Outside the window the face goes on, so its edge must not count as the face's: pad with what is there.
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    ramp = np.clip((distance - erode * face.size) / max(feather * face.size, 1.0), 0.0, 1.0)
    return (ramp * ramp * (3.0 - 2.0 * ramp)).astype(np.float32)


def hull_outline(face: Face, edges: HullEdges) -> np.ndarray:
    """The 36 points of the hull's outline (36, 2) in plate pixels, after the edges' offsets."""
    oval = topology().oval
    outline = face.points[oval, :2]
    middle = outline.mean(axis=0)
    sides = _sides()
    brow = face.points[list(_BROW_MIDDLE), :2].mean(axis=0)
    top = face.points[10, :2]
    moved = outline + (sides["top"] * (edges.forehead - 1.0))[:, None] * (top - brow)
    outward = outline - middle
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    push = sides["bottom"] * edges.bottom + sides["right"] * edges.right + sides["left"] * edges.left
    return moved + push[:, None] * face.size * outward


def _sides() -> dict[str, np.ndarray]:
    """How far each point of the oval belongs to its top, bottom, right and left edge, float64 (36,), from the mean head."""
    xy = head_model().reference[topology().oval, :2]
    xy = xy - (xy.min(axis=0) + xy.max(axis=0)) / 2
    xy = xy / np.abs(xy).max(axis=0)
    towards = {"top": -xy[:, 1], "bottom": xy[:, 1], "right": -xy[:, 0], "left": xy[:, 0]}
    return {name: np.clip(towards[name], 0.0, 1.0) ** 2 for name in _SIDES}


def _smooth_loop(loop: np.ndarray) -> np.ndarray:
    """A closed uniform Catmull-Rom spline through `loop` (n, 2): (n * 8, 2)."""
    t = (np.arange(_SPAN) / _SPAN)[:, None, None]
    before, start, end, after = (np.roll(loop, shift, axis=0) for shift in (1, 0, -1, -2))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)
