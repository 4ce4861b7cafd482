"""Edges of the occlusion matte on the plate's own pixels, found from the colours on either side."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.occlusion.regions import without_floating, without_holes, without_specks
from faceplate.comp.occlusion.square import REC709_LUMINANCE, SIDE, sigmoid
from faceplate.face import Face
from faceplate.face.align import apply, compose, invert, resample, scale_of
from faceplate.image.inpaint import fill
from faceplate.image.soft_steps import disc, smoothstep
from faceplate.image.window import Window

__all__ = ["edges_on_plate"]

# Largest face in pixels on the grid where edges are found: enough for a strand of hair, and a limit to the cost.
_FINEST_FACE = 512.0

# Blurs of at least this many pixels are computed at half resolution.
_COARSE_SIGMA = 4.0

_SUM = np.ones((1, 3), np.float32)

# Edges are searched where the raised probability is above the first value, and this many of the network's pixels around.
_UNCERTAIN, _ROOM = 0.1, 20

# Distance outside the face's outline within which edges are searched, in the network's pixels.
_BESIDE = 8

# Largest half width of a strand, in the network's pixels, and the factor by which its probability is raised.
_STRAND_WIDTH, _STRAND_GAIN = 4.0, 3.0

# The weight of a region of the network's map rises from 0 to 1 between these lengths, in the network's pixels (a tooth is no
# occluder), and between these mean probabilities (nor is a wrinkle, or a curl of beard).
_SPECK, _CERTAIN = (14.0, 26.0), (0.18, 0.34)

# Lengths between which regions of the finished matte, and holes in it, get their full weight, as parts of the face's size; and
# the mean alpha between which a region counts as sure.
_ISLAND, _HOLE, _SOLID = (0.03, 0.06), (0.01, 0.025), (0.2, 0.4)

# Variance of the guide, the square root of the relative luminance, below which its changes place no edge.
_GUIDE_NOISE = 8e-3

# Cells around what has edges from which the guided filter reads.
_GUIDED = 6

# Values are clipped at this many times the face's level.
_HOT = 8.0


def edges_on_plate(
    odds: np.ndarray,
    hull: np.ndarray,
    needed: np.ndarray | None,
    linear: np.ndarray,
    levels: np.ndarray,
    face: Face,
    window: Window,
    square: np.ndarray,
) -> np.ndarray:
    """Turn the network's log-odds into a matte on the plate's pixels, with edges where the plate's colours change.

    Edges are found on a grid that is the plate's own for a face of up to 512 pixels; beyond that a guided filter carries the
    matte to the plate's pixels.

    Parameters
    ----------
    odds : np.ndarray
        float32 (SIDE, SIDE), log-odds of being hidden.
    hull : np.ndarray
        bool (SIDE, SIDE), inside the face's outline. Edges are searched there and a little beyond.
    needed : np.ndarray or None
        float32 (SIDE, SIDE), 0..1, where a piece must be connected with somewhere else (`roots.needs_root`); None for nowhere.
    linear : np.ndarray
        float32 (h, w, 3), the plate in linear Rec.709 on `window`.
    levels : np.ndarray
        float32 (3,), the face's level in each channel.
    face, window
        The face, and the plate pixels of `linear`.
    square : np.ndarray
        (2, 3), from the plate to the network's square.

    Returns
    -------
    np.ndarray
        float32 (h, w), 0..1.
    """
    shrink = min(1.0, _FINEST_FACE / face.size)
    fine = Window(0, 0, max(round(window.width * shrink), 1), max(round(window.height * shrink), 1))
    across, down = fine.width / window.width, fine.height / window.height
    to_fine = np.array([[across, 0, -window.x * across], [0, down, -window.y * down]], np.float64)
    found, from_square = _raise_strands(odds), compose(to_fine, invert(square))
    beside = cv2.dilate(hull.astype(np.uint8), disc(_BESIDE))
    near = _uncertain_window(found[..., 1] * beside, from_square).intersect(fine)
    matte = np.zeros((fine.height, fine.width), np.float32)
    if near.empty:
        return cv2.resize(matte, (window.width, window.height))
    seen = near if shrink == 1.0 else near.grow(_GUIDED).intersect(fine)
    pixels = np.clip(resample(linear, window, to_fine, seen) / levels, 0.0, _HOT)
    hidden = np.clip(resample(found, Window(0, 0, SIDE, SIDE), from_square, near), 0.0, 1.0)
    part = _edge_alpha(hidden[..., 0], hidden[..., 1], pixels[near.slices(seen)], scale_of(from_square))
    if needed is not None:
        rooted = resample(needed, Window(0, 0, SIDE, SIDE), from_square, near).reshape(part.shape)
        part = without_floating(part, rooted, face.size * shrink)
    part = _of_full_size(part, face.size * shrink)
    matte[near.slices(fine)] = part
    if shrink == 1.0:
        return matte
    return _guided_enlarge(matte, pixels, seen.slices(fine), linear, levels)


def _of_full_size(matte: np.ndarray, size: float) -> np.ndarray:
    """Fade islands and holes of `matte` (h, w) that are too small for a face of `size` pixels."""
    held = without_specks(matte, (_ISLAND[0] * size, _ISLAND[1] * size), _SOLID, matte)
    return without_holes(held, (_HOLE[0] * size, _HOLE[1] * size))


def _uncertain_window(sure: np.ndarray, from_square: np.ndarray) -> Window:
    """Find the window on the grid of `from_square` that covers all places where `sure` (SIDE, SIDE) is not 0, with a margin."""
    rows, columns = np.nonzero(sure > _UNCERTAIN)
    if rows.size == 0:
        return Window(0, 0, 0, 0)
    low, high = (np.array([end(columns), end(rows)], np.float64) for end in (np.min, np.max))
    low, high = low - _ROOM, high + 1 + _ROOM
    return Window.around(apply(from_square, np.array([low, high, (low[0], high[1]), (high[0], low[1])])))


def _raise_strands(odds: np.ndarray) -> np.ndarray:
    """Compute the probability of the log-odds, as it is and with thin objects raised, (SIDE, SIDE, 2).

    A strand that fills a third of the network's pixel has a probability of a third there, but is as certain as a hand.
    """
    hidden = sigmoid(odds)
    hidden[[0, -1]] = hidden[:, [0, -1]] = 0.0  # nothing is known beyond the square, so nothing is hidden there
    thin = hidden - cv2.morphologyEx(hidden, cv2.MORPH_OPEN, disc(_STRAND_WIDTH))
    sure = np.minimum(hidden + _STRAND_GAIN * thin, 1.0)
    weight = without_specks(sure, _SPECK, _CERTAIN, hidden) / np.maximum(sure, np.float32(1e-6))
    return np.stack([hidden, sure], axis=-1) * weight[..., None]


def _edge_alpha(hidden: np.ndarray, sure: np.ndarray, pixels: np.ndarray, unit: float) -> np.ndarray:
    """Compute the matte float32 (h, w) for the network's probability `hidden` (h, w) over `pixels` (h, w, 3).

    Near the edge the colours of the face and of the occluder are each extrapolated from where they are certain, and a pixel's
    alpha is its position on the line between the two. Where these colours are alike, the probability itself is used.

    Parameters
    ----------
    hidden, sure : np.ndarray
        float32 (h, w), the probability as it is and with strands raised.
    pixels : np.ndarray
        float32 (h, w, 3), relative to the face's level.
    unit : float
        Size of one of the network's pixels in these pixels.
    """
    near = cv2.dilate(sure, disc(1.5 * unit))
    face = _local_average(
        pixels, cv2.erode((sure < 0.15).astype(np.uint8), disc(0.7 * unit)).astype(np.float32), 4.0 * unit
    )
    away = _dot(pixels - face, pixels - face)
    front = _local_average(pixels, sure**2 * (away + np.float32(0.01)), 3.0 * unit)
    line = front - face
    length = _dot(line, line)
    place = _dot(pixels - face, line) / np.maximum(length, np.float32(1e-6))
    trust = length / (length + np.float32(0.02) * _dot(face, face) + np.float32(1e-4))
    place = cv2.GaussianBlur(place, (0, 0), 0.6)
    # A strand's own colour is rarely seen unmixed, so a smaller part of it counts as full coverage.
    whole = np.float32(0.7) - np.minimum(sure - hidden, np.float32(0.5))
    alpha = trust * smoothstep(place, 0.1, whole) * smoothstep(near, 0.2, 0.6) + (1 - trust) * smoothstep(
        sure, 0.1, 0.3
    )
    return np.maximum(alpha, smoothstep(hidden, 0.4, 0.75)).astype(np.float32)


def _local_average(pixels: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Compute the weighted average of `pixels` (h, w, 3) around each pixel; without weight nearby, a smooth continuation."""
    height, width = weight.shape
    # Such a smooth result needs half the resolution only.
    step = 2 if sigma >= _COARSE_SIGMA else 1
    size = (-(-width // step), -(-height // step))
    held, carried = weight, pixels * weight[..., None]
    if step > 1:
        held, carried = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (held, carried))
    held, carried = (cv2.GaussianBlur(part, (0, 0), sigma / step) for part in (held, carried))
    known = held > 1e-3
    filled = fill(carried / np.maximum(held, np.float32(1e-3))[..., None], known.astype(np.float32))
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR) if step > 1 else filled


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compute the dot product of two pictures' colours, float32 (h, w)."""
    return cv2.transform(first * second, _SUM)


