"""How much slope a face's features hold, by scale and direction, and what blur leaves of it.

The mean square of the slope under a Gaussian filter is a power spectrum in a few numbers: one symmetric matrix (the structure
tensor, J. Bigün, G. Granlund, 1987) for each scale, which tells the energy along every direction. Streaks take the energy along the
movement and leave most of that across it; defocus takes both. Beside the ratios of `edge_widths` these are levels, so a frame of a
face can be compared with another frame of the same face, and they stand where streaks leave no edge that could be found.
`edge_energy.npz` holds what known blurs leave, for invented people (`bench/people/make_energy_table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from faceplate.comp.edge_widths import GRID_SIZE, EdgePlaces, quiet_noise, slopes

__all__ = [
    "ENERGY_SCALES",
    "MIRRORED",
    "OWN",
    "EnergyTable",
    "energy_along",
    "energy_from",
    "energy_table",
    "energy_to",
    "grid_length",
    "measure_energy",
    "own_along",
    "own_of",
]

ENERGY_SCALES = (1.0, 2.0, 4.0, 8.0)
"""Standard deviations of the filters, in pixels of a picture in which a face has `edge_widths.GRID_SIZE`."""

OWN = 3 * len(ENERGY_SCALES)
"""Numbers that tell a sharp face from others: for each scale the level and the differences between two pairs of directions."""

MIRRORED = np.tile([1.0, 1.0, -1.0], len(ENERGY_SCALES))
"""Factors on these numbers for a face that is mirrored."""

# Least part of the features that must be visible, and of an energy that is left when noise is taken off.
_CLEAR, _LEAST = 0.6, 0.15
# What of the noise in quiet skin is taken off: the features are darker, and there photons scatter less.
_NOISE = 0.5
# Least energy that is stored: its logarithm must be finite.
_SMALLEST = 1e-9


def measure_energy(pixels: np.ndarray, places: EdgePlaces) -> np.ndarray | None:
    """Measure the energy of a face's slopes.

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w), luminance on `places.grid`, scene-linear.
    places : EdgePlaces
        Where the face's features and its skin are.

    Returns
    -------
    np.ndarray or None
        float64 (4, 4), a row for each scale: the mean square of the slope along x, its mean product with that along y, the mean
        square along y, and what noise has of each square. Over the squared luminance of the skin. None where something hides the
        features or no skin is seen.
    """
    if places.clear < _CLEAR or not places.skin.any():
        return None
    level = float(pixels[places.skin > 0].mean())
    if level <= 0:
        return None
    inside = places.features > 0
    found = np.zeros((len(ENERGY_SCALES), 4))
    for row, sigma in zip(found, ENERGY_SCALES, strict=True):
        x, y = slopes(pixels, sigma)
        noise = quiet_noise(cv2.magnitude(x, y)[::2, ::2], places)
        x, y = x[inside].astype(np.float64), y[inside].astype(np.float64)
        row[:] = (x * x).mean(), (x * y).mean(), (y * y).mean(), noise**2
    return found / level**2


def energy_to(energy: np.ndarray) -> np.ndarray:
    """Return an energy (4, 4) as base-2 logarithms of three directions a third of half a turn apart and of the noise, (4, 4)."""
    xx, xy, yy, noise = energy.T
    across = 0.25 * xx + 0.75 * yy
    told = np.stack([xx, across + np.sqrt(0.75) * xy, across - np.sqrt(0.75) * xy, noise], axis=1)
    return np.log2(np.maximum(told, _SMALLEST))


def energy_from(told: np.ndarray) -> np.ndarray:
    """Return the energy (4, 4) of the logarithms that `energy_to` returned."""
    first, second, third, noise = np.exp2(told).T
    return np.stack([first, (second - third) / np.sqrt(3.0), (2 * (second + third) - first) / 3, noise], axis=1)


def energy_along(energy: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the energy along `angle` and across it without noise, and the noise's part of it.

    `energy` is (..., 4, 4); both results are float64 (..., 4, 2), the first as natural logarithms.
    """
    x, y = np.cos(angle), np.sin(angle)
    xx, xy, yy, noise = np.moveaxis(energy, -1, 0)
    whole = np.stack([xx * x * x + 2 * xy * x * y + yy * y * y, xx * y * y - 2 * xy * x * y + yy * x * x], axis=-1)
    whole = np.maximum(whole, _SMALLEST)
    # Noise falls at least with the square of the filter's width; what falls slower is the skin's own shading.
    falling = noise[..., :1] / np.array(ENERGY_SCALES) ** 2
    noise = _NOISE * np.minimum(noise, falling)[..., None]
    net = np.maximum(whole - noise, _LEAST * whole)
    return np.log(net), noise / net


