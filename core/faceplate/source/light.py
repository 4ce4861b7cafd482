"""The light of one picture: low order on the surface's normals, and shadows and hot spots in luminance.

Order 2 of the spherical harmonics in luminance and order 1 in colour (R. Ramamoorthi and P. Hanrahan, "An efficient
representation for irradiance environment maps", SIGGRAPH 2001), fitted to the logarithm, where the skin's own colour is a
constant. What is left over belongs to the person where it is small, where both sides of the face have it, or where
pictures under different lights agree on it: eye sockets, stubble, make-up. The rest is a shadow or a hot spot and is
light too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.shape import bare_skin, head_model, light_orders, normals
from faceplate.source.photograph import Photograph

__all__ = [
    "LUMINANCE",
    "Light",
    "SkinSamples",
    "agreed_shading",
    "find_light",
    "light_over_grid",
    "sample_skin",
    "without_hair_shade",
]

LUMINANCE = np.array([0.27, 0.67, 0.06], np.float32)
"""Weights of the channels in a luminance of logarithms; near those of the usual working spaces."""

# Standard deviation of the Gaussian under which skin is read at a point, as a fraction of the face's size.
_READ_SIGMA = 0.018
# Number of robust fits, and the deviation in natural logarithm at which a point has half its weight.
_FITS, _OFF = 6, 0.25
# Ridge of each term: constant, slopes, and order 2. A face shows half of the sphere only, so the last are held.
_RIDGE = np.array([0.0, 5e-4, 5e-4, 5e-3, 2e-2, 2e-2, 2e-2, 2e-2, 2e-2])
# Weight with which the light of points that were not seen is held to order 1, in parts of the mean weight.
_HELD = 0.3
# Weight of the skin that a beard can cover.
_BEARD_WEIGHT = 0.25
# Standard deviation of the Gaussian, in units of the head model, within which shadows are smoothed; a face is 2.9 high.
_SHADOW_SIGMA = 0.15
# A deviation of the skin, in natural logarithm, up to which it is the face's own modelling, and from which it is light.
_OWN, _SHADOW = 0.10, 0.28
# Spread of the pictures' light slopes, in natural logarithm, at which what they agree on is taken to be the person.
_DIVERSE = 0.25
# Reach of the shade that hair casts beside itself, as a fraction of the face's size.
_HAIR_SHADE = 0.06
# Softness of the light between the points, as a fraction of the face's size.
_SOFT = 0.02


@dataclass(frozen=True)
class SkinSamples:
    """The skin of one picture, read around each of the mesh's points.

    Attributes
    ----------
    values : np.ndarray
        float64 (478, 3), its logarithm.
    weight : np.ndarray
        float64 (478,), 0..1: how much skin there is, times the cosine of the surface to the view.
    terms : np.ndarray
        float64 (478, 9), the spherical harmonics of the surface's normals.
    """

    values: np.ndarray
    weight: np.ndarray
    terms: np.ndarray

    @property
    def luminance(self) -> np.ndarray:
        """Luminance of the logarithms, float64 (478,)."""
        return self.values @ LUMINANCE


@dataclass(frozen=True)
class Light:
    """The light of one picture at the mesh's points.

    Attributes
    ----------
    low : np.ndarray
        float64 (478, 3), the low-order light in natural logarithm, with the skin's mean colour.
    shadow : np.ndarray
        float64 (478,), shadows (below 0) and hot spots (above 0) in luminance.
    residual : np.ndarray
        float64 (478,), what the low order leaves of the skin's luminance, smoothed; 0 where no skin was seen.
    slopes : np.ndarray
        float64 (3,), the light's slopes per unit of the normal.
    """

    low: np.ndarray
    shadow: np.ndarray
    residual: np.ndarray
    slopes: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        """Both parts together, float32 (478, 3)."""
        return (self.low + self.shadow[:, None]).astype(np.float32)


def without_hair_shade(light: Light, photograph: Photograph, hair: np.ndarray) -> np.ndarray:
    """Return a picture's light without the shade that the person's own hair casts beside itself, float32 (478, 3).

    `hair` float32 (gh, gw), 0..1, says where it hides the face. It is not put on, so that its shade would stand there alone.
    """
    around = cv2.GaussianBlur(hair, (0, 0), _HAIR_SHADE * photograph.cells, borderType=cv2.BORDER_REPLICATE)
    beside = np.clip(2.0 * photograph.at_points(around).astype(np.float64).reshape(-1), 0.0, 1.0)
    shade = np.minimum(light.shadow, 0.0) * beside
    return (light.low + (light.shadow - shade)[:, None]).astype(np.float32)


def sample_skin(photograph: Photograph, skin: np.ndarray) -> SkinSamples:
    """Read the skin of a picture; `skin` float32 (gh, gw), 0..1, says where it shows."""
    sigma = max(_READ_SIGMA * photograph.cells, 0.5)
    held = cv2.GaussianBlur(skin, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    carried = cv2.GaussianBlur(photograph.grid * skin[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    read = photograph.at_points(np.dstack([carried / np.maximum(held, 1e-6)[..., None], held])).astype(np.float64)
    weight = np.clip(2 * read[:, 3] - 0.2, 0, 1) * bare_skin() * photograph.geometry.seen
    return SkinSamples(read[:, :3], weight, light_orders(normals(photograph.geometry.square)))


def find_light(samples: SkinSamples, own: np.ndarray | None = None) -> Light:
    """Find the light of one picture.

    Parameters
    ----------
    samples : SkinSamples
        Its skin.
    own : np.ndarray, optional
        float64 (478,), the person's own shading in luminance (`agreed_shading`). Without it the picture's two sides
        decide alone.
    """
    low, slopes = _fit_low_order(samples, own if own is not None else np.zeros(len(samples.weight)))
    residual = _smoothed(samples.luminance - low @ LUMINANCE, samples.weight)
    if own is None:
        own = _on_both_sides(residual, samples.weight)
        low, slopes = _fit_low_order(samples, own)
        residual = _smoothed(samples.luminance - low @ LUMINANCE, samples.weight)
    apart = residual - own
    amount = np.clip((np.abs(apart) - _OWN) / (_SHADOW - _OWN), 0.0, 1.0)
    shadow = _smoothed(apart * amount * amount * (3 - 2 * amount), np.ones(len(apart)), 0.4)
    return Light(low, shadow, residual, slopes)


def agreed_shading(lights: list[Light], weights: list[np.ndarray]) -> np.ndarray:
    """Compute what the pictures of one person agree on beside their low-order light, float64 (478,): the person's own shading.

    Under one and the same light the pictures agree on its shadows too; then only what both sides of the face show
    counts.
    """
    residual, weight = np.stack([light.residual for light in lights]), np.stack(weights)
    order = np.argsort(residual, axis=0)
    ranked = np.cumsum(np.take_along_axis(weight + 1e-9, order, axis=0), axis=0)
    middle = (ranked >= ranked[-1] / 2).argmax(axis=0)
    median = np.take_along_axis(residual, np.take_along_axis(order, middle[None], axis=0), axis=0)[0]
    slopes = np.stack([light.slopes for light in lights])
    diverse = float(np.clip(np.linalg.norm(slopes.std(axis=0)) / _DIVERSE, 0.0, 1.0))
    return diverse * median + (1 - diverse) * _on_both_sides(median, weight.max(axis=0))


def light_over_grid(photograph: Photograph, light: np.ndarray) -> np.ndarray:
    """Spread the light at the points (478, 3) over the grid and beyond the mesh, float32 (gh, gw, 3)."""
    return photograph.over_grid(light, _SOFT)


def _fit_low_order(samples: SkinSamples, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the low-order light, float64 (478, 3), and its slopes; robust against the person's darker and lighter places."""
    base = np.maximum(samples.weight, 1e-6) * _beardless()
    luma, first = samples.luminance, samples.terms[:, :4]
    trust, line = _robust(first, luma - own, base, first @ np.zeros(4), 0 * base)
    # Where no skin was seen, order 2 would swing freely; it is held to order 1 there.
    held = _HELD * (1 - np.clip(samples.weight, 0, 1)) * trust.mean()
    trust, solution = _robust(samples.terms, luma - own, base, first @ line, held)
    fitted = samples.terms @ solution
    chroma = samples.values - luma[:, None]
    return fitted[:, None] + first @ _solved(first, chroma, trust), solution[1:4]


