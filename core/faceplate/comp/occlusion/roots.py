"""Where a piece in front of the face must be connected with the face's outline (`regions.without_floating`).

Hair, hands and what they hold reach the face from its outline. A thin piece in the middle of the face that no way through the
matte leads to is a fold of the skin, or the end of a strand whose middle was not found, and would float on the new face.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion.square import SquareMesh
from faceplate.face import topology
from faceplate.face.shape import head_model
from faceplate.image.soft_steps import disc, ramp

__all__ = ["needs_root"]

# Distance within the outline in which a piece has its root, in pixels of the square.
_ROOT = 10.0
# Part of the directions around the eyes in which the network finds something, from nothing to glasses.
_GLASSES = (0.1, 0.2)


def needs_root(hull: np.ndarray, mesh: SquareMesh, around_eyes: float) -> np.ndarray:
    """Draw where a piece must be connected with somewhere else, float32 (SIDE, SIDE) in 0..1.

    That is the face above the mouth, without a border inside its outline. Glasses have no root: where they sit, nothing is asked
    of a person who wears them.

    Parameters
    ----------
    hull : np.ndarray
        bool (SIDE, SIDE), inside the face's outline.
    mesh : SquareMesh
        The face's mesh.
    around_eyes : float
        As in `wrinkles.without_wrinkles`.
    """
    above, band = _zones()
    zone = above * (1 - float(ramp(around_eyes, *_GLASSES)) * band)
    (drawn,) = mesh.drawn(zone)
    return drawn * cv2.erode(hull.astype(np.uint8), disc(_ROOT), borderType=cv2.BORDER_CONSTANT, borderValue=0)


@cache
def _zones() -> tuple[np.ndarray, np.ndarray]:
    """Return the face above the mouth, and where glasses sit, float64 (478,) in 0..1 each."""
    head, mesh = head_model().reference, topology()
    down, brows = head[:, 1], head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    nose, mouth = head[1, 1], head[mesh.lips_loop, 1].mean()
    band = np.clip((down - brows + 0.15) / 0.1, 0.0, 1.0) * np.clip((0.6 - down) / 0.1, 0.0, 1.0)
    return np.clip((mouth - down) / (mouth - nose), 0.0, 1.0), band
