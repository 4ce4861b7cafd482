"""Optical flow: the motion of the skull between two neighbouring frames.

A landmarker locates every frame independently and jitters by tenths of a pixel. Optical flow between neighbours is far
steadier, but drifts. Only the motion of the skull is measured here: sparse pyramidal Lucas-Kanade (J.-Y. Bouguet,
"Pyramidal implementation of the Lucas Kanade feature tracker", Intel 2000) on mesh points that expression hardly moves,
forward and back, and the robust similarity through them. "Projected" pixels are plate pixels with the squeeze of an
anamorphic plate undone (x times the pixel aspect), where a rotation is a rotation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.color import encode, to_uint8
from faceplate.face import topology
from faceplate.face.align import apply, compose, invert, resample
from faceplate.face.shape import head_model
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.track.smooth import region_groups

__all__ = ["Flow", "FlowCrop", "crop_corner", "crop_scale", "crop_window", "flow_between", "flow_crop", "skull_points"]

# A face larger than this many pixels is reduced; the fit over two hundred points is still far more accurate than a pixel.
_FACE_SIDE = 384
_CROP_SIDE = 576
_PATCH = (21, 21)
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.003)
_THERE_AND_BACK = 0.5
_SHARE_NEEDED = 0.35
_SPREAD_ALLOWED = 1.5


@dataclass(frozen=True)
class FlowCrop:
    """A display rendering around a face: `grey` uint8 (576, 576); `matrix` (2, 3) maps projected to crop pixels."""

    grey: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True)
class Flow:
    """The similarity from another frame.

    Attributes
    ----------
    matrix : np.ndarray
        (2, 3), on projected pixels.
    share : float
        Share of the skull's points that agree, 0..1.
    error : float
        Noise of the similarity in projected pixels.
    moved : tuple of int
        For each of `smooth.region_groups`, how far its points left the similarity, in thousandths of the face's scale (999:
        they could not be followed).
    """

    matrix: np.ndarray
    share: float
    error: float
    moved: tuple[int, ...]


def crop_scale(size: float) -> float:
    """Compute crop pixels per projected pixel for a face of `size`: 1, or 1/2, 1/3 and so on for one that exceeds the crop."""
    return 1.0 / max(1, math.ceil(size / _FACE_SIDE))


def crop_corner(points: np.ndarray, scale: float) -> tuple[float, float]:
    """Compute the corner of the crop around mesh `points` (478, 2+), projected pixels, aligned to the crop's own pixels."""
    corner = np.round((points[:, :2].mean(axis=0) - _CROP_SIDE / 2 / scale) * scale) / scale
    return float(corner[0]), float(corner[1])


def crop_window(corner: tuple[float, float], scale: float, pixel_aspect: float) -> Window:
    """Compute the plate pixels that `flow_crop` needs."""
    low = np.array(corner)
    ends = np.stack([low, low + _CROP_SIDE / scale]) / np.array([pixel_aspect, 1.0])
    return Window.around(ends, 4)


def flow_crop(frame: Frame, corner: tuple[float, float], scale: float, gain: float) -> FlowCrop:
    """Render the crop. At scale 1 and with square pixels the plate's pixels are used without interpolation."""
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]], np.float64)
    unsqueezed = matrix * np.array([[frame.pixel_aspect, 1.0, 1.0]])
    square = Window(0, 0, _CROP_SIDE, _CROP_SIDE)
    pixels = np.ascontiguousarray(resample(frame.pixels, frame.window, unsqueezed, square))
    light = frame.color.luminance(frame.color.to_working(pixels, frame.space))
    return FlowCrop(to_uint8(encode(light, gain)), matrix)


def flow_between(before: FlowCrop, after: FlowCrop, points: np.ndarray, guess: np.ndarray, unit: float) -> Flow | None:
    """Measure the motion of a face between two crops.

    Parameters
    ----------
    before, after : FlowCrop
        The crops of the two frames.
    points : np.ndarray
        (478, 2+), the mesh in the first frame.
    guess : np.ndarray
        (2, 3), the approximate motion, from which the search starts.
    unit : float
        The face's scale in projected pixels.

    Returns
    -------
    Flow or None
        None when the motion cannot be measured.
    """
    seeds, skull, groups = _seeds()
    start = apply(before.matrix, points[seeds, :2])
    there = apply(after.matrix, apply(guess, points[seeds, :2]))
    inside = ((start > 12) & (start < _CROP_SIDE - 12) & (there > 12) & (there < _CROP_SIDE - 12)).all(axis=1)
    if (inside & skull).sum() < 20:
        return None
    # OpenCV counts pixel centres from 0; ours lie at +0.5.
    first, expected = ((p - 0.5).astype(np.float32)[:, None] for p in (start, there))
    second, found = _track(before.grey, after.grey, first, expected)
    back, found_back = _track(after.grey, before.grey, second, first)
    error = np.linalg.norm((back - first)[:, 0], axis=1)
    good = inside & found & found_back & (error < _THERE_AND_BACK)
    if (good & skull).sum() < max(20, _SHARE_NEEDED * skull.sum()):
        return None
    a = apply(invert(before.matrix), first[:, 0].astype(np.float64) + 0.5)
    b = apply(invert(after.matrix), second[:, 0].astype(np.float64) + 0.5)
    matrix, _, _ = _robust_similarity(a[good & skull], b[good & skull])
    b, close = _closer(before, after, first, matrix)
    good &= close
    if (good & skull).sum() < 20:
        return None
    matrix, agree, spread = _robust_similarity(a[good & skull], b[good & skull])
    share = float(agree / skull.sum())
    if share < _SHARE_NEEDED or spread * float(before.matrix[0, 0]) > _SPREAD_ALLOWED:
        return None
    gap = np.linalg.norm(apply(matrix, a) - b, axis=1) / unit
    return Flow(matrix, share, spread / math.sqrt(agree), tuple(_moved(gap, good, members) for members in groups))


