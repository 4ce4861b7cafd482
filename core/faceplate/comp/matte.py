"""The matte: where the new face covers the plate, made from the mesh and softened in face-relative units."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.window import Window

__all__ = ["hull_matte"]

# The oval has 36 points; this many on each span makes the outline a smooth curve at any plate size.
_SPAN = 8


def hull_matte(face: Face, window: Window, *, erode: float, feather: float) -> np.ndarray:
    """The face's oval as a soft matte, float32 (h, w) in 0..1 on `window`.

    `erode` moves the edge inward and `feather` is the width of the ramp, which lies wholly inside the oval; both are
    fractions of the face's size. The ramp is smoothstep, so the matte's slope is continuous.
    """
    outline = _smooth_loop(face.points[topology().oval, :2])
    inside = np.zeros((window.height, window.width), np.uint8)
    fixed = np.round((outline - (window.x + 0.5, window.y + 0.5)) * 16).astype(np.int32)
    cv2.fillPoly(inside, [fixed], 255, lineType=cv2.LINE_8, shift=4)
    # Outside the window the face goes on, so its edge must not count as the face's: pad with what is there.
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    ramp = np.clip((distance - erode * face.size) / max(feather * face.size, 1.0), 0.0, 1.0)
    return (ramp * ramp * (3.0 - 2.0 * ramp)).astype(np.float32)


def _smooth_loop(loop: np.ndarray) -> np.ndarray:
    """A closed centripetal-free Catmull-Rom spline through `loop` (n, 2): (n * 8, 2)."""
    t = (np.arange(_SPAN) / _SPAN)[:, None, None]
    before, start, end, after = (np.roll(loop, shift, axis=0) for shift in (1, 0, -1, -2))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)
