"""The matte: where the new face covers the plate, from the mesh's outline, softened in face-relative units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.shape import head_model
from faceplate.image.soft_steps import depth_inside
from faceplate.image.window import Window

__all__ = ["HullEdges", "hull_matte", "hull_outline"]

# Spline samples on each of the oval's 36 spans; the outline is a smooth curve at any plate size.
_SPAN = 8
_BROW_MIDDLE = (105, 334)
_SIDES = ("top", "bottom", "right", "left")


@dataclass(frozen=True)
class HullEdges:
    """Positions of the hull's edges.

    Attributes
    ----------
    forehead : float
        Position of the upper edge: 0 at the brows, 1 at the mesh's top, above 1 into the hair.
    bottom, right, left : float
        Outward offset (inward when negative) of the jaw and of the edges at the person's right and left ear, as a fraction
        of the face's size.
    """

    forehead: float = 1.0
    bottom: float = 0.0
    right: float = 0.0
    left: float = 0.0


def hull_matte(
    face: Face, window: Window, *, erode: float, feather: float, edges: HullEdges | None = None
) -> np.ndarray:
    """Draw the face's outline as a soft matte.

    Parameters
    ----------
    face : Face
        The face in plate pixels.
    window : Window
        The plate pixels to fill.
    erode : float
        Inward offset of the edge as a fraction of the face's size.
    feather : float
        Width of the ramp as a fraction of the face's size; the ramp lies wholly inside the outline. It is a smoothstep, so
        the matte's slope is continuous.
    edges : HullEdges, optional
        Positions of the edges.

    Returns
    -------
    np.ndarray
        float32 (h, w), 0..1.
    """
    outline = _spline_loop(hull_outline(face, edges or HullEdges()))
    matte = np.zeros((window.height, window.width), np.float32)
    near = Window.around(outline, 2.0).intersect(window)
    if near.empty:
        return matte
    inside = np.zeros((near.height, near.width), np.uint8)
    fixed = np.round((outline - (near.x + 0.5, near.y + 0.5)) * 16).astype(np.int32)
    cv2.fillPoly(inside, [fixed], 255, lineType=cv2.LINE_8, shift=4)
    # The face continues outside the window, so the window's edge must not count as the face's edge: replicate it.
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    ramp = depth_inside(padded)[1:-1, 1:-1]
    ramp -= np.float32(erode * face.size)
    ramp /= np.float32(max(feather * face.size, 1.0))
    np.clip(ramp, 0.0, 1.0, out=ramp)
    matte[near.slices(window)] = ramp * ramp * (3.0 - 2.0 * ramp)
    return matte


def hull_outline(face: Face, edges: HullEdges) -> np.ndarray:
    """Compute the 36 points of the hull's outline (36, 2) in plate pixels, after the edges' offsets."""
    oval = topology().oval
    outline = face.points[oval, :2]
    middle = outline.mean(axis=0)
    sides = _edge_weights()
    brow = face.points[list(_BROW_MIDDLE), :2].mean(axis=0)
    top = face.points[10, :2]
    moved = outline + (sides["top"] * (edges.forehead - 1.0))[:, None] * (top - brow)
    outward = outline - middle
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    push = sides["bottom"] * edges.bottom + sides["right"] * edges.right + sides["left"] * edges.left
    return moved + push[:, None] * face.size * outward


@cache
def _edge_weights() -> dict[str, np.ndarray]:
    """Compute how far each point of the oval belongs to its top, bottom, right and left edge, float64 (36,), from the mean head."""
    xy = head_model().reference[topology().oval, :2]
    xy = xy - (xy.min(axis=0) + xy.max(axis=0)) / 2
    xy = xy / np.abs(xy).max(axis=0)
    towards = {"top": -xy[:, 1], "bottom": xy[:, 1], "right": -xy[:, 0], "left": xy[:, 0]}
    return {name: np.clip(towards[name], 0.0, 1.0) ** 2 for name in _SIDES}


def _spline_loop(loop: np.ndarray) -> np.ndarray:
    """Sample a closed uniform Catmull-Rom spline through `loop` (n, 2): (n * 8, 2)."""
    t = (np.arange(_SPAN) / _SPAN)[:, None, None]
    before, start, end, after = (np.roll(loop, shift, axis=0) for shift in (1, 0, -1, -2))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)
