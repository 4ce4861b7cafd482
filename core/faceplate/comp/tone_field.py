"""A smooth field through values at the tones' places: what is known at some points of a face, continued over its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = ["ToneField", "smooth_field"]

# Cells per face of the grid on which a field is evaluated; it has no finer detail.
_CELLS = 40.0
# Least trust with which a value enters, and the variance of a trusted one as a part of the field's.
_LEAST_TRUST, _NOISE = 1e-3, 0.02


@dataclass(frozen=True)
class ToneField:
    """A field: a plane, and Gaussians at the tones' places on top of it.

    Attributes
    ----------
    places : np.ndarray
        float64 (n, 2), in units of the face's size.
    plane : np.ndarray
        float64 (3, c): the field's value at the places' mean, and its slopes.
    heights : np.ndarray
        float64 (n, c), the Gaussians' heights.
    reach : float
        Their standard deviation, in units of the face's size.
    """

    places: np.ndarray
    plane: np.ndarray
    heights: np.ndarray
    reach: float

    def at(self, places: np.ndarray) -> np.ndarray:
        """Evaluate the field at `places` (m, 2), in units of the face's size: float64 (m, c)."""
        return _terms(places, self.places) @ self.plane + _kernel(places, self.places, self.reach) @ self.heights

    def on(self, window: Window, size: float, pixel_aspect: float = 1.0) -> np.ndarray:
        """Evaluate the field on the pixels of `window`, float32 (h, w, c); `size` is the face's in pixels."""
        columns = max(int(np.ceil(window.width * pixel_aspect / size * _CELLS)), 2)
        rows = max(int(np.ceil(window.height / size * _CELLS)), 2)
        x = (window.x + (np.arange(columns) + 0.5) * window.width / columns) * pixel_aspect / size
        y = (window.y + (np.arange(rows) + 0.5) * window.height / rows) / size
        # On a grid the Gaussians are products of one in x and one in y.
        across, down = (_bell(axis, self.places[:, k], self.reach) for k, axis in enumerate((x, y)))
        middle = self.places.mean(axis=0)
        values = np.empty((rows, columns, self.plane.shape[1]), np.float32)
        for channel, (constant, by_x, by_y) in enumerate(self.plane.T):
            plane = constant + by_x * (x - middle[0]) + by_y * (y - middle[1])[:, None]
            values[..., channel] = plane + down @ (self.heights[:, channel, None] * across.T)
        enlarged = cv2.resize(values, (window.width, window.height), interpolation=cv2.INTER_CUBIC)
        return enlarged.reshape(window.height, window.width, -1)


def smooth_field(places: np.ndarray, values: np.ndarray, trust: np.ndarray, reach: float) -> ToneField:
    """Fit a field to `values` (n, c) at `places` (n, 2), by kriging: a plane, and Gaussians where trusted values leave it.

    The best linear prediction under a Gaussian covariance (C. Rasmussen and C. Williams, "Gaussian Processes for Machine
    Learning", MIT Press 2006, section 2.2). Where nothing is trusted the field returns to the plane.

    Parameters
    ----------
    places : np.ndarray
        (n, 2), in units of the face's size.
    values : np.ndarray
        (n, c).
    trust : np.ndarray
        (n,), 0..1.
    reach : float
        Standard deviation of the covariance, in units of the face's size.
    """
    believed = np.maximum(trust, _LEAST_TRUST)
    terms = _terms(places, places)
    weighted = terms * believed[:, None]
    ridge = np.diag([0.0, 1e-3, 1e-3]) * believed.sum()
    plane = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ values)
    covariance = _kernel(places, places, reach) + np.diag(_NOISE / believed)
    # A covariance with this noise is far from singular. OpenCV solves it on the calling thread: a pool of threads, waited for
    # on a machine whose cores are busy with other frames, takes many times as long.
    _, heights = cv2.solve(covariance, values - terms @ plane, flags=cv2.DECOMP_CHOLESKY)
    return ToneField(places, plane, heights, reach)


def _terms(places: np.ndarray, centres: np.ndarray) -> np.ndarray:
    away = places - centres.mean(axis=0)
    return np.column_stack([np.ones(len(away)), away])


def _kernel(places: np.ndarray, centres: np.ndarray, reach: float) -> np.ndarray:
    """Evaluate a Gaussian at each of `centres` (n, 2) at each of `places` (m, 2): float64 (m, n)."""
    return _bell(places[:, 0], centres[:, 0], reach) * _bell(places[:, 1], centres[:, 1], reach)


def _bell(places: np.ndarray, centres: np.ndarray, reach: float) -> np.ndarray:
    return np.exp((places[:, None] - centres) ** 2 * (-0.5 / reach**2))
