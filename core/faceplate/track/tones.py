"""The tones of a face along a track: their text in the track file, and their smoothing over time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from faceplate.comp.skin_tones import COUNT, SkinTones, edge_points, tone_points
from faceplate.face.shape import head_model
from faceplate.track import mesh_codec
from faceplate.track.smooth import adaptive_filter

__all__ = ["FINE", "RAW", "between_tones", "mean_tones", "pack_tones", "smooth_tones", "unpack_tones"]

RAW = (256, 15)
"""Steps per unit of the logarithm and of the trust, for tones as measured and for the base of a block."""

FINE = (1024, 60)
"""The same for smoothed tones, so that rounding does not flicker; this grid contains the one above."""

# Number of groups of neighbouring tones that are filtered together.
_GROUPS = 12
# Standard deviations of the noise within which two windows agree.
_AGREE = 3.0
# Standard deviations with which a tone wanders because the mesh does not follow the skin exactly: inside the face, and at its
# outline, which slides over jaw and temples.
_WANDER, _OUTLINE_WANDER = 0.03, 0.1
# Standard deviation by which a point's trust wavers where nothing changes, with sensor noise at the edge of hair.
_TRUST_WAVERS = 0.04
# Standard deviation in frames of the Gaussian over the trust, and of the reach in time of a point's own values.
_TRUST_WIDTH, _REACH = 2.0, 8.0
# Weight against a point's values at other times of the assumption that it follows its frame's low-order fit.
_PRIOR = 0.01
# Trust that a frame needs for a fit of its own, and the ridge of its slopes.
_LEAST, _RIDGE = 6.0, 0.5
# Rounds in which the points' means and the frames' planes are fitted in turn.
_FITS = 4
# Least weight of a measured frame in the filter.
_LEAST_WEIGHT = 0.1
# Frames to either side with whose change a frame's own change is compared, and the least share of it that counts.
_BESIDE, _LEAST_SHARE = 8, 0.15


def pack_tones(tones: SkinTones | None, steps: tuple[int, int], base: SkinTones | None = None) -> str | None:
    """Encode tones as the track file's text, rounded to 1/`steps`, as the difference from `base`, whose values lie on the grid RAW.

    Neighbouring points and the three channels differ little, so green is stored as differences between neighbours, red and
    blue as differences from green in the same way.
    """
    if tones is None:
        return None
    whole = _whole(tones, steps)
    if base is not None:
        whole -= _whole(base, steps)
    whole[:, [0, 2]] -= whole[:, [1]]
    order, parent = _tree()
    told = whole[order].copy()
    told[1:] -= whole[parent[1:]]
    return mesh_codec.pack_numbers(told.T.ravel(), 1.0)


def unpack_tones(text: str | None, steps: tuple[int, int], base: SkinTones | None = None) -> SkinTones | None:
    """Decode the text of `pack_tones`. Raises `ValueError` for invalid text."""
    if text is None:
        return None
    told = mesh_codec.unpack_numbers(text, 4 * COUNT, 1.0).reshape(4, COUNT).T
    whole = np.zeros((COUNT, 4))
    order, parent = _tree()
    whole[order[0]] = told[0]
    for row in range(1, COUNT):
        whole[order[row]] = whole[parent[row]] + told[row]
    whole[:, [0, 2]] += whole[:, [1]]
    if base is not None:
        whole += _whole(base, steps)
    return SkinTones(whole[:, :3] / steps[0], np.clip(whole[:, 3] / steps[1], 0.0, 1.0))


def mean_tones(tones: Sequence[SkinTones | None]) -> SkinTones | None:
    """Return the mean of the tones that are known; None where none are."""
    known = [found for found in tones if found is not None]
    if not known:
        return None
    return SkinTones(np.mean([found.log for found in known], axis=0), np.mean([found.trust for found in known], axis=0))


def _whole(tones: SkinTones, steps: tuple[int, int]) -> np.ndarray:
    """Return logarithms and trust in whole steps, int64 (112, 4)."""
    return np.rint(np.column_stack([tones.log * steps[0], tones.trust * steps[1]])).astype(np.int64)


def between_tones(first: SkinTones | None, second: SkinTones | None, part: float) -> SkinTones | None:
    """Interpolate between two faces' tones, `part` 0 at the first and 1 at the second; where one is None, return the other."""
    if first is None or second is None:
        return first or second
    return SkinTones(first.log + part * (second.log - first.log), first.trust + part * (second.trust - first.trust))


