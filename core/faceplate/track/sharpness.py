"""Sharpness of a face along a track: its edges' text in the track file, the shutter behind their streaks, and their softness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.comp.edge_widths import DIRECTIONS, SCALES, EdgeWidths, expected_ratios
from faceplate.track import mesh_codec

__all__ = [
    "between_softness",
    "measured_shutter",
    "pack_edges",
    "smooth_softness",
    "unpack_edges",
]

# Steps per unit of the ratios and of the weights in the track file.
_RATIO_STEPS, _WEIGHT_STEPS = 256.0, 15.0
# Shutters that are compared.
_SHUTTERS = np.linspace(0.0, 1.0, 41)
# Speeds, in fractions of the face's size a frame, from which a frame tells the shutter, and above which hardly an edge is left.
_SLOW, _FAST = 0.008, 0.05
# Most frames from which the shutter is found.
_FRAMES = 48
# Standard deviations of the ratios: between people, and from frame to frame of one person.
_PERSON, _FRAME, _LEAST_FRAME = 0.06, 0.06, 0.01
# What an open shutter must explain over one that is not, in units of the ratios' variance, to be believed.
_GAIN = 12.0
# Rounds in which the person's own factors and each frame's defocus are found in turn, and the squared deviation of an outlier.
_ROUNDS, _OUTLIER = 4, 16.0
# Standard deviations in frames of the Gaussians over time, and of the one over their choice.
_WIDTHS, _LEVEL_WIDTH = (0.7, 1.1, 1.7, 2.5), 1.5
# Difference of two smoothed values, over the scatter of the narrower, up to which they agree, and the least scatter of a logarithm.
_AGREES, _LEAST_NOISE = 1.5, 0.01


def pack_edges(edges: EdgeWidths | None) -> str | None:
    """Encode edges as the track file's text."""
    if edges is None:
        return None
    told = np.concatenate([edges.ratios.ravel() * _RATIO_STEPS, edges.weights.ravel() * _WEIGHT_STEPS])
    return mesh_codec.pack_numbers(told, 1.0)


def unpack_edges(text: str | None) -> EdgeWidths | None:
    """Decode the text of `pack_edges`. Raises `ValueError` for invalid text."""
    if text is None:
        return None
    try:
        told = mesh_codec.unpack_numbers(text, 2 * SCALES * DIRECTIONS, 1.0).reshape(2, SCALES, DIRECTIONS)
    except ValueError:  # a track made before the narrowest pair was measured: it has no weight
        told = mesh_codec.unpack_numbers(text, 2 * (SCALES - 1) * DIRECTIONS, 1.0).reshape(2, SCALES - 1, DIRECTIONS)
        told = np.pad(told, ((0, 0), (1, 0), (0, 0)))
    return EdgeWidths(told[0] / _RATIO_STEPS, np.clip(told[1] / _WEIGHT_STEPS, 0.0, 1.0))


def measured_shutter(edges: Sequence[EdgeWidths], movements: Sequence[np.ndarray]) -> float | None:
    """Find the shutter of a view: the part of the movement over which the faces' edges are smeared.

    A face has edges of its own in each direction, so the ratios of all frames may leave the table's by a common factor, which the
    frames in which it moves slowly, or in another direction, tell. The defocus of each frame is unknown.

    Parameters
    ----------
    edges : sequence of EdgeWidths
        The faces of all frames of the view.
    movements : sequence of np.ndarray
        (2,) each, the movement of these faces, in fractions of their sizes a frame.

    Returns
    -------
    float or None
        0..1; 0 where the edges show no streaks. None where no face moves fast enough to tell.
    """
    speeds = np.array([float(np.hypot(*movement)) for movement in movements])
    if not (speeds > 2 * _SLOW).any():
        return None
    order = np.argsort(speeds)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(_FRAMES, len(order))).round().astype(int))]
    # The medians alone: grain changes what they tell least.
    ratios = np.stack([edges[k].ratios[1:] for k in chosen])
    weight = np.stack([edges[k].weights[1:] for k in chosen])
    weight = weight * np.minimum(_FAST / np.maximum(speeds[chosen], 1e-9), 1.0)[:, None, None] ** 2
    expected = np.stack([expected_ratios(movements[k], _SHUTTERS)[:, :, 1:] for k in chosen])
    costs = np.array([_cost(ratios, weight, expected[:, :, k]) for k in range(len(_SHUTTERS))])
    best = int(np.argmin(costs))
    return float(_SHUTTERS[best]) if costs[0] - costs[best] >= _GAIN else 0.0


def _cost(ratios: np.ndarray, weight: np.ndarray, expected: np.ndarray) -> float:
    """Return how badly a shutter explains the `ratios` (n, 3, directions), given the `expected` (n, variances, 3, directions)."""
    own = np.zeros(ratios.shape[1:])
    rows = np.arange(len(ratios))
    cost = np.inf
    for _ in range(_ROUNDS):
        scaled = expected * (1 + own)
        deviation = _FRAME * expected + _LEAST_FRAME
        apart = np.minimum(((scaled - ratios[:, None]) / deviation) ** 2, _OUTLIER) * weight[:, None]
        best = apart.sum(axis=(2, 3)).argmin(axis=1)
        cost = float(apart[rows, best].sum() + ((own / _PERSON) ** 2).sum())
        fitted, near = expected[rows, best], weight / deviation[rows, best] ** 2
        own = (near * fitted * (ratios - fitted)).sum(axis=0) / ((near * fitted**2).sum(axis=0) + 1 / _PERSON**2)
    return cost


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
