"""Relighting: the new face takes the plate's light, measured as the ratio of the two faces' tones.

The ratio is light and a difference of two people. Light on a smooth surface is low-order in the surface's normal (R. Ramamoorthi
and P. Hanrahan, "An efficient representation for irradiance environment maps", SIGGRAPH 2001); a shadow's edge or a hot spot is
a smooth field on top of it. How people's tones differ was measured on invented people (`bench/people/make_skin_model.py`). All
are Gaussian, so the most likely light is a linear function of the ratio, and how hard the light is follows from the evidence
(C. Rasmussen and C. Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, chapters 2 and 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from faceplate.comp.beards import grey_beard
from faceplate.comp.light_prior import BENT, EVEN, lamp_covariance, light_patterns, soft_covariance
from faceplate.comp.skin_tones import SkinTones, below_nose, edge_points, tone_places, tone_points
from faceplate.comp.tone_field import ToneField, smooth_field
from faceplate.face import Face
from faceplate.face.shape import head_model, light_orders, normals, unsqueezed

__all__ = ["LightMatch", "match_light", "soft_light"]

# Hypotheses of the light: how far it bends, and the kind of a lamp beside it. To each the likely patterns of light are added so
# many times, of a standard deviation in natural logarithm, and each time costs some of the logarithm of its odds.
_HYPOTHESES, _ADDED, _PATTERN, _ODDS = ((EVEN, None), (BENT, None), (BENT, 0), (BENT, 1)), 3, 1.6, -3.0
# Covariance of two people's difference over that of one, beside their modelling: how far two faces with the same light are
# darker and brighter, alike on both sides, in natural logarithm, and its reach in units of the head model; a face is 2.9 high.
_TWO_PEOPLE, _MODELLING, _MODELLING_REACH = 1.3, 0.2, 0.5
# The evidence's logarithm is divided by this: tones near each other err together, so that they know less than they count, and
# what is believed must not change at once from one frame to the next.
_TEMPER = 6.0
# Noise of a trusted tone, and of one that is trusted by half.
_NOISE, _DOUBT = 0.08, 0.3
# Trust below which a tone does not count.
_DOUBTFUL = 0.3
# Ridge of the colour's first-order fit, as a part of the trust, and the deviation at which a tone loses weight.
_RIDGES = np.array([0.0, 0.002, 0.002, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02])
_FITS, _OUTLIER, _COLOR_TERMS = 5, 0.25, 4
# What a grey beard of either face adds to these ridges: then hardly any colour runs from top to bottom. It is the beard's.
_BEARDED = np.array([0.0, 0.0, 0.5, 0.0])
# Reach, in units of the face's size, over which normals are averaged for the colour. Light that hair and set throw on the face's
# outline does not reach the sides of the nose, although they are turned as far.
_COLOR_REACH = 0.12
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
    normal = normals(unsqueezed(face.points, pixel_aspect))[tone_points()]
    terms = light_orders(_averaged(normal, places))
    mean = ratio.mean(axis=1, keepdims=True)
    followed = _likely_light(places, normal, mean[:, 0], trust, scale)[:, None]
    beard = max(grey_beard(generated), grey_beard(plate))
    ridges = _RIDGES[:_COLOR_TERMS] + _BEARDED * beard
    tint = _robust_fit(terms[:, :_COLOR_TERMS], ratio - mean, trust * (1.0 - beard * below_nose()), ridges)
    light = smooth_field(places, luminance * followed + color * tint, np.maximum(trust, 0.2), scale)
    edge = edge_points()
    left = (ratio - light.at(places))[edge]
    # A beard keeps its own colour up to the outline.
    left -= (beard * below_nose()[edge])[:, None] * (left - left.mean(axis=1, keepdims=True))
    return LightMatch(light, _seam_field(places[edge], left, trust[edge]))


def soft_light(places: np.ndarray, ratio: np.ndarray, trust: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return the most likely soft light (n,) in a log ratio (n,), where `people` (n, n) is the people's covariance."""
    light = soft_covariance(places, trust)
    return light @ np.linalg.solve(light + people + _noise(trust), ratio)