def _closer(before: FlowCrop, after: FlowCrop, first: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure the points again on the later crop, warped back onto the earlier one by `matrix`.

    A patch that rotates or grows biases Lucas-Kanade towards no motion (by a twentieth of the rotation); after the warp there
    is hardly any rotation left.

    Returns
    -------
    points : np.ndarray
        (n, 2), on projected pixels.
    found : np.ndarray
        bool (n,).
    """
    way = compose(after.matrix, compose(matrix, invert(before.matrix)))
    half, whole = np.array([[1, 0, -0.5], [0, 1, -0.5]]), np.array([[1, 0, 0.5], [0, 1, 0.5]])
    centred = compose(half, compose(way, whole))
    side = (_CROP_SIDE, _CROP_SIDE)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(after.grey, centred, side, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    second, found = _track(before.grey, laid, first, first, levels=1)
    there = apply(way, second[:, 0].astype(np.float64) + 0.5)
    close = np.linalg.norm((second - first)[:, 0], axis=1) < 4.0
    return apply(invert(after.matrix), there), found & close


def _moved(gap: np.ndarray, good: np.ndarray, members: np.ndarray) -> int:
    """Compute the upper quartile of a group's deviation from the skull's motion, in thousandths; 999 when too few were followed."""
    followed = good[members]
    if followed.mean() < 0.6:
        return 999
    return min(round(1000 * float(np.quantile(gap[members][followed], 0.75))), 999)


@cache
def _seeds() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Return the mesh points to follow (n,), which of them belong to the skull (n,), and each group's indices among them."""
    skull = set(skull_points().tolist())
    chosen = set(skull)
    for group in region_groups():
        inner = [p for p in group.tolist() if p not in set(topology().oval.tolist())]
        chosen.update(inner[:: max(1, len(inner) // 20)])
    seeds = np.array(sorted(chosen))
    groups = tuple(np.flatnonzero(np.isin(seeds, group)) for group in region_groups())
    return seeds, np.isin(seeds, sorted(skull)), groups


@cache
def skull_points() -> np.ndarray:
    """Select the mesh points of the skull: inside the oval, away from lips and lids, of the part that expression moves least."""
    model, mesh = head_model(), topology()
    travel = np.sqrt((model.expression.reshape(len(model.expression), -1, 3) ** 2).sum(axis=(0, 2)))
    away = np.ones(len(model.reference), bool)
    loops = (mesh.lips_loop, mesh.mouth_loop, mesh.right_eye_loop, mesh.left_eye_loop, mesh.oval)
    for loop in loops:
        gap = np.linalg.norm(model.reference[:, None, :2] - model.reference[None, loop, :2], axis=2).min(axis=1)
        away &= gap > 0.12
    away[468:] = False
    quiet = travel <= np.quantile(travel[away], 0.7)
    return np.flatnonzero(away & quiet)


def _track(
    first: np.ndarray, second: np.ndarray, points: np.ndarray, guess: np.ndarray, levels: int = _LEVELS
) -> tuple[np.ndarray, np.ndarray]:
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        np.ascontiguousarray(points),
        np.ascontiguousarray(guess).copy(),
        winSize=_PATCH,
        maxLevel=levels,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-5,
    )
    return moved, status[:, 0].astype(bool)


def _robust_similarity(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Fit by iteratively reweighted least squares with Tukey's biweight: matrix, number of inliers, and their RMS."""
    weight = np.ones(len(a))
    matrix = np.eye(2, 3)
    gap = np.zeros(len(a))
    for _ in range(8):
        matrix = _weighted_similarity(a, b, weight)
        gap = np.linalg.norm(apply(matrix, a) - b, axis=1)
        limit = max(4.685 * 1.4826 * float(np.median(gap)), 0.05)
        weight = np.maximum(1.0 - (gap / limit) ** 2, 0.0) ** 2
    agree = weight > 0
    return matrix, int(agree.sum()), float(np.sqrt((gap[agree] ** 2).mean()))


def _weighted_similarity(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fit `face.align.similarity` with a weight for every pair (n,)."""
    total = weight.sum()
    p, q = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    p_mean, q_mean = (weight * p).sum() / total, (weight * q).sum() / total
    spread = (weight * np.abs(p - p_mean) ** 2).sum()
    turn = (weight * np.conj(p - p_mean) * (q - q_mean)).sum() / spread
    shift = q_mean - turn * p_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
