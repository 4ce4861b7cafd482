"""Relighting: the new face takes the plate's light, measured as the ratio of the two faces' tones.

The ratio is light and a difference of two people. Light on a smooth surface is low-order in the surface's normal (R. Ramamoorthi
and P. Hanrahan, "An efficient representation for irradiance environment maps", SIGGRAPH 2001); a shadow's edge or a hot spot is
a smooth field on top of it. How people's tones differ was measured on invented people (`bench/people/make_skin_model.py`). All
are Gaussian, so the most likely light is a linear function of the ratio, and how hard the light is follows from the evidence
(C. Rasmussen and C. Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, chapters 2 and 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from faceplate.comp.skin_tones import SkinTones, edge_points, tone_places, tone_points
from faceplate.comp.tone_field import ToneField, smooth_field
from faceplate.face import Face
from faceplate.face.shape import normals, unsqueezed

__all__ = ["LightMatch", "match_light", "soft_light"]

# Standard deviations in natural logarithm, and a reach in units of the face's size: the light's level, slope, and what bends it.
_LEVEL, _SLOPE, _BEND, _BEND_REACH = 2.0, 1.0, 0.35, 0.35
# Hypotheses of how hard the light is: its standard deviation, the part of two people's difference that is then left to the
# people, and the logarithm of its odds before anything is seen. Each counts by its evidence. The last value is the reach of the
# hard light's broad half.
_HYPOTHESES, _BROAD = ((0.0, 1.0, 0.0), (0.1, 1.0, -2.0), (0.25, 1.0, -8.0), (0.5, 0.3, -10.0), (0.9, 0.1, -10.0)), 0.2
# Noise of a trusted tone, and of one that is trusted by half.
_NOISE, _DOUBT = 0.03, 0.3
# Trust below which a tone does not count.
_DOUBTFUL = 0.3
# Ridge of the colour's first-order fit, as a part of the trust, and the deviation at which a tone loses weight.
_RIDGES = np.array([0.0, 0.002, 0.002, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02])
_FITS, _OUTLIER, _COLOR_TERMS = 5, 0.25, 4
# Reach along the seam of what is left at it, and the deviation from the seam's median up to which it counts in full.
_SEAM_REACH, _SEAM_OUTLIER = 0.12, 0.35


@dataclass(frozen=True)
class LightMatch:
    """What makes the new face's tones the plate's, in natural logarithm, three channels each.

    Attributes
    ----------
    light : ToneField
        The light on the face.
    seam : ToneField
        What is left at the outline.
    """

    light: ToneField
    seam: ToneField


def match_light(
    generated: SkinTones,
    plate: SkinTones,
    face: Face,
    *,
    scale: float,
    luminance: float = 1.0,
    color: float = 1.0,
    pixel_aspect: float = 1.0,
) -> LightMatch | None:
    """Find the light by which the plate's face differs from the generated one.

    Parameters
    ----------
    generated, plate : SkinTones
        The tones of the two faces.
    face : Face
        The face; its normals and places are used.
    scale : float
        Finest scale of hard light that is followed, as a fraction of the face's size.
    luminance, color : float
        Strengths 0..1 of the light's mean over the channels, and of the channels' differences from it.
    pixel_aspect : float
        Width of a pixel over its height.

    Returns
    -------
    LightMatch or None
        None where no tone can be compared.
    """
    trust = np.clip((generated.trust * plate.trust - _DOUBTFUL) / (1 - _DOUBTFUL), 0.0, 1.0)
    if float(trust.sum()) < 4.0:
        return None
    ratio = plate.log - generated.log
    places = tone_places(face) * (pixel_aspect / face.size, 1.0 / face.size)
    terms = _orders(normals(unsqueezed(face.points, pixel_aspect))[tone_points()])
    mean = ratio.mean(axis=1, keepdims=True)
    followed = _likely_light(places, mean[:, 0], trust, scale)[:, None]
    tint = _robust_fit(terms[:, :_COLOR_TERMS], ratio - mean, trust)
    light = smooth_field(places, luminance * followed + color * tint, np.maximum(trust, 0.2), scale)
    edge = edge_points()
    return LightMatch(light, _seam_field(places[edge], (ratio - light.at(places))[edge], trust[edge]))


def soft_light(places: np.ndarray, ratio: np.ndarray, trust: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return the most likely soft light (n,) in a log ratio (n,), where `people` (n, n) is the people's covariance."""
    light = _soft_covariance(places, trust)
    return light @ np.linalg.solve(light + people + _noise(trust), ratio)


