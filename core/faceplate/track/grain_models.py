"""The plate's grain through a shot: one model for each view, from samples where faces were first found.

Grain belongs to the camera and the light, not to the face, so the model of a view is the median over the samples of all
people. Changes inside a view (a fade, a ramped exposure, a push-in) become a factor on the variance, which is kept only
when it exceeds the samples' own scatter. `comp.grain` does the measuring and does not depend on tracks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from faceplate.comp.grain import Grain
from faceplate.track import model

__all__ = ["grain_at", "grain_models", "pack_grain", "unpack_grain"]

_VARIES = 1.2
"""A factor on the variance that stays within this ratio of 1 through a view counts as scatter."""

_SIDE = 7


def grain_models(
    samples: Iterable[tuple[int, float, Grain]], cuts: Sequence[int], first: int, last: int
) -> tuple[model.Grain, ...]:
    """Compute one model for each view that has samples.

    Parameters
    ----------
    samples : iterable of (int, float, Grain)
        Frame, the face's level, grain.
    cuts : sequence of int
        The frames that begin a view.
    first, last : int
        The shot's first and last frame.
    """
    starts = [first, *(cut for cut in cuts if cut > first)]
    ends = [*(start - 1 for start in starts[1:]), last]
    views: dict[int, list[tuple[int, float, Grain]]] = {}
    for sample in sorted(samples, key=lambda sample: sample[0]):
        views.setdefault(int(np.searchsorted(starts, sample[0], side="right")) - 1, []).append(sample)
    return tuple(_model(taken, starts[view], ends[view]) for view, taken in sorted(views.items()))


def grain_at(models: Sequence[model.Grain], frame: int) -> Grain | None:
    """Return the grain in `frame`, or None where it was not measured."""
    found = next((item for item in models if item.first <= frame <= item.last), None)
    if found is None:
        return None
    kernel = np.array(found.kernel, np.float32).reshape(3, _SIDE, _SIDE)
    kernel /= np.linalg.norm(kernel.reshape(3, -1), axis=1)[:, None, None]
    factor = _factor(found.amounts, frame)
    mixing = np.array(found.mixing, np.float32).reshape(3, 3)
    return Grain(np.array(found.slope) * factor, np.array(found.floor) * factor, kernel, mixing)


def pack_grain(grain: Grain) -> list[list[float]]:
    """Convert a sample to lists of numbers for the checkpoint."""
    return [
        np.asarray(part, np.float64).ravel().tolist() for part in (grain.slope, grain.floor, grain.kernel, grain.mixing)
    ]


def unpack_grain(item: list[list[float]]) -> Grain:
    """Convert the lists of `pack_grain` back to a sample."""
    slope, floor, kernel, mixing = (np.array(part) for part in item)
    kernel = kernel.astype(np.float32).reshape(3, _SIDE, _SIDE)
    return Grain(slope, floor, kernel, mixing.astype(np.float32).reshape(3, 3))


def _model(taken: list[tuple[int, float, Grain]], first: int, last: int) -> model.Grain:
    grains = [grain for _, _, grain in taken]
    slope = np.median([grain.slope for grain in grains], axis=0)
    floor = np.median([grain.floor for grain in grains], axis=0)
    level = float(np.median([level for _, level, _ in taken]))
    kernel = np.mean([grain.kernel for grain in grains], axis=0, dtype=np.float64)
    norm = np.linalg.norm(kernel.reshape(3, -1), axis=1)[:, None, None]
    mixing = np.mean([grain.mixing for grain in grains], axis=0, dtype=np.float64)
    mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
    return model.Grain(
        first=first,
        last=last,
        slope=_triple(slope),
        floor=_triple(floor),
        kernel=tuple(np.round(kernel / np.maximum(norm, 1e-12), 5).ravel().tolist()),
        mixing=tuple(np.round(mixing, 5).ravel().tolist()),
        amounts=_amounts(taken, slope, floor, level),
    )


def _amounts(
    taken: list[tuple[int, float, Grain]], slope: np.ndarray, floor: np.ndarray, level: float
) -> tuple[tuple[int, float], ...]:
    """Compute (frame, factor on the variance) along the view, smoothed; empty when it does not vary."""
    signal = level * np.array([0.25, 1.0, 4.0])[:, None]
    usual = slope * signal + floor
    by_frame: dict[int, list[float]] = {}
    for frame, _, grain in taken:
        there = grain.slope * signal + grain.floor
        known = (usual > 0) & (there > 0)
        if known.any():
            by_frame.setdefault(frame, []).append(float(np.median(np.log(there[known] / usual[known]))))
    frames = sorted(by_frame)
    each = np.array([np.median(by_frame[frame]) for frame in frames])
    if len(frames) < 3:  # two samples cannot separate variation from scatter
        return ()
    padded = np.pad(each, 1, mode="edge")
    smooth = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
    if np.abs(smooth).max() < math.log(_VARIES):
        return ()
    return tuple((frame, float(f"{math.exp(value):.4g}")) for frame, value in zip(frames, smooth, strict=True))


def _factor(amounts: tuple[tuple[int, float], ...], frame: int) -> float:
    if not amounts:
        return 1.0
    frames, values = zip(*amounts, strict=True)
    return float(np.exp(np.interp(frame, frames, np.log(values))))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    r, g, b = (float(f"{max(float(value), 0.0):.6g}") for value in values)
    return r, g, b
