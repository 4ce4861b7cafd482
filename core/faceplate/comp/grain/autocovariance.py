"""From the autocovariance of the residual to the grain's spatial kernel and the correlation between channels."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from faceplate.comp.grain.blocks import BLOCK, FEWEST_BLOCKS, HIGH_PASS_SIGMA, HIGH_PASS_TAPS
from faceplate.comp.grain.model import KERNEL_RADIUS
from faceplate.comp.grain.synthesis import safe_reciprocal

__all__ = ["grain_kernel", "residual_covariances", "symmetric_root"]

# Most blocks from which the kernel is measured; more would not improve it.
_MAX_BLOCKS = 512


def residual_covariances(
    residual: np.ndarray, chosen: tuple[np.ndarray, np.ndarray], energies: np.ndarray, expected: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Measure the residual's autocovariance and channel correlation, in units of its standard deviation.

    Parameters
    ----------
    residual : np.ndarray
        float32 (h, w, 3), the high-passed picture.
    chosen : tuple of np.ndarray
        (rows, columns) of the blocks to measure, n of them.
    energies, expected : np.ndarray
        float64 (n, 3), measured variance of the residual in these blocks and variance that the fitted line gives.

    Returns
    -------
    lags : np.ndarray or None
        Autocovariance (3, 7, 7); None when there is not enough noise to measure.
    correlation : np.ndarray
        Correlation between the channels (3, 3).
    spread : np.ndarray
        (3,), sum of squared autocorrelations: the number of pixels per independent sample.
    """
    noisy = (expected > 0).any(axis=0)
    ratio = energies / np.where(expected > 0, expected, 1)
    plain = ((ratio > 0.4) & (ratio < 1.8))[:, noisy].all(axis=1)
    index = np.flatnonzero(plain)
    if not noisy.any() or len(index) < FEWEST_BLOCKS:
        return None, np.eye(3), np.ones(3)
    index = index[:: -(-len(index) // _MAX_BLOCKS)]
    rows, columns = chosen[0][index] * BLOCK, chosen[1][index] * BLOCK
    inner = np.arange(BLOCK)
    patches = residual[(rows[:, None] + inner)[:, :, None], (columns[:, None] + inner)[:, None, :]]
    patches = patches * safe_reciprocal(np.sqrt(expected[index]).astype(np.float32))[:, None, None, :]
    correlation = np.eye(3)
    # A channel without variation has no correlation; `symmetric_root` handles the NaN.
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation[np.ix_(noisy, noisy)] = np.corrcoef(patches[..., noisy].reshape(-1, int(noisy.sum())).T)
    spectrum = np.abs(np.fft.rfft2(np.moveaxis(patches, 3, 0), s=(2 * BLOCK,) * 2)) ** 2
    sums = np.fft.irfft2(spectrum.mean(axis=1), s=(2 * BLOCK,) * 2)
    steps = np.arange(-KERNEL_RADIUS, KERNEL_RADIUS + 1)
    pairs = (BLOCK - np.abs(steps))[:, None] * (BLOCK - np.abs(steps))[None, :]
    lags = sums[:, steps[:, None], steps[None, :]] / pairs
    lags[~noisy] = _white_noise_lags()
    spread = (lags**2).sum(axis=(1, 2)) / lags[:, KERNEL_RADIUS, KERNEL_RADIUS] ** 2
    return lags, correlation, spread


@cache
def _high_pass_autocorrelation() -> np.ndarray:
    """Compute the autocorrelation of the measuring high-pass filter, float64 (25, 25), with lag 0 in the middle."""
    taps = cv2.getGaussianKernel(HIGH_PASS_TAPS, HIGH_PASS_SIGMA)
    kernel = -(taps @ taps.T)
    kernel[HIGH_PASS_TAPS // 2, HIGH_PASS_TAPS // 2] += 1
    side = 2 * HIGH_PASS_TAPS - 1
    power = np.abs(np.fft.rfft2(kernel, s=(side, side))) ** 2
    return np.fft.fftshift(np.fft.irfft2(power, s=(side, side)))


def _white_noise_lags() -> np.ndarray:
    """Compute the measured autocovariance of white noise with variance 1, float64 (7, 7)."""
    near = slice(HIGH_PASS_TAPS - 1 - KERNEL_RADIUS, HIGH_PASS_TAPS + KERNEL_RADIUS)
    return _high_pass_autocorrelation()[near, near]


def grain_kernel(lags: np.ndarray) -> tuple[float, np.ndarray]:
    """Recover the grain's spatial filter from the residual's autocovariance.

    The residual's autocovariance is the grain's convolved with the high-pass filter's own, which is a linear system in the
    lags. The filter is the zero-phase root of the spectrum; it has the right autocorrelation and unit energy.

    Parameters
    ----------
    lags : np.ndarray
        (7, 7), from `residual_covariances`.

    Returns
    -------
    gain : float
        The residual's variance divided by the grain's variance.
    kernel : np.ndarray
        (7, 7).
    """
    side = 2 * KERNEL_RADIUS + 1
    grain = (_inverse_high_pass() @ lags.ravel()).reshape(side, side)
    grain = (grain + grain[::-1, ::-1]) / 2
    if grain[KERNEL_RADIUS, KERNEL_RADIUS] <= 0:
        grain = np.where(np.arange(side * side).reshape(side, side) == side * side // 2, lags.max(), 0.0)
    wide = np.zeros((32, 32))
    steps = np.arange(-KERNEL_RADIUS, KERNEL_RADIUS + 1)
    wide[steps[:, None], steps[None, :]] = grain
    root = np.fft.ifft2(np.sqrt(np.maximum(np.fft.fft2(wide).real, 0))).real
    kernel = root[steps[:, None], steps[None, :]]
    kernel = kernel / np.linalg.norm(kernel)
    return float(lags[KERNEL_RADIUS, KERNEL_RADIUS] / grain[KERNEL_RADIUS, KERNEL_RADIUS]), kernel


@cache
def _inverse_high_pass() -> np.ndarray:
    """Invert the system that maps the grain's 49 autocovariances to the residual's, float64 (49, 49)."""
    own, side = _high_pass_autocorrelation(), 2 * KERNEL_RADIUS + 1
    middle = own.shape[0] // 2
    y, x = (axis.ravel() for axis in np.mgrid[:side, :side])
    return np.linalg.inv(own[middle + y[:, None] - y[None, :], middle + x[:, None] - x[None, :]])


def symmetric_root(matrix: np.ndarray) -> np.ndarray:
    """Compute the symmetric root of a correlation matrix, with rows normalised to length 1; identity when it is not finite."""
    if not np.isfinite(matrix).all():  # the correlation of a plate without noise is undefined
        return np.eye(len(matrix))
    values, vectors = np.linalg.eigh(matrix)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root / np.linalg.norm(root, axis=1, keepdims=True)