def _soft_covariance(places: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Return the covariance (n, n) of soft light: a level, a slope, and what bends it."""
    square = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    away = places - np.average(places, axis=0, weights=trust + 1e-12)
    return _LEVEL**2 + _SLOPE**2 * away @ away.T + _BEND**2 * np.exp(square * (-0.5 / _BEND_REACH**2))


def _noise(trust: np.ndarray) -> np.ndarray:
    """Return the covariance (n, n) of the tones' noise: large where a tone is hardly trusted."""
    return np.diag(_NOISE**2 + _DOUBT**2 * (1 / np.maximum(trust, 1e-5) - 1))


def _likely_light(places: np.ndarray, ratio: np.ndarray, trust: np.ndarray, scale: float) -> np.ndarray:
    """Return the most likely light (n,) in a log ratio (n,) of two people's luminance, for all hardnesses by their evidence."""
    square = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    low, noise = _soft_covariance(places, trust), _noise(trust)
    hard = 0.5 * (np.exp(square * (-0.5 / scale**2)) + np.exp(square * (-0.5 / _BROAD**2)))
    found, evidence = [], []
    for deviation, left, odds in _HYPOTHESES:
        light = low + deviation**2 * hard
        root = np.linalg.cholesky(light + left * _people() + noise)
        white = np.linalg.solve(root, ratio)
        found.append(light @ np.linalg.solve(root.T, white))
        evidence.append(odds - 0.5 * white @ white - np.log(np.diag(root)).sum())
    weight = np.exp(np.array(evidence) - max(evidence))
    return weight @ np.array(found) / weight.sum()


@cache
def _people() -> np.ndarray:
    """Load how the tones of two people's skin differ where light does not, float64 (112, 112)."""
    with np.load(Path(__file__).parent / "skin_tones.npz") as table:
        return 2 * table["people"].astype(np.float64)


def _seam_field(places: np.ndarray, left: np.ndarray, trust: np.ndarray) -> ToneField:
    """Fit what is `left` (n, 3) at the outline; a value far from the others is hair or background, not skin."""
    believed = trust > 0.1
    usual = np.median(left[believed], axis=0) if believed.any() else np.zeros(3)
    away = np.abs(left - usual).max(axis=1)
    return smooth_field(places, left, trust * np.clip(2.0 - away / _SEAM_OUTLIER, 0.0, 1.0), _SEAM_REACH)


def _orders(normal: np.ndarray) -> np.ndarray:
    """Return the real spherical harmonics to the second order, not normalised, of unit `normal` (n, 3): (n, 9)."""
    x, y, z = normal[:, 0], normal[:, 1], -normal[:, 2]
    return np.column_stack([np.ones(len(x)), x, y, z - 1, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1])


def _robust_fit(terms: np.ndarray, values: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Fit `values` (n, c) with `terms` (n, k) by reweighted least squares; return the fitted values (n, c)."""
    weight, fitted = trust, np.zeros_like(values)
    for _ in range(_FITS):
        weighted = terms * weight[:, None]
        ridge = np.diag(_RIDGES[: terms.shape[1]]) * weight.sum()
        fitted = terms @ np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ values)
        weight = trust / (1.0 + (np.abs(values - fitted).max(axis=1) / _OUTLIER) ** 2)
    return fitted