def _robust(
    terms: np.ndarray, values: np.ndarray, base: np.ndarray, prior: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit `terms` to `values` of weight `base`, and to `prior` of weight `held`; return the last weights and the solution."""
    trust, solution = base.copy(), np.zeros(terms.shape[1])
    for _ in range(_FITS):
        total = trust + held
        solution = _solved(terms, (values * trust + prior * held) / total, total)
        trust = base / (1.0 + ((values - terms @ solution) / _OFF) ** 2)
    return trust, solution


def _on_both_sides(residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the smaller of a residual and its mirror image where their signs agree, else 0; float64 (478,).

    A point whose mirror image was not seen keeps its own value: nothing says that it is light.
    """
    opposite = head_model().mirror
    other = residual[opposite]
    both = np.where(residual * other > 0, np.sign(residual) * np.minimum(np.abs(residual), np.abs(other)), 0.0)
    known = np.clip(4 * _smoothed(weight, np.ones(len(weight)))[opposite] - 0.2, 0.0, 1.0)
    return known * both + (1 - known) * residual


def _smoothed(values: np.ndarray, weight: np.ndarray, part: float = 1.0) -> np.ndarray:
    """Smooth values (478,) over the head with a Gaussian of `part` of the shadows' size, weighted."""
    kernel = _kernel(part) * weight
    total = kernel.sum(axis=1)
    return (kernel @ values) / (total + 0.02)


@cache
def _kernel(part: float) -> np.ndarray:
    """Return the Gaussian between all points of the mean head, float64 (478, 478)."""
    head = head_model().reference
    apart = ((head[:, None] - head[None]) ** 2).sum(axis=2)
    return np.exp(-apart / (2 * (part * _SHADOW_SIGMA) ** 2))


def _solved(terms: np.ndarray, values: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Solve the weighted least squares with the ridge of the terms."""
    weighted = terms * trust[:, None]
    ridge = np.diag(_RIDGE[: terms.shape[1]]) * trust.sum()
    return np.linalg.solve(weighted.T @ terms + ridge + 1e-12 * np.eye(terms.shape[1]), weighted.T @ values)


@cache
def _beardless() -> np.ndarray:
    """Return the weight of each point in the fit, float64 (478,): low where a beard grows."""
    head, mesh = head_model().reference, topology()
    mouth = head[mesh.lips_loop, 1].mean()
    nose = head[mesh.nose, 1].max()
    below = np.clip((head[:, 1] - nose) / (mouth - nose), 0.0, 1.0)
    return 1.0 - (1.0 - _BEARD_WEIGHT) * below