def smooth_tones(
    frames: Sequence[int], tones: Sequence[SkinTones | None], wanted: Sequence[int], step: int
) -> list[SkinTones | None]:
    """Smooth the tones of one span over time without lag and return them for each of the `wanted` frames.

    A tone that is not trusted in a frame is replaced first by the light of that frame and the point's own values at other
    times. Then each group of neighbouring points is filtered under the widest window that agrees with the narrower ones
    (`smooth.adaptive_filter`): still light is averaged over seconds, a light that is switched on stays where it is. Trust is
    filtered in the same way, and then with a fixed Gaussian, so that a hand that arrives does not switch the light.

    Parameters
    ----------
    frames : sequence of int
        Ascending frames of `tones`.
    tones : sequence of SkinTones or None
        As measured.
    wanted : sequence of int
        The frames to return.
    step : int
        Distance of neighbouring frames.
    """
    known = [(frame, found) for frame, found in zip(frames, tones, strict=True) if found is not None]
    if not known:
        return [None] * len(wanted)
    first, last = known[0][0], known[-1][0]
    rows = [(frame - first) // step for frame, _ in known]
    count = (last - first) // step + 1
    log, trust, measured = np.zeros((count, COUNT, 3)), np.zeros((count, COUNT)), np.zeros(count)
    log[rows] = [found.log for _, found in known]
    trust[rows] = [found.trust for _, found in known]
    measured[rows] = 1.0
    belief = trust**4  # a point that is hidden in part shows little of its own tone
    places = _places(log, belief, measured)
    log = _with_doubtful_replaced(log, belief)
    for group in _groups():
        weight = measured * np.maximum(belief[:, group].mean(axis=1), _LEAST_WEIGHT)
        values = log[:, group].reshape(count, -1)
        wander = np.repeat(np.where(edge_points()[group], _OUTLINE_WANDER, _WANDER), 3)
        filtered = adaptive_filter(np.arange(count), values, weight, _AGREE, least_noise=wander, places=places)
        log[:, group] = filtered.reshape(count, -1, 3)
        held = adaptive_filter(np.arange(count), trust[:, group], measured, _AGREE, least_noise=_TRUST_WAVERS)
        trust[:, group] = measured[:, None] * np.clip(held, 0.0, 1.0)
    there = _blurred(measured[:, None], _TRUST_WIDTH)
    trust = _blurred(trust, _TRUST_WIDTH) / np.maximum(there, 1e-9)
    at = np.clip((np.asarray(wanted) - first) // step, 0, count - 1)
    return [SkinTones(log[row], trust[row]) for row in at]


def _places(log: np.ndarray, belief: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return where each frame lies along the change of the tones `log` (n, 112, 3), float64 (n,), in frames at most.

    A face that turns and then holds still has tones that change and then stay. A line that is straight in time passes on after the
    face has stopped. Here a frame in which less changes than in those beside it takes less of the way, so that what stays is one
    place.
    """
    if len(log) < 2:
        return np.zeros(len(log))
    sure = np.minimum(belief[1:], belief[:-1]) * (measured[1:] * measured[:-1])[:, None]
    square = (sure[..., None] * np.diff(log, axis=0) ** 2).sum(axis=(1, 2)) / np.maximum(sure.sum(axis=1), 1e-9)
    change = np.sqrt(square / 3)
    known = sure.sum(axis=1) >= _LEAST
    padded = np.pad(np.where(known, change, 0.0), 1, mode="edge")
    calm = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)  # a light that is switched on is no motion
    most = np.max(np.lib.stride_tricks.sliding_window_view(np.pad(calm, _BESIDE), 2 * _BESIDE + 1), axis=1)
    share = np.where(known & (most > 0), calm / np.maximum(most, 1e-9), 1.0)
    return np.concatenate([[0.0], np.cumsum(np.maximum(share, _LEAST_SHARE))])


def _with_doubtful_replaced(log: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """Replace tones `log` (n, 112, 3) as far as their `belief` (n, 112) is below 1.

    In their place stands the point's mean over time, plus how the frame's light leaves the mean light (a plane over the
    face), plus how the point left that at neighbouring times.
    """
    terms = _plane_terms()
    fit = np.zeros_like(log)
    own = np.zeros((COUNT, 3))
    for _ in range(_FITS):
        own = _own_means(log - fit, belief)
        fit = terms @ _frame_fits(log - own, belief**2)  # only what is surely visible may bend the plane
    left = log - own - fit
    near = _blurred(belief, _REACH)[..., None] + _PRIOR
    held = _blurred((belief[..., None] * left).reshape(len(log), -1), _REACH).reshape(log.shape) / near
    return belief[..., None] * log + (1 - belief[..., None]) * (own + fit + held)


def _own_means(log: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """Return each point's mean over time (112, 3); a point that is never trusted gets that of its neighbours."""
    head = head_model().reference[tone_points()]
    near = np.exp(-0.5 * ((head[:, None] - head) ** 2).sum(axis=2) / 0.15**2)
    weight, total = belief.sum(axis=0)[:, None], (belief[..., None] * log).sum(axis=0)
    around = (near @ total + 1e-3 * total.sum(axis=0)) / (near @ weight + 1e-3 * weight.sum() + 1e-9)
    return (total + 0.1 * around) / (weight + 0.1)


def _frame_fits(change: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """Fit a plane over the face to each frame's `change` (n, 112, 3); return (n, 3, 3).

    A frame in which too little is trusted gets the planes of its neighbours, interpolated.
    """
    terms = _plane_terms()
    sound = belief.sum(axis=1) >= _LEAST
    if not sound.any():
        return np.zeros((len(change), 3, 3))
    weighted = belief[..., None] * terms
    normal = np.swapaxes(weighted, 1, 2) @ terms + np.diag([1e-6, _RIDGE, _RIDGE])
    found = np.linalg.solve(normal, np.swapaxes(weighted, 1, 2) @ change)
    time, known = np.arange(len(change)), np.flatnonzero(sound)
    flat = found.reshape(len(change), -1)
    return np.column_stack([np.interp(time, known, column[known]) for column in flat.T]).reshape(found.shape)


def _blurred(values: np.ndarray, width: float) -> np.ndarray:
    """Blur `values` (n, c) over time with a Gaussian of standard deviation `width`; nothing lies beyond the ends."""
    reach = min(int(np.ceil(3 * width)), len(values) - 1)
    result, total = values.copy(), 1.0
    for offset in range(1, reach + 1):
        weight = float(np.exp(-0.5 * (offset / width) ** 2))
        result[offset:] += weight * values[:-offset]
        result[:-offset] += weight * values[offset:]
        total += 2 * weight
    return result / total


@cache
def _plane_terms() -> np.ndarray:
    """Return 1, x and y of the tones on the mean head, about their middle and in units of their spread, (112, 3)."""
    xy = head_model().reference[tone_points(), :2]
    return np.column_stack([np.ones(COUNT), (xy - xy.mean(axis=0)) / xy.std(axis=0)])


@cache
def _groups() -> tuple[np.ndarray, ...]:
    """Return the tones that are filtered together: those nearest to each of a few points that lie far apart."""
    head = head_model().reference[tone_points()]
    centres = [int(np.argmin(np.linalg.norm(head - head.mean(axis=0), axis=1)))]
    while len(centres) < _GROUPS:
        centres.append(int(np.argmax(_distances(head, head[centres]).min(axis=1))))
    nearest = _distances(head, head[centres]).argmin(axis=1)
    return tuple(np.flatnonzero(nearest == index) for index in range(_GROUPS))


@cache
def _tree() -> tuple[np.ndarray, np.ndarray]:
    """Return an order of the tones (112,), and for each in that order the nearest of those before it."""
    head = head_model().reference[tone_points()]
    apart = _distances(head, head)
    order, parent = [0], [0]
    for _ in range(COUNT - 1):
        rest = np.setdiff1d(np.arange(COUNT), order)
        row, column = np.unravel_index(np.argmin(apart[order][:, rest]), (len(order), len(rest)))
        parent.append(order[int(row)])
        order.append(int(rest[column]))
    return np.array(order), np.array(parent)


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.linalg.norm(first[:, None] - second[None], axis=2)
