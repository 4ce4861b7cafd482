"""Offline smoothing without lag: jitter goes, motion stays.

A face in a frame is a similarity (place, size, turn of the skull) and a shape (what is left: turn out of the plane, expression).
Place, size and turn are taken from the flow, which is steady but drifts, and held to the landmarker, which jitters but does not
drift: only their *difference* is filtered. The shape is filtered in groups (eyes, mouth, brows, nose, jaw, the rest), each
with its own bandwidth.

The filter is a local straight line under a Gaussian window that reaches as far backward as forward, so it has no lag. How
wide it may be is decided frame by frame: the widest window whose result still agrees with every narrower one within the
landmarker's own noise (the intersection of confidence intervals: A. Goldenshluger & A. Nemirovski, "On spatially adaptive estimation of
nonparametric regression", Math. Methods of Statistics 6, 1997). A still face gets a window of seconds, a blink one of a single frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.face import topology
from faceplate.face.align import similarity
from faceplate.face.shape import RIGID, head_model

__all__ = ["Motion", "Smoothed", "decompose", "place", "region_groups", "smooth_motion"]

_WIDTHS = (0.0, 0.7, 1.2, 2.0, 3.5, 6.0, 10.0, 17.0, 28.0)
"""The windows to choose from: standard deviations in frames; 0 is the frame itself."""

_TRUST = 3.0
_TRUST_SHAPE = 2.2
_CHUNK = 512
_GLITCH = 5.0


@dataclass(frozen=True)
class Motion:
    """One face through a stretch of frames: n frames out of `frames` (n,), ascending.

    `rigid` (n, 4): x, y of the skull's centre on projected pixels, log of the scale, angle in radians (unwrapped).
    `shape` (n, 478, 3): the mesh in units of the scale, upright, about the centre. `flow` (n, 4): change of `rigid` since the
    frame before as the picture says, NaN where it does not. `level` (n,) exposure, `weight` (n,) 0..1 trust in the landmarker.
    """

    frames: np.ndarray
    rigid: np.ndarray
    shape: np.ndarray
    flow: np.ndarray
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
    """A mesh (478, 3) on projected pixels as `rigid` (4,) and `shape` (478, 3), fitted on points that move with the skull."""
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
    """The inverse of `decompose`: the mesh (478, 3) on projected pixels."""
    scale, angle = math.exp(rigid[2]), rigid[3]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.column_stack([(shape[:, :2] @ turn.T) * scale + rigid[:2], shape[:, 2] * scale])


def smooth_motion(motion: Motion, amount: float = 1.0, step: int = 1) -> Smoothed:
    """`motion` smoothed, its gaps filled. `amount` 0 leaves it as seen, 1 is right for most shots, 2 twice as sure of noise.

    `step` is the distance of neighbouring frames.
    """
    time = (motion.frames - motion.frames[0]) / step
    steps = np.where(np.isfinite(motion.flow).all(axis=1, keepdims=True), motion.flow, 0.0)
    travelled = np.cumsum(steps, axis=0)
    gap = motion.rigid - travelled
    weight = motion.weight * _not_glitches(
        gap, np.isfinite(motion.flow).all(axis=1), math.exp(motion.rigid[:, 2].mean())
    )
    rigid = np.empty_like(motion.rigid)
    for channels in ((0, 1), (2,), (3,)):
        held = _adaptive(time, gap[:, channels], weight, _TRUST * amount)
        rigid[:, channels] = travelled[:, channels] + held
    flat = motion.shape.reshape(len(time), -1, 3)
    shape = np.empty_like(flat)
    for group in region_groups():
        values = flat[:, group].reshape(len(time), -1)
        shape[:, group] = _adaptive(time, values, motion.weight, _TRUST_SHAPE * amount).reshape(len(time), -1, 3)
    level = np.exp(_adaptive(time, np.log(np.maximum(motion.level, 1e-9))[:, None], motion.weight, _TRUST * amount))[
        :, 0
    ]
    return _filled(motion.frames, rigid, shape, level, motion.weight > 0, step)


@cache
def region_groups() -> tuple[np.ndarray, ...]:
    """The mesh's points in the groups that are filtered together: eyes, brows, nose, mouth, jaw, the rest."""
    mesh, reference = topology(), head_model().reference[:, :2]

    def around(loop: np.ndarray, reach: float) -> np.ndarray:
        return np.linalg.norm(reference[:, None] - reference[None, loop], axis=2).min(axis=1) < reach

    taken = np.zeros(len(reference), bool)
    groups = []
    jaw = reference[:, 1] > reference[mesh.lips_loop, 1].min()
    for mask in (
        _flags(slice(468, 473)) | around(mesh.right_eye_loop, 0.12),
        _flags(slice(473, 478)) | around(mesh.left_eye_loop, 0.12),
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


def _flags(points: slice) -> np.ndarray:
    flags = np.zeros(478, bool)
    flags[points] = True
    return flags


def _not_glitches(gap: np.ndarray, flowing: np.ndarray, scale: float) -> np.ndarray:
    """1, or 0 for a frame where the landmarker alone jumped: the difference to the flow leaves its neighbours' median."""
    count = len(gap)
    if count < 5:
        return np.ones(count)
    reach = np.clip(np.arange(count)[:, None] + np.arange(-3, 4), 0, count - 1)
    usual = np.median(gap[reach], axis=1)
    away = np.abs(gap - usual) * np.array([1.0, 1.0, scale, scale])
    noise = np.maximum(1.4826 * np.median(away, axis=0), 0.002 * scale)
    steady = flowing[reach].all(axis=1)
    return np.where(steady & (away > _GLITCH * noise).any(axis=1), 0.0, 1.0)


def _adaptive(time: np.ndarray, values: np.ndarray, weight: np.ndarray, trust: float) -> np.ndarray:
    """`values` (n, c) at `time` (n,), each frame under the widest window that agrees with all narrower ones."""
    if len(time) < 3 or trust <= 0 or (weight > 0).sum() < 3:
        return values.copy()
    noise = _noise(time, values, weight)
    results, spread = [], []
    for width in _WIDTHS:
        result, variance = _local_line(time, values, weight, width)
        results.append(result)
        spread.append(np.sqrt(variance))
    unseen, held = weight <= 0, _WIDTHS.index(3.5)
    for k in range(held):  # a frame that does not count has no own value to keep
        results[k][unseen], spread[k][unseen] = results[held][unseen], spread[held][unseen]
    widest = np.zeros(len(time), int)
    open_ = np.ones(len(time), bool)
    for k in range(1, len(_WIDTHS)):
        for j in range(k):
            apart = np.sqrt((((results[k] - results[j]) / noise) ** 2).mean(axis=1))
            open_ &= apart <= trust * spread[j]
        widest[open_] = k
    return _mixed(results, _eased(widest))


def _eased(widest: np.ndarray) -> np.ndarray:
    """The choice of window made gradual: first the narrowest of three neighbours, so that easing never widens a peak."""
    padded = np.pad(widest, 1, mode="edge")
    narrow = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:]).astype(np.float64)
    padded = np.pad(narrow, 1, mode="edge")
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4


