"""Inpainting: fill unknown pixels smoothly with an image pyramid, in time linear in the number of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceplate.image.weighting import times

__all__ = ["fill", "fill_each", "heal"]

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
    if values.ndim == 3 and values.shape[2] > _CHANNELS:
        parts = [np.ascontiguousarray(values[..., k : k + _CHANNELS]) for k in range(0, values.shape[2], _CHANNELS)]
        return cv2.merge(fill_each(parts, weight))
    return fill_each([values], weight)[0]


def fill_each(pictures: Sequence[np.ndarray], weight: np.ndarray) -> list[np.ndarray]:
    """Do what `fill` does for several `pictures`, float32 (h, w) or (h, w, c) with at most four channels, that share a `weight`."""
    weight = np.ascontiguousarray(weight, np.float32)
    known = (weight > 0).astype(np.uint8)
    if weight.size == 0 or known.all():
        return list(pictures)
    # Weights of 0 and 1 need no product with the values, which are 0 already where they are unknown.
    is_mask = float(weight.max()) <= 1 and cv2.sumElems(weight)[0] == cv2.countNonZero(known)
    shown = [cv2.copyTo(np.ascontiguousarray(values, np.float32), known) for values in pictures]
    filled = _fill(shown, weight, known, is_mask)
    # OpenCV drops a last axis of one.
    return [done.reshape(values.shape) for done, values in zip(filled, pictures, strict=True)]


def _fill(pictures: list[np.ndarray], weight: np.ndarray, known: np.ndarray, is_mask: bool) -> list[np.ndarray]:
    """Do the work of `fill_each`; `known`, uint8 (h, w), is 1 where `weight` is above 0, and `pictures` are 0 elsewhere."""
    height, width = weight.shape
    if max(height, width) == 1:
        return pictures
    half = ((width + 1) // 2, (height + 1) // 2)
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    share = 1 / np.maximum(small_weight, np.float32(1e-12))
    small = [
        times(cv2.resize(values if is_mask else times(values, weight), half, interpolation=cv2.INTER_AREA), share)
        for values in pictures
    ]
    small_weight = np.minimum(small_weight * 4, np.float32(1))
    small_known = (small_weight > 0).astype(np.uint8)
    if not small_known.all():
        small = _fill(small, small_weight, small_known, False)
    return [
        cv2.copyTo(values, known, cv2.resize(above, (width, height), interpolation=cv2.INTER_LINEAR))
        for values, above in zip(pictures, small, strict=True)
    ]


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
    if pixels.size == 0 or np.isfinite(cv2.sumElems(pixels)).all():
        return pixels, np.zeros(pixels.shape[:2], bool)
    bad = np.asarray(~np.isfinite(pixels).all(axis=2))
    return fill(np.where(bad[..., None], np.float32(0), pixels), np.asarray(~bad, np.float32)), bad