def _guided_enlarge(
    matte: np.ndarray, pixels: np.ndarray, part: tuple[slice, slice], linear: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """Enlarge `matte` (gh, gw), found on the small `pixels` of its `part`, to the plate `linear` (h, w, 3), float32 (h, w).

    The matte is 0 beyond the part, and within a few cells of its edges. `pixels` are relative to the face's `levels` (3,).

    K. He, J. Sun, "Fast Guided Filter", arXiv:1505.00996, 2015: locally the matte is a * guide + b. a and b are smooth, so
    they are enlarged, and the large guide places the edge.
    """
    size = (linear.shape[1], linear.shape[0])
    rows, columns = (
        slice(whole * cells.start // count, -(-whole * cells.stop // count))
        for cells, whole, count in zip(part, linear.shape[:2], matte.shape, strict=True)
    )
    small, shown = np.sqrt(pixels @ REC709_LUMINANCE), matte[part]
    large = np.sqrt(np.clip(linear[rows, columns] / levels, 0.0, _HOT) @ REC709_LUMINANCE)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (5, 5))

    def enlarged(values: np.ndarray) -> np.ndarray:
        whole = np.zeros_like(matte)
        whole[part] = values
        return cv2.resize(whole, size, interpolation=cv2.INTER_LINEAR)[rows, columns]

    mean_guide, mean_matte = mean(small), mean(shown)
    spread = mean(small * small) - mean_guide**2
    slope = (mean(small * shown) - mean_guide * mean_matte) / (spread + np.float32(_GUIDE_NOISE))
    offset = mean_matte - slope * mean_guide
    slope, offset = enlarged(mean(slope)), enlarged(mean(offset))
    # Where the matte is 0 or 1 there is no edge to place, and the filter would only blur it.
    solid = np.abs(2 * enlarged(mean_matte) - 1) > 0.98
    # The guide's texture must not add specks: no value beyond those of the small matte nearby.
    around = np.ones((3, 3), np.uint8)
    least, most = enlarged(cv2.erode(shown, around)), enlarged(cv2.dilate(shown, around))
    result = np.zeros(size[::-1], np.float32)
    result[rows, columns] = np.where(solid, enlarged(shown), np.clip(slope * large + offset, least, most))
    return result
