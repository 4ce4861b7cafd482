"""What still hides a picture after its own analysis, because the person's other pictures do not show it.

A single picture cannot tell the tail of a brow from the strand that lies across it, nor a thin rim from a lash line. Hair and
glasses lie elsewhere on the skin in another picture, and seldom at the same place on both sides of the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from faceplate.comp.occlusion.hair import hair_zone
from faceplate.face import topology
from faceplate.face.shape import away_from, head_model
from faceplate.image.soft_steps import disc, ramp
from faceplate.source.atlas import Vote, over_atlas, weighted_median
from faceplate.source.light import LUMINANCE

__all__ = ["agreed_darkness", "find_remains"]

# Standard deviation in pixels of the atlas within which pictures are compared, and how far meshes and expressions may differ.
_SOFT, _APART = 1.5, 4
# How much the mirror image counts beside the picture itself.
_MIRROR = 0.5
# How much darker than all others agree on, in natural logarithm, from nothing to enough.
_DARKER = (0.22, 0.42)
# Sum of weights from which others' word counts, from nothing to enough.
_HEARD = (0.1, 0.3)
# Log luminance, brighter than any skin, where nobody was heard.
_UNKNOWN = 100.0
# Distance from what was found in front within which more is looked for, and by which it is widened, in pixels of the atlas.
_NEAR, _BESIDE = 26, 4


def agreed_darkness(votes: Sequence[Vote]) -> tuple[np.ndarray, np.ndarray]:
    """Return how dark the pictures agree that the skin is, at its darkest near each place, and how many were heard.

    Parameters
    ----------
    votes : sequence of Vote
        The pictures on the atlas.

    Returns
    -------
    dark, heard : np.ndarray
        float32 (SIDE, SIDE): log luminance, and the sum of the weights.
    """
    seen = np.stack([_soft(vote) for vote in votes])
    weight = np.stack([vote.weight for vote in votes])
    seen = np.concatenate([seen, seen[:, :, ::-1]])
    weight = np.concatenate([weight, _MIRROR * weight[:, :, ::-1]])
    heard = weight.sum(axis=0)
    median = np.where(heard > _HEARD[0], weighted_median(seen, weight), np.float32(_UNKNOWN))
    dark = cv2.erode(median, disc(_APART))
    return np.where(dark < _UNKNOWN, dark, np.float32(-_UNKNOWN)), heard


def find_remains(vote: Vote, dark: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Find what still hides a picture near what was found in front, float32 (SIDE, SIDE) in 0..1 on the atlas.

    `dark` and `heard` are `agreed_darkness` of all pictures.
    """
    deeper = ramp(dark - _soft(vote), *_DARKER) * ramp(heard - vote.weight, *_HEARD) * (vote.weight > 0)
    near = cv2.dilate((vote.clean < 0.5).astype(np.uint8), disc(_NEAR))
    found = deeper * near * _zone()
    grown = cv2.dilate(found.astype(np.float32), disc(_BESIDE))
    return np.clip(cv2.GaussianBlur(grown, (0, 0), _BESIDE / 3), 0, 1)


def _soft(vote: Vote) -> np.ndarray:
    return cv2.GaussianBlur(vote.log @ LUMINANCE, (0, 0), _SOFT)


@cache
def _zone() -> np.ndarray:
    """Return where hair and glasses lie on a face and eyes and lashes do not, float32 (SIDE, SIDE)."""
    mesh = topology()
    loops = np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop])
    eyes = np.clip((0.1 - away_from(loops)) / 0.05 + 1, 0, 1)
    eyes[468:] = 1.0
    down = head_model().reference[:, 1]
    upper = np.maximum(hair_zone(), np.clip((0.45 - down) / 0.15, 0, 1))
    return np.clip(over_atlas(upper * (1 - eyes)), 0, 1)
