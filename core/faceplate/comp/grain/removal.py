"""Removal of grain by wavelet shrinkage."""

from __future__ import annotations

import cv2
import numpy as np

from faceplate.comp.grain.measure import measure_grain
from faceplate.comp.grain.model import Grain
from faceplate.comp.grain.synthesis import safe_reciprocal, smooth_signal
from faceplate.image.weighting import times

__all__ = ["BASE_SIGMA", "degrain", "extract_grain", "share_taken"]

# Standard deviation of the base's blur as a fraction of the face's size: coarser changes of tone are shading, finer ones
# are detail. `comp.detail` uses the same limit.
BASE_SIGMA = 0.008

# A local mean of squares in pure noise reaches this multiple of the variance by chance.
_CHANCE_PEAK = 1.6

# 4 / (_SHRINK n) for the n of about 5 independent samples of soft grain in a local mean of squares.
_BY_CHANCE = 0.5

_SPLINE = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def degrain(
    pixels: np.ndarray, strength: float, size: float, grain: Grain | None = None, least: float = 0.0
) -> np.ndarray:
    """Remove grain from a picture.

    An undecimated wavelet transform (à trous, J.-L. Starck, F. Murtagh, 1994) whose coefficients are shrunk by the local
    Wiener gain for the grain's own spectrum (M. Mıhçak et al., "Low-complexity image denoising based on statistical
    modeling", 1999). All three channels share one gain, so that an edge in any of them is kept in all.

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear.
    strength : float
        Multiplies the variance that is taken for grain; 1 uses it as measured.
    size : float
        The face's size in these pixels; limits how coarse a pattern counts as grain.
    grain : Grain, optional
        Measured on `pixels` by default.
    least : float
        Coarse octaves that hold a smaller part of the grain's variance are left as they are.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3); the same array when there is no grain to remove.
    """
    if strength <= 0:
        return pixels
    grain = grain or measure_grain(pixels)
    return pixels if grain.empty else cv2.subtract(pixels, extract_grain(pixels, strength, size, grain, least)[0])


def _octave_count(size: float) -> int:
    """Choose how many octaves can hold grain: from two to four, as far as they are finer than the base of `split_detail`."""
    return int(np.clip(np.round(np.log2(max(size, 1) * 2.5 * BASE_SIGMA)), 2, 4))


def extract_grain(
    pixels: np.ndarray, strength: float, size: float, grain: Grain, least: float = 0.0
) -> tuple[np.ndarray, tuple[tuple[float, np.ndarray], ...]]:
    """Extract the part of a picture that shrinkage takes for grain; the parameters are those of `degrain`.

    Returns
    -------
    taken : np.ndarray
        float32 (h, w, 3).
    octaves : tuple
        For each octave the part of the grain's variance in it, and the gain (h, w) with which the octave was taken.
    """
    weight = safe_reciprocal(grain.variance(smooth_signal(pixels)) * np.float32(_CHANCE_PEAK * strength))
    taken, octaves = np.zeros_like(pixels), []
    current = pixels
    # Large faces exceed the processor's caches, so no step makes an array that it can do without.
    for level, share in enumerate(_octave_variances(grain, _octave_count(size))):
        if level and share.max() < least:
            break
        taps = _spline_taps(level)
        coarse = cv2.sepFilter2D(current, -1, taps, taps, borderType=cv2.BORDER_REFLECT)
        band = cv2.subtract(current, coarse)
        loud = cv2.multiply(band, band)
        loud = cv2.transform(cv2.multiply(loud, weight, dst=loud), (1 / (3 * share))[None, :])
        side = 5 * 2**level
        loud = cv2.blur(loud, (side, side), borderType=cv2.BORDER_REFLECT)
        removed = np.divide(np.float32(1), np.maximum(loud, np.float32(1), out=loud), out=loud)
        cv2.add(taken, times(band, removed, out=band), dst=taken)
        octaves.append((float(share.mean()), removed))
        current = coarse
    without = weight <= 0
    if without.any():  # a channel that has no grain at this level
        taken[without] = 0
    return taken, tuple(octaves)


def share_taken(removed: np.ndarray) -> np.ndarray:
    """Compute the share of an octave's grain that was taken from the gain `removed` of `extract_grain`, (h, w).

    Where the grain is strong by chance, less of it is taken. The share is corrected for that.
    """
    return removed * np.where(removed < 1, np.sqrt(1 - np.float32(_BY_CHANCE) * removed), np.float32(1))


def _spline_taps(level: int) -> np.ndarray:
    """Build the dilated B3 spline, float32, with taps 2^level apart."""
    taps = np.zeros(4 * 2**level + 1, np.float32)
    taps[:: 2**level] = _SPLINE
    return taps


def _octave_variances(grain: Grain, levels: int) -> list[np.ndarray]:
    """Compute for each wavelet level the part (3,) of each channel's grain variance that falls into it."""
    side = 64
    spectrum = np.abs(np.fft.fft2(grain.kernel.astype(np.float64), s=(side, side))) ** 2
    passed, shares = np.ones((side, side)), []
    for level in range(levels):
        line = np.abs(np.fft.fft(_spline_taps(level).astype(np.float64), side))
        low = passed * np.outer(line, line)
        # The spline's response is real and positive, so its magnitude is the response itself.
        shares.append((spectrum * (passed - low) ** 2).mean(axis=(1, 2)))
        passed = low
    return [np.maximum(share, 1e-9) for share in shares]
