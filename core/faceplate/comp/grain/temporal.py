"""Measurement of a plate's grain from what differs between two neighbouring frames, in which skin texture cancels."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.grain.measure import measure_grain
from faceplate.comp.grain.model import Grain

__all__ = ["measure_grain_between"]

# Side in pixels of the squares that are moved as a whole onto the other frame.
_SQUARE = 16
# Standard deviation in pixels of the blur that keeps the picture's tones and removes its texture.
_TONE_SIGMA = 8.0
# Standard deviation in pixels of the blur against grain before the motion is measured.
_MOTION_SIGMA = 1.0
# Share of equal pixels from which the second frame counts as a copy of the first.
_COPY = 0.5
# Coding of the pictures between which motion is measured: steps per stop, the median's value, and the darkest value in stops.
_STEPS, _MIDDLE, _DARKEST = 24.0, 150.0, -6.0
_AVERAGE = np.full((1, 3), 1 / 3)


def measure_grain_between(first: np.ndarray, second: np.ndarray) -> Grain | None:
    """Measure the grain of `first` from its difference to `second`.

    Each square of `second` is moved by whole pixels, which leaves its grain as it is, to where it lies in `first` (optical
    flow: T. Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016). The difference divided by the root of 2
    then has the grain's variance, softness and correlation, and holds only as much texture as lies between whole pixels. On the
    low-passed tones of `first` it is measured as a single picture is, by its flattest blocks.

    Parameters
    ----------
    first, second : np.ndarray
        float32 (h, w, 3), scene-linear and finite: the same part of the scene in two neighbouring frames.

    Returns
    -------
    Grain or None
        None where it cannot be measured: the second frame is a copy of the first.
    """
    apart = first - _moved(first, second)
    if np.mean(cv2.transform(np.abs(apart), _AVERAGE) == 0) > _COPY:
        return None
    tones = cv2.GaussianBlur(first, (0, 0), _TONE_SIGMA, borderType=cv2.BORDER_REFLECT)
    grain = measure_grain(tones + apart * np.float32(np.sqrt(0.5)))
    return None if grain.empty else grain


def _moved(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return `second` with its squares moved by whole pixels to where they lie in `first`."""
    height, width = first.shape[:2]
    if min(height, width) < 2 * _SQUARE:
        return second
    middle = max(float(np.median(first)), 1e-9)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    motion = flow.calc(_coded(first, middle), _coded(second, middle), np.zeros((height, width, 2), np.float32))
    squares = (-(-width // _SQUARE), -(-height // _SQUARE))
    motion = cv2.resize(motion, squares, interpolation=cv2.INTER_AREA)
    motion = np.rint(np.repeat(np.repeat(motion, _SQUARE, axis=0), _SQUARE, axis=1)[:height, :width]).astype(int)
    y, x = np.mgrid[:height, :width]
    return second[np.clip(y + motion[..., 1], 0, height - 1), np.clip(x + motion[..., 0], 0, width - 1)]


def _coded(pixels: np.ndarray, middle: float) -> np.ndarray:
    """Return the logarithm of `pixels` over `middle` as the 8-bit picture that the optical flow reads."""
    stops = np.log2(np.maximum(cv2.transform(pixels, _AVERAGE) / np.float32(middle), np.float32(2.0**_DARKEST)))
    soft = cv2.GaussianBlur(stops, (0, 0), _MOTION_SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.clip(soft * _STEPS + _MIDDLE, 0, 255).astype(np.uint8)
