"""Sharpness of a face along a track: its edges' text in the track file, and their softness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.comp.edge_energy import ENERGY_SCALES, energy_from, energy_to
from faceplate.comp.edge_widths import DIRECTIONS, SCALES, EdgeWidths
from faceplate.track import mesh_codec

__all__ = [
    "between_softness",
    "pack_edges",
    "smooth_softness",
    "unpack_edges",
]

# Steps per unit of the ratios, the weights and the energies' logarithms in the track file.
_RATIO_STEPS, _WEIGHT_STEPS, _ENERGY_STEPS = 256.0, 15.0, 64.0
# Standard deviations in frames of the Gaussians over time, and of the one over their choice.
_WIDTHS, _LEVEL_WIDTH = (0.7, 1.1, 1.7, 2.5), 1.5
# Difference of two smoothed values, over the scatter of the narrower, up to which they agree, and the least scatter of a logarithm.
_AGREES, _LEAST_NOISE = 1.5, 0.01


def pack_edges(edges: EdgeWidths | None) -> str | None:
    """Encode edges as the track file's text."""
    if edges is None:
        return None
    told = [edges.ratios.ravel() * _RATIO_STEPS, edges.weights.ravel() * _WEIGHT_STEPS]
    if edges.energy is not None:
        told.append(energy_to(edges.energy).ravel() * _ENERGY_STEPS)
    return mesh_codec.pack_numbers(np.concatenate(told), 1.0)


def unpack_edges(text: str | None) -> EdgeWidths | None:
    """Decode the text of `pack_edges`. Raises `ValueError` for invalid text."""
    if text is None:
        return None
    whole, energies = 2 * SCALES * DIRECTIONS, 4 * len(ENERGY_SCALES)
    told, count = _numbers(text, (whole + energies, whole, whole - 2 * DIRECTIONS))
    energy = energy_from(told[whole:].reshape(-1, 4) / _ENERGY_STEPS) if count > whole else None
    told = told[:whole].reshape(2, -1, DIRECTIONS)
    if count < whole:  # a track made before the narrowest pair was measured: it has no weight
        told = np.pad(told, ((0, 0), (1, 0), (0, 0)))
    return EdgeWidths(told[0] / _RATIO_STEPS, np.clip(told[1] / _WEIGHT_STEPS, 0.0, 1.0), energy)


def _numbers(text: str, counts: Sequence[int]) -> tuple[np.ndarray, int]:
    """Decode a text that holds one of these counts of numbers, and return the count. Raises `ValueError` for another one."""
    for count in counts[:-1]:
        try:
            return mesh_codec.unpack_numbers(text, count, 1.0), count
        except ValueError:
            continue
    return mesh_codec.unpack_numbers(text, counts[-1], 1.0), counts[-1]


def smooth_softness(
    frames: Sequence[int], softness: Sequence[float], trust: Sequence[float], wanted: Sequence[int]
) -> list[float]:
    """Smooth the softness of one span over time and return it for each of the `wanted` frames.

    A median of five frames removes what single frames show. Lines fitted under Gaussians of several widths make the rest smooth;
    each frame takes the widest that agrees with the narrower ones within the measurement's own scatter (O. V. Lepski, 1991), so
    that a quick rack of the focus is followed. All is centred and weighs by `trust`.
    """
    at, values = np.asarray(frames, np.float64), np.log(np.asarray(softness))
    trusted, places = np.maximum(np.asarray(trust), 1e-3), np.asarray(wanted, np.float64)
    steady = np.array([np.median(values[max(k - 2, 0) : k + 3]) for k in range(len(values))])
    fits = [_lines(at, steady, trusted, places, width) for width in _WIDTHS]
    noise = max(_scatter(values), _LEAST_NOISE)
    level, agrees = np.zeros(len(places)), np.ones(len(places), bool)
    for k in range(1, len(fits)):
        for narrow, share in fits[:k]:
            agrees &= np.abs(fits[k][0] - narrow) <= _AGREES * noise * share
        level[agrees] = k
    level = np.array([level[max(k - 1, 0) : k + 2].min() for k in range(len(level))])
    near = np.exp(-0.5 * ((places[:, None] - places) / _LEVEL_WIDTH) ** 2)
    level = near @ level / near.sum(axis=1)
    low = np.minimum(level.astype(int), len(fits) - 2)
    part, rows, found = level - low, np.arange(len(places)), np.array([fit for fit, _ in fits])
    return np.exp(found[low, rows] * (1 - part) + found[low + 1, rows] * part).tolist()


def _lines(
    at: np.ndarray, values: np.ndarray, trust: np.ndarray, places: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a line around each of `places` (m,) under a Gaussian of `width` frames.

    Returns its values there and their standard deviations over that of a single value, (m,) each.
    """
    apart = at - places[:, None]
    near = (np.exp(-0.5 * (apart / width) ** 2) + 1e-9) * trust
    whole, first, second = (near.sum(axis=1), (near * apart).sum(axis=1), (near * apart**2).sum(axis=1))
    second = second + 1e-3 * width**2 * whole  # level where a single frame tells no slope
    share = near * (second[:, None] - first[:, None] * apart) / (second * whole - first**2)[:, None]
    return share @ values, np.sqrt((share**2).sum(axis=1))


def _scatter(values: np.ndarray) -> float:
    """Return the standard deviation of what changes from frame to frame in `values` (n,): third differences leave a pull out."""
    if len(values) < 5:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, 3))) / np.sqrt(20.0))


def between_softness(first: float | None, second: float | None, part: float) -> float | None:
    """Interpolate between two softnesses, `part` 0 at the first; where one is None, return the other."""
    if first is None or second is None:
        return first if second is None else second
    return first + part * (second - first)
