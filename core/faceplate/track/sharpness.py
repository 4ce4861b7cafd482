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
# Standard deviation in frames of the Gaussian over time.
_WIDTH = 2.5


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

    A focus pull takes many frames, so a median of five removes what single frames show, and a Gaussian of 2.5 frames makes the rest
    smooth; both are centred and weigh by `trust`.
    """
    at, values = np.asarray(frames, np.float64), np.log(np.asarray(softness))
    steady = np.array([np.median(values[max(k - 2, 0) : k + 3]) for k in range(len(values))])
    near = np.exp(-0.5 * ((np.asarray(wanted, np.float64)[:, None] - at) / _WIDTH) ** 2) + 1e-9
    weight = near * np.maximum(np.asarray(trust), 1e-3)
    return np.exp((weight * steady).sum(axis=1) / weight.sum(axis=1)).tolist()


def between_softness(first: float | None, second: float | None, part: float) -> float | None:
    """Interpolate between two softnesses, `part` 0 at the first; where one is None, return the other."""
    if first is None or second is None:
        return first if second is None else second
    return first + part * (second - first)
