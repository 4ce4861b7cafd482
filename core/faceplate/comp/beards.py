"""Beards in the tones of a face: they are neither shade nor the colour of the light.

All of them are told on the person's own skin above, so that neither the light's strength nor its colour matters.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from faceplate.comp.skin_tones import SkinTones, below_nose, may_be_hair, tone_points
from faceplate.face.shape import head_model
from faceplate.image.soft_steps import ramp

__all__ = ["grey_beard", "without_beard", "without_plate_beard"]

# Natural logarithms below the middle of the face from which a tone below the nose is doubted as a beard, and is one; and the least
# number of tones of that middle.
_BEARD, _ENOUGH_ABOVE = (0.9, 1.5), 8
# Natural logarithm of red over blue by which the lower face is greyer, from nothing to a grey beard, and the least trust that tells
# it. Of the people to tune on, 36 without a beard reach 0.07 in their pictures, and four of six with one 0.15 to 0.22; on plates
# nobody without one reaches 0.12. Of the 18 highest of 398 other faces, 0.15 to 0.60, 13 have a beard or stubble, 5 bluish
# light from below.
_GREYER, _ENOUGH_COLOR = (0.08, 0.15), 4.0
# Natural logarithms by which the face below the nose is darker than above on both sides and in the middle, from nothing to a dark
# beard on a plate. Of 398 faces of other seeds than the population's, 11 reach 0.75: all but one, at 0.75, wear a beard; of
# the people to tune on the only one with a dark beard reaches 1.15 and nobody without a beard 0.66.
_DARK = (0.7, 0.9)
# Trust of a tone that is not seen. A track knows it from other frames; in a frame alone it is the face's mean, and tells no beard.
_UNSEEN = 0.05
# Where the skin above and the beard are read on the head model, from its middle: distance to the side, and height, each least and
# most; first on the sides, then in the middle.
_SIDES = (((0.35, 1.0), (0.15, 0.8)), ((0.3, 9.0), (1.05, 9.0)))
_MIDDLE = (((0.0, 0.6), (0.15, 0.75)), ((0.0, 0.4), (0.85, 9.0)))
# Heights between which a beard begins on the cheek.
_BEGINS = (0.75, 0.9)


def without_beard(tones: SkinTones) -> SkinTones:
    """Return the tones with no trust in a full beard: what lies below the nose and is far darker than the face above.

    Taken for skin, a beard would be taken for shade, and the plate's light would wash it out. Meant for pictures of a source, whose
    light is moderate: a hard shadow over the lower face is as dark.
    """
    above = (may_be_hair() < 0.5) & (tones.trust > 0.3)
    if above.sum() < _ENOUGH_ABOVE:
        return tones
    mean = tones.log.mean(axis=1)
    beard = ramp(np.median(mean[above]) - mean, *_BEARD)
    return replace(tones, trust=tones.trust * (1.0 - below_nose() * beard))


def without_plate_beard(tones: SkinTones) -> SkinTones:
    """Return a plate's tones with no trust below the nose, and the usual tone there, as far as the performer has a dark beard.

    Taken for skin, it would be taken for shade, and darken the new face's chin. A beard is dark on both sides and in the middle,
    each against the skin above it, so that a light or a shadow from one side makes none.
    """
    mean, weight = tones.log.mean(axis=1), tones.trust + _UNSEEN
    apart = [
        np.average(mean, weights=weight * above) - np.average(mean, weights=weight * below) for above, below in _zones()
    ]
    beard = float(ramp(np.array(min(apart)), *_DARK)) * ramp(head_model().reference[tone_points(), 1], *_BEGINS)
    trust = tones.trust * (1.0 - beard)
    if not (beard.any() and trust.any()):
        return tones
    usual = np.average(tones.log, axis=0, weights=trust)
    return SkinTones(tones.log + beard[:, None] * (usual - tones.log), trust)


def grey_beard(tones: SkinTones) -> float:
    """Tell how far a beard or stubble makes the face below the nose greyer than above, 0..1.

    Skin below the nose has the colour of the cheeks within what `_GREYER` leaves to light. Bluish light
    from below looks alike on a plate.
    """
    above, below = (1.0 - may_be_hair()) * tones.trust, below_nose() * tones.trust
    if min(above.sum(), below.sum()) < _ENOUGH_COLOR:
        return 0.0
    warmth = tones.log[:, 0] - tones.log[:, 2]
    greyer = np.average(warmth, weights=above) - np.average(warmth, weights=below)
    return float(ramp(np.array(greyer), *_GREYER))


@cache
def _zones() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return which tones lie above and in a beard, bool (112,) each: on either side, and in the middle."""
    head = head_model().reference[tone_points()]
    away, down = np.abs(head[:, 0]), head[:, 1]

    def within(side: tuple[float, float], height: tuple[float, float]) -> np.ndarray:
        return (away >= side[0]) & (away < side[1]) & (down >= height[0]) & (down < height[1])

    above, below = (within(*zone) for zone in _SIDES)
    left, (nose, chin) = head[:, 0] > 0, (within(*zone) for zone in _MIDDLE)
    return (above & left, below & left), (above & ~left, below & ~left), (nose, chin)
