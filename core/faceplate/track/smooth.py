"""Offline smoothing without lag: jitter is removed, motion is kept.

A face in a frame is a similarity (position, size, rotation of the skull) and a shape (the rest: rotation out of the plane,
expression). The similarity follows the flow, which is steady but drifts, and is tied to the landmarker, which jitters but
does not drift: only their *difference* is filtered. The shape is filtered in groups (eyes, mouth, brows, nose, jaw, the
rest), each with its own bandwidth.

The filter is a local straight line under a Gaussian window that extends as far backward as forward, so it has no lag. Its
width is chosen frame by frame: the widest window whose result still agrees with every narrower one within the landmarker's
own noise (the intersection of confidence intervals: A. Goldenshluger & A. Nemirovski, "On spatially adaptive estimation of
nonparametric regression", Math. Methods of Statistics 6, 1997). A still face gets a window of seconds, a blink one of a
single frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.face import topology
from faceplate.face.align import similarity
from faceplate.face.shape import RIGID, head_model

__all__ = ["Motion", "Smoothed", "adaptive_filter", "decompose", "place", "region_groups", "smooth_motion"]

_WIDTHS = (0.0, 0.7, 1.2, 2.0, 3.5, 6.0, 10.0, 17.0, 28.0)
"""The windows to choose from: standard deviations in frames; 0 is the frame itself."""

_FLAT = (28.0, 60.0)
"""Windows without a slope, for what the picture says does not change: standard deviations in frames."""

_BIAS = 0.010
"""How far the landmarker's answer wanders with the face's place and size in its crop, as a part of the face's scale."""

_CALM = 4
"""Thousandths of the scale by which a group may leave the skull's motion and still count as not moving."""

_SKULL = (6, 9)
"""The groups, nose and the rest, that tell whether the head turned out of the plane."""

_UPPER_LIDS = (
    [246, 161, 160, 159, 158, 157, 173, 247, 30, 29, 27, 28, 56, 190],
    [466, 388, 387, 386, 385, 384, 398, 467, 260, 259, 257, 258, 286, 414],
)
"""The edge of either upper lid and its fold: what a blink moves."""

_TRUST = 3.0
_TRUST_SHAPE = 2.2
_CHUNK = 512
_GLITCH = 5.0


@dataclass(frozen=True)
class Motion:
    """One face through a stretch of frames.

    Attributes
    ----------
    frames : np.ndarray
        (n,), ascending.
    rigid : np.ndarray
        (n, 4): x, y of the skull's centre on projected pixels, log of the scale, angle in radians (unwrapped).
    shape : np.ndarray
        (n, 478, 3): the mesh in units of the scale, upright, about the centre.
    flow : np.ndarray
        (n, 5): change of `rigid` since the frame before, measured by optical flow, and its error in projected pixels; NaN
        where it was not measured.
    moved : np.ndarray
        (n, groups): how far each group left that motion, in thousandths of the scale.
    level : np.ndarray
        (n,), exposure.
    weight : np.ndarray
        (n,), 0..1, confidence in the landmarker.
    """

    frames: np.ndarray
    rigid: np.ndarray
    shape: np.ndarray
    flow: np.ndarray
    moved: np.ndarray
    level: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Smoothed:
    """Every frame from the first to the last: `frames` (m,), `rigid`, `shape`, `level` as in `Motion`, and `seen` (m,)."""

    frames: np.ndarray
    rigid: np.ndarray
    shape: np.ndarray
    level: np.ndarray
    seen: np.ndarray


