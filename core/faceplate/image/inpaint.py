"""Inpainting: fill unknown pixels smoothly with an image pyramid, in time linear in the number of pixels."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.image.weighting import times

__all__ = ["fill", "heal"]

# The most channels that OpenCV's area resize takes.
_CHANNELS = 4


def fill(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Continue known values smoothly into unknown pixels.

    Pull-push: weighted averages going up the pyramid, interpolation coming down (S. Gortler et al., "The Lumigraph",
    SIGGRAPH 1996).

    Parameters
    ----------
    values : numpy.ndarray
        float32 (h, w) or (h, w, c).
    weight : numpy.ndarray
        (h, w); a pixel is known where it is above 0.

    Returns
    -------
    numpy.ndarray
        `values` where they are known, their continuation elsewhere; 0 where nothing is known at all.
    """
    weight = np.ascontiguousarray(weight, np.float32)
    if values.ndim == 3 and values.shape[2] > _CHANNELS:
        parts = [fill(values[..., k : k + _CHANNELS], weight) for k in range(0, values.shape[2], _CHANNELS)]
        return np.concatenate([part.reshape(*weight.shape, -1) for part in parts], axis=2)
    known = (weight > 0).astype(np.uint8)
    if values.size == 0 or known.all():
        return values
    filled = _fill(np.ascontiguousarray(values, np.float32), weight, known)
    return filled.reshape(values.shape)  # OpenCV drops a last axis of one


def _fill(values: np.ndarray, weight: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Do the work of `fill` for up to four channels; `known`, uint8 (h, w), is 1 where `weight` is above 0."""
    values = cv2.copyTo(values, known)
    height, width = weight.shape
    if max(height, width) == 1:
        return values
    half = ((width + 1) // 2, (height + 1) // 2)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small = cv2.resize(times(values, weight), half, interpolation=cv2.INTER_AREA)
    small = times(small, 1 / np.maximum(small_weight, np.float32(1e-12)))
    small_weight = np.minimum(small_weight * 4, np.float32(1))
    small_known = (small_weight > 0).astype(np.uint8)
    if not small_known.all():
        small = _fill(small, small_weight, small_known)
    above = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.copyTo(values, known, above)


def heal(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace NaN and infinite pixels by a continuation of their neighbours.

    Parameters
    ----------
    pixels : numpy.ndarray
        float32 (h, w, 3).

    Returns
    -------
    pixels : numpy.ndarray
        float32 (h, w, 3), finite; the same array where every pixel was.
    bad : numpy.ndarray
        bool (h, w), true where a channel was NaN or infinite.
    """
    # A sum is finite only if every term is, which is cheaper than testing each value; an overflow is tested below.
    if np.isfinite(pixels.sum(dtype=np.float64)):
        return pixels, np.zeros(pixels.shape[:2], bool)
    bad = np.asarray(~np.isfinite(pixels).all(axis=2))
    return fill(np.where(bad[..., None], np.float32(0), pixels), np.asarray(~bad, np.float32)), bad
