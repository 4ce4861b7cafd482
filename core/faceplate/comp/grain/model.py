"""The grain model: variance by signal level, spatial kernel, correlation between channels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

__all__ = ["GRAIN_REACH", "KERNEL_RADIUS", "Grain", "reduced_grain"]

GRAIN_REACH = 0.5
"""Distance around a face within which its plate's grain is measured, as a fraction of the face's size.

Hair and skin alone would bias the measurement.
"""

KERNEL_RADIUS = 3
"""Largest lag of the autocovariance and radius of the kernel, in pixels: grain up to seven pixels across."""


@dataclass(frozen=True, eq=False)
class Grain:
    """Measured grain. The variance of channel c at scene-linear value x is slope[c] * max(x, 0) + floor[c].

    Attributes
    ----------
    slope, floor : np.ndarray
        float64 (3,), in scene-linear units and in squared scene-linear units.
    kernel : np.ndarray
        float32 (3, 7, 7), the spatial filter of each channel, with unit energy.
    mixing : np.ndarray
        float32 (3, 3), the symmetric root of the correlation between the channels.
    """

    slope: np.ndarray
    floor: np.ndarray
    kernel: np.ndarray
    mixing: np.ndarray

    @classmethod
    def none(cls) -> Grain:
        """Return a model without any grain."""
        kernel = np.zeros((3, 2 * KERNEL_RADIUS + 1, 2 * KERNEL_RADIUS + 1), np.float32)
        kernel[:, KERNEL_RADIUS, KERNEL_RADIUS] = 1
        return cls(np.zeros(3), np.zeros(3), kernel, np.eye(3, dtype=np.float32))

    @property
    def empty(self) -> bool:
        """True when no channel has any grain."""
        return not (self.slope.any() or self.floor.any())

    def scaled(self, gain: float) -> Grain:
        """Return the grain of the same picture multiplied by `gain`."""
        return replace(self, slope=self.slope * gain, floor=self.floor * gain**2)

    def variance(self, signal: np.ndarray) -> np.ndarray:
        """Compute the variance of the grain on a grain-free signal.

        Parameters
        ----------
        signal : np.ndarray
            float32 (h, w, 3), scene-linear.

        Returns
        -------
        np.ndarray
            float32 (h, w, 3), squared scene-linear units.
        """
        if self.empty or signal.size == 0:
            return np.zeros(signal.shape, np.float32)
        positive = cv2.threshold(signal, 0, 0, cv2.THRESH_TOZERO)[1]
        return cv2.transform(positive, np.column_stack([np.diag(self.slope), self.floor]))


def reduced_grain(grain: Grain, proxy: int) -> Grain:
    """Compute the grain that remains in a proxy, where each pixel is the mean of `proxy` x `proxy` plate pixels.

    The variance of a mean is the sum over lags (i, j) of (n - |i|)(n - |j|) times the autocorrelation at that lag, divided
    by n^4, with n = `proxy`. The remaining grain is taken as white.
    """
    lags = np.arange(-proxy + 1, proxy)
    weights = (proxy - np.abs(lags)).astype(np.float64)
    shares = []
    for kernel in grain.kernel.astype(np.float64):
        spectrum = np.abs(np.fft.fft2(kernel, s=(64, 64))) ** 2
        correlation = np.fft.ifft2(spectrum).real
        near = correlation[np.ix_(lags, lags)] / correlation[0, 0]
        shares.append(weights @ near @ weights / proxy**4)
    left = np.maximum(np.array(shares), 0.0)
    white = Grain.none().kernel
    return replace(grain, slope=grain.slope * left, floor=grain.floor * left, kernel=white)
