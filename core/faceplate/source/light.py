"""The light of one picture: low order on the surface's normals, in the logarithm of the skin.

Order 2 of the spherical harmonics in luminance and order 1 in colour (R. Ramamoorthi and P. Hanrahan, "An efficient
representation for irradiance environment maps", SIGGRAPH 2001), fitted to the logarithm, where the skin's own colour is a
constant. What the person has (eye sockets, stubble, make-up) is of higher order and stays.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.face import topology
from faceplate.face.shape import head_model, normals
from faceplate.source.photograph import Photograph
from faceplate.source.views import bare_skin

__all__ = ["LUMINANCE", "fit_light", "light_over_grid", "skin_at_points"]

LUMINANCE = np.array([0.27, 0.67, 0.06], np.float32)
"""Weights of the channels in a luminance of logarithms; near those of the usual working spaces."""

# Standard deviation of the Gaussian under which skin is read at a point, as a fraction of the face's size.
_READ_SIGMA = 0.018
# Number of robust fits, and the deviation in natural logarithm at which a point has half its weight.
_FITS, _OFF = 6, 0.25
# Ridge of each term: constant, slopes, and order 2. A face shows half of the sphere only, so the last are held.
_RIDGE = np.array([0.0, 2e-3, 2e-3, 2e-2, 2e-2, 2e-2, 2e-2, 2e-2, 2e-2])
# Weight of the skin that a beard can cover.
_BEARD_WEIGHT = 0.25
# Softness of the light between the points, as a fraction of the face's size.
_SOFT = 0.02


def skin_at_points(photograph: Photograph, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read the skin around each point.

    Parameters
    ----------
    photograph : Photograph
        The picture.
    skin : np.ndarray
        float32 (gh, gw), 0..1, where skin shows.

    Returns
    -------
    values : np.ndarray
        float64 (478, 3), the logarithm of the skin near each point.
    weight : np.ndarray
        float64 (478,), how much skin that is, 0..1, times the cosine of the surface to the view.
    """
    sigma = max(_READ_SIGMA * photograph.cells, 0.5)
    held = cv2.GaussianBlur(skin, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    carried = cv2.GaussianBlur(photograph.grid * skin[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    read = photograph.at_points(np.dstack([carried / np.maximum(held, 1e-6)[..., None], held])).astype(np.float64)
    return read[:, :3], np.clip(2 * read[:, 3] - 0.2, 0, 1) * bare_skin() * photograph.geometry.seen


def fit_light(photograph: Photograph, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fit the light to skin `values` (478, 3) of `weight` (478,): float64 (478, 3), the log light at every point.

    It includes the skin's mean colour, so that what is left has a mean of 0. The fit is robust against the person's
    own darker and lighter places.
    """
    terms = _harmonics(normals(photograph.geometry.square) * (1.0, 1.0, -1.0))
    base = np.maximum(weight, 1e-6) * _beardless()
    luma = values @ LUMINANCE
    trust = base.copy()
    fitted = np.zeros(len(luma))
    for _ in range(_FITS):
        fitted = terms @ _solved(terms, luma, trust)
        trust = base / (1.0 + ((luma - fitted) / _OFF) ** 2)
    chroma = values - luma[:, None]
    first = terms[:, :4]
    return fitted[:, None] + first @ _solved(first, chroma, trust)


def light_over_grid(photograph: Photograph, light: np.ndarray) -> np.ndarray:
    """Spread the light at the points (478, 3) over the grid and beyond the mesh, float32 (gh, gw, 3)."""
    return photograph.over_grid(light, _SOFT)


def _solved(terms: np.ndarray, values: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Solve the weighted least squares with the ridge of the terms."""
    weighted = terms * trust[:, None]
    ridge = np.diag(_RIDGE[: terms.shape[1]]) * trust.sum()
    return np.linalg.solve(weighted.T @ terms + ridge + 1e-12 * np.eye(terms.shape[1]), weighted.T @ values)


def _harmonics(normal: np.ndarray) -> np.ndarray:
    """Evaluate the terms of order 0 to 2 at unit normals (n, 3) that face the camera at z = 1, float64 (n, 9)."""
    x, y, z = normal.T
    one = np.ones_like(x)
    return np.stack([one, x, y, z - 1, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 3], axis=1)


@cache
def _beardless() -> np.ndarray:
    """Return the weight of each point in the fit, float64 (478,): low where a beard grows."""
    head, mesh = head_model().reference, topology()
    mouth = head[mesh.lips_loop, 1].mean()
    nose = head[mesh.nose, 1].max()
    below = np.clip((head[:, 1] - nose) / (mouth - nose), 0.0, 1.0)
    return 1.0 - (1.0 - _BEARD_WEIGHT) * below