def decompose(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decompose a mesh (478, 3) on projected pixels into `rigid` (4,) and `shape` (478, 3), fitted on points of the skull."""
    reference = head_model().reference[RIGID, :2]
    middle = reference.mean(axis=0)
    matrix = similarity(reference - middle, points[RIGID, :2])
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    angle = math.atan2(matrix[1, 0], matrix[0, 0])
    centre = matrix[:, 2]
    rigid = np.array([centre[0], centre[1], math.log(scale), angle])
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    shape = np.column_stack([(points[:, :2] - centre) @ turn.T, points[:, 2]]) / scale
    return rigid, shape


def place(rigid: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Compose the mesh (478, 3) on projected pixels from `rigid` and `shape`: the inverse of `decompose`."""
    scale, angle = math.exp(rigid[2]), rigid[3]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.column_stack([(shape[:, :2] @ turn.T) * scale + rigid[:2], shape[:, 2] * scale])


def smooth_motion(motion: Motion, amount: float = 1.0, step: int = 1) -> Smoothed:
    """Smooth a motion and fill its gaps.

    `amount` 0 leaves it as observed, 1 suits most shots, 2 assumes twice the noise. `step` is the distance of neighbouring
    frames.
    """
    time = (motion.frames - motion.frames[0]) / step
    flowing = np.array(np.isfinite(motion.flow).all(axis=1))
    flowing[0] = bool(flowing[1:2].all())  # the first frame has no predecessor: it gets the value of the next step
    travelled = np.cumsum(np.where(flowing[:, None], np.nan_to_num(motion.flow[:, :4]), 0.0), axis=0)
    gap = motion.rigid - travelled
    scale = math.exp(motion.rigid[:, 2].mean())
    weight = motion.weight * _not_glitches(gap, flowing, scale)
    skull = flowing & _calm(motion.moved[:, list(_SKULL)].max(axis=1))
    rigid = np.empty_like(motion.rigid)
    for channels, unit in (((0, 1), scale), ((2,), 1.0), ((3,), 1.0)):
        bias = np.where(skull, _BIAS * unit * amount, 0.0)
        rigid[:, channels] = travelled[:, channels] + adaptive_filter(
            time, gap[:, channels], weight, _TRUST * amount, bias
        )
    rigid = _without_flow_noise(time, rigid, motion.flow[:, 4], flowing, scale, amount)
    shape = np.empty_like(motion.shape)
    for index, group in enumerate(region_groups()):
        values = motion.shape[:, group].reshape(len(time), -1)
        bias = np.where(flowing & _calm(motion.moved[:, index]), _BIAS * amount, 0.0)
        held = adaptive_filter(time, values, motion.weight, _TRUST_SHAPE * amount, bias)
        shape[:, group] = held.reshape(len(time), -1, 3)
    level = np.exp(
        adaptive_filter(time, np.log(np.maximum(motion.level, 1e-9))[:, None], motion.weight, _TRUST * amount)
    )[:, 0]
    return _filled(motion.frames, rigid, shape, level, motion.weight > 0, step)


@cache
def region_groups() -> tuple[np.ndarray, ...]:
    """Return the mesh's points in the groups that are filtered together: upper lids, eyes, brows, nose, mouth, jaw, the rest."""
    mesh, reference = topology(), head_model().reference[:, :2]

    def around(loop: np.ndarray, reach: float) -> np.ndarray:
        return np.linalg.norm(reference[:, None] - reference[None, loop], axis=2).min(axis=1) < reach

    taken = np.zeros(len(reference), bool)
    groups = []
    jaw = reference[:, 1] > reference[mesh.lips_loop, 1].min()
    for mask in (
        _flags(_UPPER_LIDS[0]),
        _flags(_UPPER_LIDS[1]),
        _flags(list(range(468, 473))) | around(mesh.right_eye_loop, 0.12),
        _flags(list(range(473, 478))) | around(mesh.left_eye_loop, 0.12),
        around(mesh.right_brow, 0.06),
        around(mesh.left_brow, 0.06),
        around(mesh.nose, 0.02),
        around(mesh.lips_loop, 0.15),
        jaw,
        np.ones(len(reference), bool),
    ):
        groups.append(np.flatnonzero(mask & ~taken))
        taken |= mask
    return tuple(group for group in groups if len(group))


def _flags(points: list[int]) -> np.ndarray:
    flags = np.zeros(478, bool)
    flags[points] = True
    return flags


def _not_glitches(gap: np.ndarray, flowing: np.ndarray, scale: float) -> np.ndarray:
    """Return 1, or 0 for a frame in which the landmarker alone jumped away from the median of its neighbours."""
    count = len(gap)
    if count < 5:
        return np.ones(count)
    reach = np.clip(np.arange(count)[:, None] + np.arange(-3, 4), 0, count - 1)
    usual = np.median(gap[reach], axis=1)
    away = np.abs(gap - usual) * np.array([1.0, 1.0, scale, scale])
    noise = np.maximum(1.4826 * np.median(away, axis=0), 0.002 * scale)
    steady = flowing[reach].all(axis=1)
    return np.where(steady & (away > _GLITCH * noise).any(axis=1), 0.0, 1.0)


def _calm(moved: np.ndarray) -> np.ndarray:
    """Find where a group keeps to the skull's motion (n,); a frame beside one that does not is excluded.

    The first frame gets the value of the second.
    """
    calm = moved <= _CALM
    calm[0] = calm[1:2].all()
    padded = np.pad(calm, 2, mode="edge")
    return padded[:-4] & padded[1:-3] & padded[2:-2] & padded[3:-1] & padded[4:]


def _without_flow_noise(
    time: np.ndarray, rigid: np.ndarray, error: np.ndarray, flowing: np.ndarray, scale: float, amount: float
) -> np.ndarray:
    """Remove the flow's own jitter, as given by its fit, where there is no faster motion."""
    known = error[np.isfinite(error)]
    if len(known) == 0 or amount <= 0:
        return rigid
    noise = float(np.median(known))
    result = rigid.copy()
    for channels, unit in (((0, 1), 1.0), ((2,), scale), ((3,), scale)):
        own = np.full(len(channels), max(noise / unit, 1e-9))
        smooth = adaptive_filter(time, rigid[:, channels], np.ones(len(time)), _TRUST * amount, None, own)
        result[:, channels] = np.where(flowing[:, None], smooth, rigid[:, channels])
    return result


def adaptive_filter(
    time: np.ndarray,
    values: np.ndarray,
    weight: np.ndarray,
    trust: float,
    bias: np.ndarray | None = None,
    noise: np.ndarray | None = None,
    least_noise: float | np.ndarray = 0.0,
    places: np.ndarray | None = None,
) -> np.ndarray:
    """Filter `values` (n, c) over time without lag, each frame under the widest window that agrees with all narrower ones.

    Parameters
    ----------
    time : np.ndarray
        (n,), ascending, in frames.
    values : np.ndarray
        (n, c); all channels share one window.
    weight : np.ndarray
        (n,), 0..1; a frame of weight 0 gets the value of its neighbours.
    trust : float
        How far two windows may differ and still agree, in standard deviations of the noise; 0 filters nothing.
    bias : np.ndarray, optional
        (n,), how far the measurement may drift slowly without effect: above 0 in runs of frames where the picture does not
        move. There the mean over the run is a candidate too.
    noise : np.ndarray, optional
        (c,), standard deviation of the noise; measured when None.
    least_noise : float or np.ndarray
        Least standard deviation of the noise, or (c,): for errors that wander slowly and are no noise from frame to frame.
    places : np.ndarray, optional
        (n,), ascending: the lines are straight along these instead of along `time`, in the same unit.

    Returns
    -------
    np.ndarray
        (n, c).
    """
    if len(time) < 3 or trust <= 0 or (weight > 0).sum() < 3:
        return values.copy()
    noise = np.maximum(_noise(time, values, weight) if noise is None else noise, least_noise)
    results, spread, along = [], [], time if places is None else places
    for width in _WIDTHS:
        result, variance = _local_line(along, values, weight, width)
        results.append(result)
        spread.append(np.sqrt(variance))
    unseen, held = weight <= 0, _WIDTHS.index(3.5)
    for k in range(held):  # a frame without weight has no value of its own
        results[k][unseen], spread[k][unseen] = results[held][unseen], spread[held][unseen]
    widest = np.zeros(len(time), int)
    open_ = np.ones(len(time), bool)
    for k in range(1, len(_WIDTHS)):
        for j in range(k):
            open_ &= _apart((results[k] - results[j]) / noise) <= trust * spread[j]
        widest[open_] = k
    if bias is not None and (bias > 0).any():
        _level(time, values, weight, trust * math.sqrt(float((noise**2).mean())), bias, results, spread, widest)
    return _eased(results, widest)


def _apart(gap: np.ndarray) -> np.ndarray:
    """Compute the distance of two results (n, c), (n,): their RMS, or the upper twentieth when only a few points move."""
    rms = np.sqrt((gap**2).mean(axis=1))
    return rms if gap.shape[1] < 30 else np.maximum(rms, np.quantile(np.abs(gap), 0.95, axis=1) / 1.96)


def _level(
    time: np.ndarray,
    values: np.ndarray,
    weight: np.ndarray,
    trust: float,
    bias: np.ndarray,
    results: list[np.ndarray],
    spread: list[np.ndarray],
    widest: np.ndarray,
) -> None:
    """Add to `results` the windows without a slope, each within its run, and choose them where they stay within `bias`."""
    calm = bias > 0
    run = np.cumsum(~calm | np.r_[True, ~calm[:-1]])
    for width in _FLAT:
        flat, _ = _local_line(time, values, weight, width, np.where(calm, run, -1 - np.arange(len(run))))
        near = calm.copy()
        for j in range(_WIDTHS.index(3.5) + 1):
            apart = np.sqrt(((flat - results[j]) ** 2).mean(axis=1))
            near &= apart <= trust * spread[j] + bias
        results.append(np.where(calm[:, None], flat, results[0]))
        widest[near] = len(results) - 1


def _eased(results: list[np.ndarray], widest: np.ndarray) -> np.ndarray:
    """Use for each frame the narrowest window of its neighbours, so that no peak is widened, averaged with their results."""
    padded = np.pad(widest, 1, mode="edge")
    narrow = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    padded = np.pad(narrow, 1, mode="edge")
    stack, rows = np.stack(results), np.arange(len(widest))
    return (stack[padded[:-2], rows] + 2 * stack[padded[1:-1], rows] + stack[padded[2:], rows]) / 4


def _noise(time: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Estimate the landmarker's own jitter (c,) from differences of second and fourth order.

    White noise has 6 and 70 times its variance in them. Motion contributes less to the higher order, so the smaller estimate
    is the better one.
    """
    answers = [answer for order in (2, 4) if (answer := _noise_of(time, values, weight, order)) is not None]
    if not answers:
        return np.full(values.shape[1], 1e-6)
    each = np.min(answers, axis=0)
    # Few frames give a poor estimate for a single point, so it is averaged with the other points.
    return np.maximum(0.5 * each + 0.5 * each.mean(), 1e-7)


def _noise_of(time: np.ndarray, values: np.ndarray, weight: np.ndarray, order: int) -> np.ndarray | None:
    count = len(time) - order
    if count < order:
        return None
    whole = time[order:] - time[:count] == order
    for k in range(order + 1):
        whole &= weight[k : k + count] > 0
    apart = np.abs(np.diff(values, order, axis=0))[whole]
    if len(apart) < order:
        return None
    return 1.4826 * np.median(apart, axis=0) / math.sqrt(math.comb(2 * order, order))


def _local_line(
    time: np.ndarray, values: np.ndarray, weight: np.ndarray, width: float, runs: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the local straight line's value (n, c) and the variance (n,) that unit white noise leaves in it.

    With `runs` (n,) it is the local mean instead, over frames of the same run only.
    """
    if width == 0:
        return values.copy(), np.ones(len(time))
    result, variance = np.empty_like(values), np.empty(len(time))
    reach = 3.0 * width
    for start in range(0, len(time), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(time)))
        left, right = np.searchsorted(time, [time[rows][0] - reach, time[rows][-1] + reach + 1e-9])
        offset = time[left:right][None] - time[rows][:, None]
        w = np.exp(-0.5 * (offset / width) ** 2) * weight[left:right][None] * (np.abs(offset) <= reach)
        if runs is not None:
            w *= runs[left:right][None] == runs[rows][:, None]
        s0, s1, s2 = w.sum(1), (w * offset).sum(1), (w * offset**2).sum(1)
        determinant = s0 * s2 - s1**2
        sound = (runs is None) & (determinant > 1e-9 * np.maximum(s0, 1e-12) ** 2)
        safe = np.where(sound, determinant, 1.0)
        line = w * (s2[:, None] - s1[:, None] * offset) / safe[:, None]
        flat = w / np.maximum(s0, 1e-12)[:, None]
        line = np.where(sound[:, None], line, flat)
        empty = s0 <= 1e-12
        result[rows] = np.where(empty[:, None], values[rows], line @ values[left:right])
        variance[rows] = np.where(empty, 1.0, (line**2).sum(1))
    return result, variance


def _filled(
    frames: np.ndarray, rigid: np.ndarray, shape: np.ndarray, level: np.ndarray, seen: np.ndarray, step: int
) -> Smoothed:
    """Interpolate the frames between the first and the last that were not measured: position by a cubic, the rest linearly."""
    every = np.arange(frames[0], frames[-1] + 1, step)
    known, at = frames[seen], np.flatnonzero(seen)
    right = np.clip(np.searchsorted(known, every), 1, max(len(known) - 1, 1))
    if len(known) == 1:
        right = np.zeros(len(every), int)
    left = np.maximum(right - 1, 0)
    width = np.maximum(known[right] - known[left], 1)
    part = np.clip((every - known[left]) / width, 0, 1)
    a, b = at[left], at[right]
    speed = np.gradient(rigid[at], known, axis=0) if len(known) > 1 else np.zeros_like(rigid[at])
    h = part[:, None]
    curve = (
        (2 * h**3 - 3 * h**2 + 1) * rigid[a]
        + (h**3 - 2 * h**2 + h) * width[:, None] * speed[left]
        + (3 * h**2 - 2 * h**3) * rigid[b]
        + (h**3 - h**2) * width[:, None] * speed[right]
    )
    mix = part[:, None, None]
    return Smoothed(
        every,
        curve,
        shape[a] * (1 - mix) + shape[b] * mix,
        np.exp(np.log(level[a]) * (1 - part) + np.log(level[b]) * part),
        np.isin(every, known),
    )
