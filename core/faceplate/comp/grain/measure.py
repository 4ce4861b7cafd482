"""Measurement of a plate's grain."""

from __future__ import annotations

import numpy as np

from faceplate.comp.grain.autocovariance import grain_kernel, residual_covariances, symmetric_root
from faceplate.comp.grain.blocks import (
    BLOCK,
    FEWEST_BLOCKS,
    BlockStatistics,
    block_statistics,
    expected_structure,
    flattest_blocks,
    usable_blocks,
)
from faceplate.comp.grain.model import Grain
from faceplate.comp.grain.noise_fit import fit_noise

__all__ = ["estimate_grain", "measure_grain"]

# How often the blocks are chosen.
_PASSES = 3

_FLATNESS_TOLERANCE = 1.1
"""A block counts as flat when its structure is below this many times the structure expected of grain alone."""


def measure_grain(plate: np.ndarray, region: np.ndarray | None = None) -> Grain:
    """Measure the grain of a plate.

    The picture's blocks are sorted by luminance and the flattest of each class are measured. Flatness is judged by the
    octaves *above* those that are measured and by the neighbouring blocks, so that the choice does not favour blocks whose
    grain happens to be low. (X. Liu, M. Tanaka, M. Okutomi, "Single-image noise level estimation for blind denoising", IEEE
    TIP 2013, choose again after each estimate, as is done here.) The residual's energy is converted to the grain's by
    solving for the autocovariance that the high-pass filter turned into the measured one (J. Immerkær, "Fast noise variance
    estimation", CVIU 1996, extended to noise that is not white).

    Parameters
    ----------
    plate : np.ndarray
        float32 (h, w, 3), scene-linear and finite.
    region : np.ndarray, optional
        bool (h, w), the pixels to measure; the whole plate by default.

    Returns
    -------
    Grain
        `Grain.none()` when the region has too few whole blocks. A plate multiplied by 2^k gives the slope multiplied by 2^k
        and the floor multiplied by 4^k.
    """
    if region is None:
        region = np.ones(plate.shape[:2], bool)
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size == 0:
        return Grain.none()
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return estimate_grain(block_statistics(plate[inside]), region[inside])


def estimate_grain(bands: BlockStatistics, region: np.ndarray, passes: int = _PASSES) -> Grain:
    """Estimate the grain of `bands` inside `region`, bool (h, w), choosing the blocks again after each of `passes` estimates."""
    usable = usable_blocks(bands, region)
    grain, accepted = Grain.none(), np.zeros_like(bands.structure)
    # The flattest blocks are slightly biased to little grain; the set of all blocks that grain explains is not.
    for left in reversed(range(passes)):
        grain = _estimate_once(bands, *flattest_blocks(bands, usable, accepted))
        if grain.empty or not left:
            break
        accepted = np.float32(_FLATNESS_TOLERANCE) * expected_structure(grain, bands.mean)
    return grain


def _estimate_once(bands: BlockStatistics, chosen: tuple[np.ndarray, np.ndarray], classes: np.ndarray) -> Grain:
    """Estimate the grain from the chosen blocks and their luminance classes."""
    if len(chosen[0]) < FEWEST_BLOCKS:
        return Grain.none()
    means, energies = bands.mean[chosen].astype(np.float64), bands.energy[chosen].astype(np.float64)
    fits = [fit_noise(means[:, c], energies[:, c], classes) for c in range(3)]
    expected = np.stack([a * np.maximum(means[:, c], 0) + b for c, (a, b) in enumerate(fits)], axis=1)
    lags, correlation, spread = residual_covariances(bands.residual, chosen, energies, expected)
    if lags is None:
        return Grain.none()
    gains, kernels = zip(*(grain_kernel(lags[c]) for c in range(3)), strict=True)
    gain = np.array(gains) * _median_bias(BLOCK**2 / spread)
    slope, floor = np.array(fits).T / gain
    return Grain(slope, floor, np.stack(kernels).astype(np.float32), symmetric_root(correlation).astype(np.float32))


def _median_bias(degrees: np.ndarray) -> np.ndarray:
    """Compute median over mean of a chi-squared variable (E. Wilson, M. Hilferty, PNAS 1931)."""
    return (1 - 2 / (9 * np.maximum(degrees, 1))) ** 3
