"""Synthesis of grain: the same pixel of a plate always gets the same grain, whatever window is rendered."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import cv2
import numpy as np

from faceplate.comp.grain.blocks import HIGH_PASS_TAPS
from faceplate.comp.grain.model import KERNEL_RADIUS, Grain
from faceplate.image.window import Window

__all__ = ["safe_reciprocal", "smooth_signal", "synthesise_grain", "unit_noise"]

_TILE = 64

# Neighbourhoods for cv2.dilate: the tiles that need a whole tile of white noise, and those that need its first rows only.
_BESIDE_TILE = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1]], np.uint8)

_BELOW_TILE = np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0]], np.uint8)

# Standard deviation in pixels of the blur in `smooth_signal`.
_SIGNAL_SIGMA = 2.0


def synthesise_grain(grain: Grain, signal: np.ndarray, window: Window, frame: int, seed: int = 0) -> np.ndarray:
    """Synthesise grain for a signal.

    A pixel's grain depends on its position in the plate, the frame number and the seed, whatever the window. Its amplitude
    follows the signal, smoothed over 2 pixels so that grain already present does not modulate it.

    Parameters
    ----------
    grain : Grain
        The grain model.
    signal : np.ndarray
        float32 (h, w, 3), scene-linear, on the plate's pixels `window`.
    window : Window
        The plate pixels of `signal`.
    frame, seed : int
        Select the noise pattern.

    Returns
    -------
    np.ndarray
        float32 (h, w, 3), to be added to the signal.
    """
    if grain.empty or window.empty:
        return np.zeros((window.height, window.width, 3), np.float32)
    amplitude = np.sqrt(grain.variance(smooth_signal(signal)))
    return unit_noise(grain, window, frame, seed) * amplitude


def smooth_signal(signal: np.ndarray) -> np.ndarray:
    """Low-pass a picture (h, w, 3) so that its own grain does not modulate the grain that is computed from it."""
    size = (HIGH_PASS_TAPS, HIGH_PASS_TAPS)
    return cv2.GaussianBlur(signal, size, _SIGNAL_SIGMA, borderType=cv2.BORDER_REPLICATE)


def unit_noise(grain: Grain, window: Window, frame: int, seed: int, wanted: np.ndarray | None = None) -> np.ndarray:
    """Generate correlated noise of variance 1, float32 (h, w, 3), bit for bit the same for a pixel in every window.

    Tiles in which `wanted`, bool (h, w), selects no pixel are left 0.
    """
    left, top = window.x // _TILE, window.y // _TILE
    across, down = -(-window.right // _TILE) - left, -(-window.bottom // _TILE) - top
    inside = window.slices(Window(left * _TILE, top * _TILE, across * _TILE, down * _TILE))
    asked = np.ones((down, across), bool)
    if wanted is not None:
        padded = np.zeros((down * _TILE, across * _TILE), bool)
        padded[inside] = wanted
        asked = padded.reshape(down, _TILE, across, _TILE).any(axis=(1, 3))
    # A tile that is needed only as the lower neighbour of others has to supply its first rows only.
    around = np.pad(asked, 1).astype(np.uint8)
    beside, below = (cv2.dilate(around, mask) for mask in (_BESIDE_TILE, _BELOW_TILE))
    white = np.zeros(((down + 2) * _TILE, (across + 2) * _TILE, 3), np.float32)
    for row, column in zip(*np.nonzero(np.bitwise_or(beside, below)), strict=True):
        rows = _TILE if beside[row, column] else KERNEL_RADIUS
        tile = _white_tile(frame, seed, left + int(column) - 1, top + int(row) - 1, rows)
        white[row * _TILE : row * _TILE + rows, column * _TILE : (column + 1) * _TILE] = tile
    noise = np.zeros((down * _TILE, across * _TILE, 3), np.float32)
    for y, x in zip(*(np.nonzero(asked)[axis] * _TILE for axis in (0, 1)), strict=True):
        halo = white[
            y + _TILE - KERNEL_RADIUS : y + 2 * _TILE + KERNEL_RADIUS,
            x + _TILE - KERNEL_RADIUS : x + 2 * _TILE + KERNEL_RADIUS,
        ]
        _filter_tile(halo, grain, noise[y : y + _TILE, x : x + _TILE])
    return noise[inside]


def _white_tile(frame: int, seed: int, column: int, row: int, rows: int) -> np.ndarray:
    """Generate the first `rows` rows of one 64 x 64 tile of white noise, float32 (rows, 64, 3).

    The generator is counter-based (Philox), so that no tile depends on another.
    """
    mask = (1 << 64) - 1
    counter = np.array([0, 0, column & mask, row & mask], np.uint64)
    key = np.array([seed & mask, frame & mask], np.uint64)
    bits = np.random.Philox(counter=counter, key=key).random_raw(rows * _TILE * 3 // 4)
    return _normal_table()[bits.astype("<u8").view("<u2")].reshape(rows, _TILE, 3)


@cache
def _normal_table() -> np.ndarray:
    """Tabulate the standard normal distribution at the middle of 2^16 equal shares, float32 with variance 1.

    The ends are at ±4.2. A table of sixteen-bit samples is four times as fast as the usual generators and gives the same
    values on every machine.
    """
    shares = (np.arange(1 << 15) + 0.5) / (1 << 16)
    lower = np.array([NormalDist().inv_cdf(share) for share in shares])
    table = np.concatenate([lower, -lower[::-1]])
    return (table / table.std()).astype(np.float32)


def _filter_tile(halo: np.ndarray, grain: Grain, out: np.ndarray) -> None:
    """Mix the channels and apply the kernel to one tile.

    A tile always has the same size, so the order of the arithmetic is the same and all windows agree to the last bit.
    """
    mixed = cv2.transform(halo, grain.mixing)
    for channel in range(3):
        filtered = cv2.filter2D(mixed[..., channel], -1, grain.kernel[channel], borderType=cv2.BORDER_REFLECT)
        out[..., channel] = filtered[KERNEL_RADIUS:-KERNEL_RADIUS, KERNEL_RADIUS:-KERNEL_RADIUS]


def safe_reciprocal(values: np.ndarray) -> np.ndarray:
    """Compute 1 / values, and 0 where a value is not above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.divide(np.float32(1), values)
    none = ~(values > 0)
    if none.any():
        result[none] = 0
    return result