def _mixed(results: list[np.ndarray], choice: np.ndarray) -> np.ndarray:
    low = np.floor(choice).astype(int)
    part = (choice - low)[:, None]
    stack = np.stack(results)
    rows = np.arange(len(choice))
    high = np.minimum(low + 1, len(results) - 1)
    return stack[low, rows] * (1 - part) + stack[high, rows] * part


def _noise(time: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The landmarker's own jitter (c,): from second differences, of which white noise has six times the variance."""
    whole = (
        (np.diff(time, 2) == 0) & (np.diff(time)[1:] == 1) & (weight[2:] > 0) & (weight[1:-1] > 0) & (weight[:-2] > 0)
    )
    second = np.abs(np.diff(values, 2, axis=0))[whole]
    if len(second) == 0:
        return np.full(values.shape[1], 1e-6)
    each = 1.4826 * np.median(second, axis=0) / math.sqrt(6.0)
    # Few frames say little about one point alone, so its neighbours speak with it.
    return np.maximum(0.5 * each + 0.5 * each.mean(), 1e-7)


def _local_line(
    time: np.ndarray, values: np.ndarray, weight: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """The local straight line's value (n, c) and the variance (n,) that unit white noise leaves in it."""
    if width == 0:
        return values.copy(), np.ones(len(time))
    result, variance = np.empty_like(values), np.empty(len(time))
    reach = 3.0 * width
    for start in range(0, len(time), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(time)))
        left, right = np.searchsorted(time, [time[rows][0] - reach, time[rows][-1] + reach + 1e-9])
        offset = time[left:right][None] - time[rows][:, None]
        w = np.exp(-0.5 * (offset / width) ** 2) * weight[left:right][None] * (np.abs(offset) <= reach)
        s0, s1, s2 = w.sum(1), (w * offset).sum(1), (w * offset**2).sum(1)
        determinant = s0 * s2 - s1**2
        sound = determinant > 1e-9 * np.maximum(s0, 1e-12) ** 2
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
    """The frames between the first and the last that were not measured, drawn through: place by a cubic, the rest straight."""
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
