"""Statistics of 8 x 8 pixel blocks, and the choice of the blocks that are flat enough to show grain alone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.comp.grain.model import Grain

__all__ = [
    "BLOCK",
    "FEWEST_BLOCKS",
    "HIGH_PASS_SIGMA",
    "HIGH_PASS_TAPS",
    "LUMINANCE_CLASSES",
    "BlockStatistics",
    "block_means",
    "block_statistics",
    "expected_structure",
    "flattest_blocks",
    "usable_blocks",
]

BLOCK = 8
"""Side of a block in pixels."""


HIGH_PASS_SIGMA = 2.0

HIGH_PASS_TAPS = 13

# Standard deviations of the two high-pass filters behind `BlockStatistics.structure`.
_OCTAVE_SIGMA = 1.5  # in quarter-size pixels

_STEP_SIGMA = 1.0  # in blocks

LUMINANCE_CLASSES = 16
"""Number of luminance classes into which a picture's blocks are sorted."""


# Share of each luminance class that is always selected.
_FLATTEST_SHARE = 0.05

FEWEST_BLOCKS = 4
"""Fewest blocks from which grain is estimated."""


_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32) / 8

_AVERAGE = np.full((1, 3), 1 / 3)


@dataclass(frozen=True, eq=False)
class BlockStatistics:
    """The high-frequency residual of a picture and the statistics of its blocks.

    `structure` measures texture and edges with quantities that are independent of the block's own grain: the octaves above
    the residual's octave in the block, and the residual's energy in the eight blocks around it.

    Attributes
    ----------
    residual : np.ndarray
        float32 (h, w, 3), the picture minus its low frequencies.
    mean, energy : np.ndarray
        float32 (n, m, 3), mean of the picture and mean square of the residual in each block.
    structure : np.ndarray
        float32 (n, m).
    """

    residual: np.ndarray
    mean: np.ndarray
    energy: np.ndarray
    structure: np.ndarray


def block_statistics(pixels: np.ndarray) -> BlockStatistics:
    """Compute the block statistics of `pixels`, float32 (h, w, 3), scene-linear."""
    height, width = (side - side % BLOCK for side in pixels.shape[:2])
    if min(height, width) == 0:
        none = np.zeros((0, 0, 3), np.float32)
        return BlockStatistics(pixels, none, none, np.zeros((0, 0), np.float32))
    size = (HIGH_PASS_TAPS, HIGH_PASS_TAPS)
    low = cv2.GaussianBlur(pixels, size, HIGH_PASS_SIGMA, borderType=cv2.BORDER_REFLECT)
    residual = (pixels - low)[:height, :width]
    blocks = (width // BLOCK, height // BLOCK)
    mean = block_means(pixels[:height, :width], blocks)
    energy = block_means(residual * residual, blocks)
    quarter = block_means(low[:height, :width], (width // 4, height // 4))
    quarter = cv2.transform(quarter, _AVERAGE)
    away = quarter - cv2.GaussianBlur(quarter, (0, 0), _OCTAVE_SIGMA, borderType=cv2.BORDER_REFLECT)
    tone = cv2.transform(mean, _AVERAGE)
    step = tone - cv2.GaussianBlur(tone, (0, 0), _STEP_SIGMA, borderType=cv2.BORDER_REFLECT)
    around = cv2.filter2D(cv2.transform(energy, _AVERAGE), -1, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT)
    return BlockStatistics(residual, mean, energy, around + block_means(away * away, blocks) + step * step)


def block_means(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Average `values` over blocks. `size` is (width, height) in blocks and divides the picture's size."""
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def expected_structure(grain: Grain, mean: np.ndarray) -> np.ndarray:
    """Compute the mean of `BlockStatistics.structure` for blocks that hold nothing but `grain`.

    Parameters
    ----------
    grain : Grain
        The grain model.
    mean : np.ndarray
        float32 (n, m, 3), the mean of each block.

    Returns
    -------
    np.ndarray
        float32 (n, m).
    """
    side = 64
    y, x = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]

    def blur(sigma: float) -> np.ndarray:
        return np.exp(-2 * np.pi**2 * sigma**2 * (x * x + y * y))

    def box(width: int) -> np.ndarray:
        return np.abs(np.fft.fft2(np.full((width, width), 1 / width**2), s=(side, side)))

    away = blur(HIGH_PASS_SIGMA) * box(4) * (1 - blur(4 * _OCTAVE_SIGMA))
    step = box(BLOCK) * (1 - blur(BLOCK * _STEP_SIGMA))
    spectra = np.fft.fft2(grain.kernel.astype(np.float64), s=(side, side))
    variance = grain.variance(mean)
    fine = (np.abs(spectra) ** 2 * (1 - blur(HIGH_PASS_SIGMA)) ** 2).mean(axis=(1, 2))
    deviation = np.sqrt(variance) / 3
    mixed = np.einsum("ikl,ij,jkl,kl->ij", spectra, grain.mixing @ grain.mixing, spectra.conj(), away**2 + step**2)
    coarse = np.einsum("nmi,ij,nmj->nm", deviation, mixed.real.astype(np.float32) / side**2, deviation)
    return coarse + (variance * fine.astype(np.float32)).mean(axis=2)


def usable_blocks(bands: BlockStatistics, region: np.ndarray) -> np.ndarray:
    """Select the blocks that lie wholly in the region, bool (n, m).

    Blocks on the picture's edge, where the filter used mirrored pixels, are included only when there are too few others.
    """
    rows, columns = bands.structure.shape
    if rows == 0 or columns == 0:
        return np.zeros((rows, columns), bool)
    whole = block_means(region[: rows * BLOCK, : columns * BLOCK].astype(np.float32), (columns, rows)) > 0.999
    middle = np.zeros_like(whole)
    middle[1:-1, 1:-1] = whole[1:-1, 1:-1]
    return middle if middle.sum() >= FEWEST_BLOCKS * LUMINANCE_CLASSES else whole


def flattest_blocks(
    bands: BlockStatistics, usable: np.ndarray, accepted: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Select the flattest blocks of each luminance class, and all blocks whose structure is below `accepted` (n, m).

    Returns
    -------
    tuple
        ((rows, columns), classes): the indices of the selected blocks and the luminance class of each.
    """
    rows, columns = np.nonzero(usable)
    order = np.argsort(bands.mean[rows, columns].mean(axis=1), kind="stable")
    count = max(min(LUMINANCE_CLASSES, len(order) // 16), 1)
    excess = bands.structure - accepted
    kept, classes = [], []
    for label, members in enumerate(np.array_split(order, count)):
        beyond = excess[rows[members], columns[members]]
        flat = members[np.argsort(beyond, kind="stable")]
        flat = flat[: max(round(len(flat) * _FLATTEST_SHARE), min(len(flat), FEWEST_BLOCKS), int((beyond < 0).sum()))]
        kept.append(flat)
        classes.append(np.full(len(flat), label))
    index = np.concatenate(kept)
    return (rows[index], columns[index]), np.concatenate(classes)
