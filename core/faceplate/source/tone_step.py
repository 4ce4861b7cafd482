"""The broad difference of the skin's tone between two textures of one person."""

from __future__ import annotations

import numpy as np

from faceplate.comp.skin_tones import SkinTones, tone_points
from faceplate.comp.tone_field import smooth_field
from faceplate.face import topology
from faceplate.face.shape import head_model

__all__ = ["tone_step"]

# Reach of the difference in radii of the head, and the most by which two textures are levelled, in natural logarithm.
_REACH, _MOST = 0.7, 0.3


def tone_step(view: SkinTones, leader: SkinTones) -> np.ndarray:
    """Return how the broad tone of a `leader` differs from that of a `view`, float64 (478, 3), in natural logarithm.

    Parameters
    ----------
    view, leader : SkinTones
        The tones of two textures without light (`Source.tones`).
    """
    places = head_model().reference[:, :2]
    own = tone_points()
    trust = view.trust * leader.trust * ~np.isin(own, topology().mouth_loop)
    if trust.sum() < 4.0:
        return np.zeros((len(places), 3))
    field = smooth_field(places[own], leader.log - view.log, trust, _REACH)
    return np.clip(field.at(places), -_MOST, _MOST)
