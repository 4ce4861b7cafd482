"""The skin between the strands of a fringe, which stays the plate's.

No matte parts the finest strands of a fringe from the skin that shines through them. Cut out one by one, they end in blunt tips on
the new forehead, with cracks between them. A compositor keeps a plate's forehead behind such a fringe as it is, as far as the
hair hangs, and lets it pass softly into the new one below; so does this.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion.square import SIDE, SquareMesh, sigmoid
from faceplate.face import topology
from faceplate.face.shape import away_from, head_model
from faceplate.image.soft_steps import disc, ramp, smoothstep

__all__ = ["fringe_veil"]

# The step in pixels of the square in which everything here is worked out; the lengths below are in pixels of the square.
_STEP = 2
# Probabilities between which hair is hair.
_HAIR = (0.4, 0.75)
# Half of the widest gap between two strands.
_GAP = 14
# Softness with which gaps are counted, and the share of them from which hair is a fringe with gaps, from nothing to enough.
_AROUND, _RAGGED = 8.0, (0.05, 0.12)
# How far beside such gaps hair belongs to the fringe, and the softness of that.
_BESIDE, _SOFT = 8, 6.0
# How far the fine ends of strands reach beyond what is found: to all sides, and down the face; and the softness below.
_ENDS, _DOWN, _PASSING = 3, 10, 6.0
# How far outside the mesh the fringe goes on.
_OUTSIDE = 8


def fringe_veil(odds: np.ndarray, mesh: SquareMesh) -> np.ndarray:
    """Compute how far the plate stays at a fringe with gaps, float32 (SIDE, SIDE) in 0..1; 0 below the brows.

    Hair without gaps, such as a straight fringe, a hat, or a single strand, has none.

    Parameters
    ----------
    odds : np.ndarray
        float32 (SIDE, SIDE), log-odds of being hidden.
    mesh : SquareMesh
        The face's mesh.
    """
    (zone,) = mesh.drawn(_above_brows())
    size = (SIDE // _STEP, SIDE // _STEP)
    hidden, zone = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (sigmoid(odds), zone))
    zone = cv2.dilate(zone, _upward(_OUTSIDE / _STEP))
    hair = smoothstep(hidden, *_HAIR).astype(np.float32)
    if not (hair * zone > 0).any():
        return np.zeros((SIDE, SIDE), np.float32)
    closed = _closed(hair, round(_GAP / _STEP))
    gaps = cv2.GaussianBlur((closed - hair) * (zone > 0), (0, 0), _AROUND / _STEP)
    ragged = cv2.dilate(ramp(gaps, *_RAGGED).astype(np.float32), disc(_BESIDE / _STEP))
    reached = cv2.dilate(cv2.dilate(closed, disc(_ENDS / _STEP)), _downward(_DOWN // _STEP))
    reached = cv2.GaussianBlur(reached, (0, 0), _PASSING / _STEP)
    veil = reached * cv2.GaussianBlur(ragged, (0, 0), _SOFT / _STEP) * zone
    return np.clip(cv2.resize(veil, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), 0.0, 1.0)


def _closed(hair: np.ndarray, radius: int) -> np.ndarray:
    """Fill gaps of `hair` (h, w) that are narrower than twice `radius` cells; beyond the picture it goes on as at its border."""
    room = 2 * radius
    wide = cv2.copyMakeBorder(hair, room, room, room, room, cv2.BORDER_REPLICATE)
    return cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc(radius))[room:-room, room:-room]


def _downward(length: int) -> np.ndarray:
    """Return the kernel with which a dilation reaches `length` rows down, uint8 (n, 1)."""
    kernel = np.zeros((2 * length + 1, 1), np.uint8)
    kernel[: length + 1] = 1
    return kernel


def _upward(radius: float) -> np.ndarray:
    """Return the kernel with which a dilation reaches as far as a disc of `radius`, but not down, uint8 (n, n)."""
    kernel = disc(radius)
    kernel[: len(kernel) // 2] = 0
    return kernel


@cache
def _above_brows() -> np.ndarray:
    """Return the forehead above the brows, float64 (478,) in 0..1."""
    head, mesh = head_model().reference, topology()
    loops = np.concatenate([mesh.right_brow, mesh.left_brow])
    brows, top = head[loops, 1].mean(), head[mesh.oval, 1].min()
    above = np.clip(5.0 * (brows + 0.05 - head[:, 1]) / (brows - top), 0.0, 1.0)
    return above * np.clip((away_from(loops) - 0.03) / 0.12, 0.0, 1.0)