def _averaged(normal: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return unit normals (n, 3) averaged over the neighbours in `places` (n, 2)."""
    square = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    mean = np.exp(square * (-0.5 / _COLOR_REACH**2)) @ normal
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def _noise(trust: np.ndarray) -> np.ndarray:
    """Return the covariance (n, n) of the tones' noise: large where a tone is hardly trusted."""
    return np.diag(_NOISE**2 + _DOUBT**2 * (1 / np.maximum(trust, 1e-5) - 1))


def _likely_light(
    places: np.ndarray, normal: np.ndarray, ratio: np.ndarray, trust: np.ndarray, scale: float
) -> np.ndarray:
    """Return the most likely light (n,) in a log ratio (n,) of two people's luminance: all hypotheses' by their evidence."""
    rest, patterns = _people() + _noise(trust), light_patterns(places, scale)
    soft = {bend: soft_covariance(places, trust, bend) for bend in (EVEN, BENT)}
    found, evidence = [], []
    for bend, lamp in _HYPOTHESES:
        covariance = soft[bend] if lamp is None else soft[bend] + lamp_covariance(normal, lamp)
        for light, odds in _with_patterns(covariance, rest, ratio, patterns):
            found.append(light)
            evidence.append(odds)
    return _softmax(np.array(evidence)) @ np.array(found)


def _with_patterns(
    covariance: np.ndarray, rest: np.ndarray, ratio: np.ndarray, patterns: np.ndarray
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the light (n,) and its log evidence for its `covariance` (n, n) over that of the `rest`, with ever more patterns.

    The evidence of every one of the `patterns` (n, m) follows from the inverse without it (Sherman and Morrison); their mean by
    evidence joins the covariance.
    """
    odds, power = 0.0, _PATTERN**2
    single = patterns.astype(np.float32)  # enough for weights that sum to 1, and twice as fast
    for added in range(_ADDED + 1):
        whole = covariance + rest
        root = np.linalg.cholesky(whole)
        size = float(np.log(np.diag(root)).sum())
        if added == _ADDED:
            explained = np.linalg.solve(whole, ratio)
            yield covariance @ explained, odds - 0.5 * float(ratio @ explained) - size
            return
        white = _inverse(root)
        seen = white @ ratio
        yield covariance @ (white.T @ seen), odds - 0.5 * float(seen @ seen) - size
        odds += _ODDS
        whitened = white.astype(np.float32) @ single
        gain = 1.0 + power * np.einsum("ij,ij->j", whitened, whitened)
        along = (seen.astype(np.float32) @ whitened).astype(np.float64)
        likely = _softmax(0.5 * power * along**2 / gain - 0.5 * np.log(gain))
        drawn = patterns * np.sqrt(power * likely)
        covariance = covariance + drawn @ drawn.T


def _inverse(root: np.ndarray) -> np.ndarray:
    """Return the inverse of a lower triangular matrix (n, n) by quarters, in half the time of one that may be of any kind."""
    half = len(root) // 2
    upper, lower = np.linalg.inv(root[:half, :half]), np.linalg.inv(root[half:, half:])
    return np.block([[upper, np.zeros_like(root[:half, half:])], [-lower @ (root[half:, :half] @ upper), lower]])


def _softmax(evidence: np.ndarray) -> np.ndarray:
    """Return weights (n,) that sum to 1 from log evidence (n,)."""
    weight = np.exp((evidence - evidence.max()) / _TEMPER)
    return weight / weight.sum()


@cache
def _people() -> np.ndarray:
    """Return how the tones of two people's skin differ where light does not, float64 (112, 112).

    Sockets, cheeks and chin model a face alike on both sides, and light seldom does.
    """
    with np.load(Path(__file__).parent / "skin_tones.npz") as table:
        own = table["people"].astype(np.float64)
    head = head_model().reference[tone_points()]
    sides = (head, head * (-1.0, 1.0, 1.0))
    square = np.stack([((head[:, None] - side[None]) ** 2).sum(axis=2) for side in sides])
    alike = np.exp(square * (-0.5 / _MODELLING_REACH**2)).mean(axis=0)
    return _TWO_PEOPLE * own + _MODELLING**2 * alike


def _seam_field(places: np.ndarray, left: np.ndarray, trust: np.ndarray) -> ToneField:
    """Fit what is `left` (n, 3) at the outline; a value far from the others is hair or background, not skin."""
    believed = trust > 0.1
    usual = np.median(left[believed], axis=0) if believed.any() else np.zeros(3)
    away = np.abs(left - usual).max(axis=1)
    return smooth_field(places, left, trust * np.clip(2.0 - away / _SEAM_OUTLIER, 0.0, 1.0), _SEAM_REACH)


def _robust_fit(terms: np.ndarray, values: np.ndarray, trust: np.ndarray, ridges: np.ndarray) -> np.ndarray:
    """Fit `values` (n, c) with `terms` (n, k) by reweighted least squares with `ridges` (k,); return the fit (n, c)."""
    weight, fitted = trust, np.zeros_like(values)
    for _ in range(_FITS):
        weighted = terms * weight[:, None]
        ridge = np.diag(ridges) * weight.sum()
        fitted = terms @ np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ values)
        weight = trust / (1.0 + (np.abs(values - fitted).max(axis=1) / _OUTLIER) ** 2)
    return fitted