def own_of(energy: np.ndarray) -> np.ndarray:
    """Return the numbers that tell a sharp face of `energy` (..., 4, 4) from others, float64 (..., OWN)."""
    straight, slanting = (energy_along(energy, angle)[0] for angle in (0.0, np.pi / 4))
    level = straight.mean(axis=-1)
    pairs = ((side[..., 0] - side[..., 1]) / 2 for side in (straight, slanting))
    found = np.stack([level, *pairs], axis=-1)
    return found.reshape(*found.shape[:-2], OWN)


@dataclass(frozen=True)
class EnergyTable:
    """What blur leaves of a face's energy.

    The logarithm of an energy changes by `change` + `share` @ own, where `own` (OWN,) is how a sharp face differs from the `usual`
    one. The first axes of the three are the defocus, the length of the streaks, and the angle of the movement against the face's
    width, from 0 to a right angle; then come the scale, and along and across the movement.

    Attributes
    ----------
    sigmas, lengths : np.ndarray
        Standard deviation of the defocus over the usual sharp face's, and length of the streaks, in pixels of a face of 400.
    change, scatter : np.ndarray
        float64 (sigmas, lengths, 3, 4, 2): the change, and its standard deviation between people.
    share : np.ndarray
        float64 (sigmas, lengths, 3, 4, 2, OWN).
    usual, covariance : np.ndarray
        float64 (OWN,) and (OWN, OWN): the mean sharp face, and the covariance between people.
    """

    sigmas: np.ndarray
    lengths: np.ndarray
    change: np.ndarray
    scatter: np.ndarray
    share: np.ndarray
    usual: np.ndarray
    covariance: np.ndarray

    def at(self, sigmas: np.ndarray, lengths: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Interpolate `change`, `scatter` and `share` to `sigmas` (n,), `lengths` (m,) and an `angle`: (n, m, 4, 2 ...)."""
        turned = (angle + np.pi / 2) % np.pi - np.pi / 2
        angles = np.array([abs(turned) / (np.pi / 4)])
        places = [
            np.interp(at, known, np.arange(len(known)))
            for at, known in ((sigmas, self.sigmas), (lengths, self.lengths))
        ]
        change, scatter, share = (
            _between(_between(_between(table, angles, 2)[:, :, 0], places[0], 0), places[1], 1)
            for table in (self.change, self.scatter, self.share)
        )
        return change, scatter, share * (MIRRORED if turned < 0 else 1.0)


def own_along(own: np.ndarray, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the energies of a face whose numbers are `own` (OWN,), along and across `angles` (n,), and what the numbers change.

    Both are of natural logarithms, the second to first order: float64 (n, 4, 2) and (n, 4, 2, OWN). The inverse of `own_of`.
    """
    level, pair, slant = own.reshape(-1, 3).T[:, None, :, None]
    turn = np.stack([2 * angles, 2 * angles + np.pi], axis=-1)[:, None]
    x, y = np.cos(turn), np.sin(turn)
    whole = np.cosh(pair) * (1 + np.tanh(slant) * y) + np.sinh(pair) * x
    by_pair = (np.sinh(pair) * (1 + np.tanh(slant) * y) + np.cosh(pair) * x) / whole
    by_slant = np.cosh(pair) / np.cosh(slant) ** 2 * y / whole
    rows = np.zeros((*whole.shape, OWN))
    for scale in range(len(ENERGY_SCALES)):
        rows[:, scale, :, 3 * scale] = 1.0
        rows[:, scale, :, 3 * scale + 1] = by_pair[:, scale]
        rows[:, scale, :, 3 * scale + 2] = by_slant[:, scale]
    return level + np.log(whole), rows


@cache
def energy_table() -> EnergyTable:
    """Load the table, once."""
    with np.load(Path(__file__).parent / "edge_energy.npz") as file:
        return EnergyTable(**{name: file[name].astype(np.float64) for name in EnergyTable.__dataclass_fields__})


def grid_length(movement: np.ndarray) -> float:
    """Return the length of a `movement` (2,), in fractions of the face's size, in pixels of a face of `GRID_SIZE`."""
    return float(np.hypot(*movement)) * GRID_SIZE


def _between(table: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Interpolate a table to `places` (n,), in steps of its `axis`."""
    low = np.minimum(places.astype(int), table.shape[axis] - 2)
    part = (places - low).reshape([-1 if k == axis else 1 for k in range(table.ndim)])
    return np.take(table, low, axis) * (1 - part) + np.take(table, low + 1, axis) * part
