"""Film and sensor grain: measured on the plate, matched on the new face.

The model is signal-dependent Gaussian noise, var(x) = slope · max(x, 0) + floor for each channel (photon noise and read
noise: A. Foi, M. Trimeche, V. Katkovnik, K. Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for
single-image raw-data", IEEE TIP 2008), with a small spatial kernel (demosaicing, scaling and film make grain softer
than white) and a correlation between the channels. All pixels are float32 (h, w, 3) scene-linear; nothing is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = [
    "GRAIN_REACH",
    "Detail",
    "Grain",
    "degrain",
    "detail_base",
    "match_grain",
    "measure_grain",
    "reduced_grain",
    "split_detail",
    "synthesise_grain",
]

GRAIN_REACH = 0.5
"""How far around a face its plate's grain is measured, in parts of its size: hair and skin alone would mislead."""

_BLOCK = 8
_REACH = 3
"""Lags of the autocovariance, and the kernel's radius: grain up to seven pixels across."""

_HIGH_PASS_SIGMA = 2.0
_HIGH_PASS_TAPS = 13
_AWAY_SIGMA = 1.5  # in quarter-size pixels
_STEP_SIGMA = 1.0  # in blocks
_BINS = 16
_FLATTEST = 0.05
_PASSES = 3
_ACCEPTED = 1.1
"""A block counts as flat whose structure is below this many times what grain alone would give it."""

_FEWEST = 4
_MOST_FOR_KERNEL = 512
_TILE = 64
# From a tile of white noise, where the tiles lie that need all of it, and those that need only its first rows.
_BESIDE_TILE = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1]], np.uint8)
_BELOW_TILE = np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0]], np.uint8)

# The part of the face's size above which a change of tone is shading and no longer detail; `enhance_detail` agrees.
_BASE = 0.008
_SIGNAL_SIGMA = 2.0
# Under this much matte the plate's own grain is whole to within 6 %, and dividing by the matte would run away.
_THINNEST = 0.125
# In pure noise a local mean of squares reaches this much of the variance by chance.
_SHRINK = 1.6
# 4 / (_SHRINK n) for the n of about 5 independent samples of soft grain in a local mean of squares.
_BY_CHANCE = 0.5
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32) / 8
_AVERAGE = np.full((1, 3), 1 / 3)
_SPLINE = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


@dataclass(frozen=True, eq=False)
class Grain:
    """Grain as measured. The variance of channel c at scene-linear value x is slope[c] · max(x, 0) + floor[c].

    `slope` and `floor` float64 (3,), linear and squared scene-linear units; `kernel` float32 (3, 7, 7), the channel's
    spatial filter, of unit energy; `mixing` float32 (3, 3), the symmetric root of the correlation between channels.
    """

    slope: np.ndarray
    floor: np.ndarray
    kernel: np.ndarray
    mixing: np.ndarray

    @classmethod
    def none(cls) -> Grain:
        """No grain at all."""
        kernel = np.zeros((3, 2 * _REACH + 1, 2 * _REACH + 1), np.float32)
        kernel[:, _REACH, _REACH] = 1
        return cls(np.zeros(3), np.zeros(3), kernel, np.eye(3, dtype=np.float32))

    @property
    def empty(self) -> bool:
        """True when no channel has any grain."""
        return not (self.slope.any() or self.floor.any())

    def scaled(self, gain: float) -> Grain:
        """The grain of the same picture times `gain`."""
        return replace(self, slope=self.slope * gain, floor=self.floor * gain**2)

    def variance(self, signal: np.ndarray) -> np.ndarray:
        """Variance float32 (h, w, 3) of the grain on a grain-free `signal` float32 (h, w, 3)."""
        if self.empty or signal.size == 0:
            return np.zeros(signal.shape, np.float32)
        return cv2.transform(np.maximum(signal, np.float32(0)), np.column_stack([np.diag(self.slope), self.floor]))


# Measuring ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Bands:
    """A picture's fine residual (h, w, 3), and of its 8 x 8 blocks mean and energy (n, m, 3), structure (n, m).

    `structure` tells texture and edges by what is independent of the block's own grain: the octaves above the
    residual's in the block, and the residual's energy in the eight blocks around it.
    """

    residual: np.ndarray
    mean: np.ndarray
    energy: np.ndarray
    structure: np.ndarray


def measure_grain(plate: np.ndarray, region: np.ndarray | None = None) -> Grain:
    """The grain of `plate` float32 (h, w, 3), scene-linear and finite, where `region` bool (h, w) is true, None for all of it.

    The picture's blocks are sorted by luminance; of each class the flattest count, flat by the octaves *above* those
    that are measured and by their neighbours, so that choosing does not favour blocks whose grain happens to be low
    (X. Liu, M. Tanaka, M. Okutomi, "Single-image noise level estimation for blind denoising", IEEE TIP 2013, choose
    again with each estimate, as here). A residual's energy becomes the grain's by solving for the autocovariance that
    the high-pass turned into the measured one (J. Immerkær, "Fast noise variance estimation", CVIU 1996, made fit for
    noise that is not white). A region without enough whole blocks gives `Grain.none()`. A plate times 2^k gives slope
    times 2^k and floor times 4^k.
    """
    if region is None:
        region = np.ones(plate.shape[:2], bool)
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size == 0:
        return Grain.none()
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return _measured(_bands(plate[inside]), region[inside])


def _bands(pixels: np.ndarray) -> _Bands:
    height, width = (side - side % _BLOCK for side in pixels.shape[:2])
    if min(height, width) == 0:
        none = np.zeros((0, 0, 3), np.float32)
        return _Bands(pixels, none, none, np.zeros((0, 0), np.float32))
    size = (_HIGH_PASS_TAPS, _HIGH_PASS_TAPS)
    low = cv2.GaussianBlur(pixels, size, _HIGH_PASS_SIGMA, borderType=cv2.BORDER_REFLECT)
    residual = (pixels - low)[:height, :width]
    blocks = (width // _BLOCK, height // _BLOCK)
    mean = _reduced(pixels[:height, :width], blocks)
    energy = _reduced(residual * residual, blocks)
    quarter = _reduced(low[:height, :width], (width // 4, height // 4))
    quarter = cv2.transform(quarter, _AVERAGE)
    away = quarter - cv2.GaussianBlur(quarter, (0, 0), _AWAY_SIGMA, borderType=cv2.BORDER_REFLECT)
    tone = cv2.transform(mean, _AVERAGE)
    step = tone - cv2.GaussianBlur(tone, (0, 0), _STEP_SIGMA, borderType=cv2.BORDER_REFLECT)
    around = cv2.filter2D(cv2.transform(energy, _AVERAGE), -1, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT)
    return _Bands(residual, mean, energy, around + _reduced(away * away, blocks) + step * step)


def _reduced(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Block means; `size` is (width, height) in blocks, a whole fraction of the picture's."""
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def _measured(bands: _Bands, region: np.ndarray, passes: int = _PASSES) -> Grain:
    usable = _usable(bands, region)
    grain, accepted = Grain.none(), np.zeros_like(bands.structure)
    # The flattest blocks are also, a little, those with the least grain; all that grain explains are not.
    for left in reversed(range(passes)):
        grain = _estimated(bands, *_flattest(bands, usable, accepted))
        if grain.empty or not left:
            break
        accepted = np.float32(_ACCEPTED) * _grain_structure(grain, bands.mean)
    return grain


def _estimated(bands: _Bands, chosen: tuple[np.ndarray, np.ndarray], classes: np.ndarray) -> Grain:
    if len(chosen[0]) < _FEWEST:
        return Grain.none()
    means, energies = bands.mean[chosen].astype(np.float64), bands.energy[chosen].astype(np.float64)
    fits = [_fit(means[:, c], energies[:, c], classes) for c in range(3)]
    expected = np.stack([a * np.maximum(means[:, c], 0) + b for c, (a, b) in enumerate(fits)], axis=1)
    lags, correlation, spread = _covariances(bands.residual, chosen, energies, expected)
    if lags is None:
        return Grain.none()
    gains, kernels = zip(*(_kernel(lags[c]) for c in range(3)), strict=True)
    gain = np.array(gains) * _median_bias(_BLOCK**2 / spread)
    slope, floor = np.array(fits).T / gain
    return Grain(slope, floor, np.stack(kernels).astype(np.float32), _symmetric_root(correlation).astype(np.float32))


def _grain_structure(grain: Grain, mean: np.ndarray) -> np.ndarray:
    """What `_Bands.structure` holds on average (n, m) where there is grain alone, for blocks of `mean` (n, m, 3)."""
    side = 64
    y, x = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]

    def blur(sigma: float) -> np.ndarray:
        return np.exp(-2 * np.pi**2 * sigma**2 * (x * x + y * y))

    def box(width: int) -> np.ndarray:
        return np.abs(np.fft.fft2(np.full((width, width), 1 / width**2), s=(side, side)))

    away = blur(_HIGH_PASS_SIGMA) * box(4) * (1 - blur(4 * _AWAY_SIGMA))
    step = box(_BLOCK) * (1 - blur(_BLOCK * _STEP_SIGMA))
    spectra = np.fft.fft2(grain.kernel.astype(np.float64), s=(side, side))
    variance = grain.variance(mean)
    fine = (np.abs(spectra) ** 2 * (1 - blur(_HIGH_PASS_SIGMA)) ** 2).mean(axis=(1, 2))
    deviation = np.sqrt(variance) / 3
    mixed = np.einsum("ikl,ij,jkl,kl->ij", spectra, grain.mixing @ grain.mixing, spectra.conj(), away**2 + step**2)
    coarse = np.einsum("nmi,ij,nmj->nm", deviation, mixed.real.astype(np.float32) / side**2, deviation)
    return coarse + (variance * fine.astype(np.float32)).mean(axis=2)


def _usable(bands: _Bands, region: np.ndarray) -> np.ndarray:
    """Blocks wholly in the region; those on the picture's edge, where the filter saw a mirror, only if need be."""
    rows, columns = bands.structure.shape
    if rows == 0 or columns == 0:
        return np.zeros((rows, columns), bool)
    whole = _reduced(region[: rows * _BLOCK, : columns * _BLOCK].astype(np.float32), (columns, rows)) > 0.999
    middle = np.zeros_like(whole)
    middle[1:-1, 1:-1] = whole[1:-1, 1:-1]
    return middle if middle.sum() >= _FEWEST * _BINS else whole


def _flattest(
    bands: _Bands, usable: np.ndarray, accepted: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """((rows, columns), classes): of every class of luminance the flattest, and all with structure below `accepted`."""
    rows, columns = np.nonzero(usable)
    order = np.argsort(bands.mean[rows, columns].mean(axis=1), kind="stable")
    count = max(min(_BINS, len(order) // 16), 1)
    excess = bands.structure - accepted
    kept, classes = [], []
    for label, members in enumerate(np.array_split(order, count)):
        beyond = excess[rows[members], columns[members]]
        flat = members[np.argsort(beyond, kind="stable")]
        flat = flat[: max(round(len(flat) * _FLATTEST), min(len(flat), _FEWEST), int((beyond < 0).sum()))]
        kept.append(flat)
        classes.append(np.full(len(flat), label))
    index = np.concatenate(kept)
    return (rows[index], columns[index]), np.concatenate(classes)


def _fit(means: np.ndarray, energies: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """(slope, floor), neither negative: the line closest to the classes' medians by relative absolute error.

    Every pair of classes proposes a line, and every class a line through 0 and a constant; the error is bounded, so
    that a class of clipped highlights or of nothing but hair is outvoted. Exact in powers of two.
    """
    x, v = np.maximum(_medians(means, classes), 0.0), _medians(energies, classes)
    i, j = np.triu_indices(len(x), 1)
    apart = x[j] > x[i]
    i, j = i[apart], j[apart]
    slope = (v[j] - v[i]) / (x[j] - x[i])
    floor = v[i] - slope * x[i]
    lit = x > 0
    slopes = np.concatenate([slope, v[lit] / x[lit], np.zeros(len(v))])
    floors = np.concatenate([floor, np.zeros(int(lit.sum())), v])
    good = (slopes >= 0) & (floors >= 0)
    slopes, floors = slopes[good], floors[good]
    line = slopes[:, None] * x + floors[:, None]
    total = line + v
    error = np.abs(line - v) / np.where(total > 0, total, 1)
    # A residual above the line may be texture; one below it cannot be explained, so it counts for more.
    error = np.minimum(error, 0.3) * np.where(line > v, 3.0, 1.0)
    best = int(np.argmin(error.sum(axis=1)))
    return _polished(x, v, float(slopes[best]), float(floors[best]))


def _medians(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The median of `values` (n,) in each of `classes` (n,), by class: one sort for all."""
    ordered = values[np.lexsort((values, classes))]
    counts = np.unique(classes, return_counts=True)[1]
    first = np.cumsum(counts) - counts
    return (ordered[first + (counts - 1) // 2] + ordered[first + counts // 2]) / 2


def _polished(x: np.ndarray, v: np.ndarray, slope: float, floor: float) -> tuple[float, float]:
    """Least squares, each class relative to the line found, over the classes within 25 % of it."""
    line = slope * x + floor
    near = (line > 0) & (np.abs(v - line) < 0.25 * line)
    if near.sum() < 3:
        return slope, floor
    rows = np.stack([x[near], np.ones(int(near.sum()))], axis=1) / line[near, None]
    target = v[near] / line[near]
    # Columns are brought to one size, so that a darker plate solves the very same system.
    size = np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)
    a, b = np.linalg.lstsq(rows / size, target, rcond=None)[0] / size
    if a < 0 or b < 0:
        alone = rows[:, 1] if a < 0 else rows[:, 0]
        value = float(alone @ target / (alone @ alone))
        return (0.0, value) if a < 0 else (value, 0.0)
    return float(a), float(b)


def _covariances(
    residual: np.ndarray, chosen: tuple[np.ndarray, np.ndarray], energies: np.ndarray, expected: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Of the residual in units of its deviation: autocovariance (3, 7, 7), correlation of channels (3, 3), spread (3,).

    `spread` is the sum of squared autocorrelations: how many pixels one independent sample takes. None without any.
    """
    noisy = (expected > 0).any(axis=0)
    ratio = energies / np.where(expected > 0, expected, 1)
    plain = ((ratio > 0.4) & (ratio < 1.8))[:, noisy].all(axis=1)
    index = np.flatnonzero(plain)
    if not noisy.any() or len(index) < _FEWEST:
        return None, np.eye(3), np.ones(3)
    index = index[:: -(-len(index) // _MOST_FOR_KERNEL)]
    rows, columns = chosen[0][index] * _BLOCK, chosen[1][index] * _BLOCK
    inner = np.arange(_BLOCK)
    patches = residual[(rows[:, None] + inner)[:, :, None], (columns[:, None] + inner)[:, None, :]]
    patches = patches * _inverse(np.sqrt(expected[index]).astype(np.float32))[:, None, None, :]
    correlation = np.eye(3)
    # What does not vary has no correlation: `_symmetric_root` sees to it.
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation[np.ix_(noisy, noisy)] = np.corrcoef(patches[..., noisy].reshape(-1, int(noisy.sum())).T)
    spectrum = np.abs(np.fft.rfft2(np.moveaxis(patches, 3, 0), s=(2 * _BLOCK,) * 2)) ** 2
    sums = np.fft.irfft2(spectrum.mean(axis=1), s=(2 * _BLOCK,) * 2)
    steps = np.arange(-_REACH, _REACH + 1)
    pairs = (_BLOCK - np.abs(steps))[:, None] * (_BLOCK - np.abs(steps))[None, :]
    lags = sums[:, steps[:, None], steps[None, :]] / pairs
    lags[~noisy] = _high_pass_lags()
    spread = (lags**2).sum(axis=(1, 2)) / lags[:, _REACH, _REACH] ** 2
    return lags, correlation, spread


@cache
def _high_pass() -> np.ndarray:
    """The autocorrelation of the measuring filter, float64 (25, 25), lag 0 in the middle."""
    taps = cv2.getGaussianKernel(_HIGH_PASS_TAPS, _HIGH_PASS_SIGMA)
    kernel = -(taps @ taps.T)
    kernel[_HIGH_PASS_TAPS // 2, _HIGH_PASS_TAPS // 2] += 1
    side = 2 * _HIGH_PASS_TAPS - 1
    power = np.abs(np.fft.rfft2(kernel, s=(side, side))) ** 2
    return np.fft.fftshift(np.fft.irfft2(power, s=(side, side)))


def _high_pass_lags() -> np.ndarray:
    """What white noise of variance 1 measures as, float64 (7, 7)."""
    near = slice(_HIGH_PASS_TAPS - 1 - _REACH, _HIGH_PASS_TAPS + _REACH)
    return _high_pass()[near, near]


def _kernel(lags: np.ndarray) -> tuple[float, np.ndarray]:
    """(gain, kernel (7, 7)) from a residual's autocovariance: its variance per grain variance, and the grain's filter.

    The residual's covariance is the grain's convolved with the high-pass's own, a linear system in the lags. The filter
    is the zero-phase root of the spectrum, which has the right autocorrelation and unit energy.
    """
    side = 2 * _REACH + 1
    grain = (_undone() @ lags.ravel()).reshape(side, side)
    grain = (grain + grain[::-1, ::-1]) / 2
    if grain[_REACH, _REACH] <= 0:
        grain = np.where(np.arange(side * side).reshape(side, side) == side * side // 2, lags.max(), 0.0)
    wide = np.zeros((32, 32))
    steps = np.arange(-_REACH, _REACH + 1)
    wide[steps[:, None], steps[None, :]] = grain
    root = np.fft.ifft2(np.sqrt(np.maximum(np.fft.fft2(wide).real, 0))).real
    kernel = root[steps[:, None], steps[None, :]]
    kernel = kernel / np.linalg.norm(kernel)
    return float(lags[_REACH, _REACH] / grain[_REACH, _REACH]), kernel


@cache
def _undone() -> np.ndarray:
    """What turns a residual's 49 autocovariances into the grain's, float64 (49, 49): the high-pass's system, inverted."""
    own, side = _high_pass(), 2 * _REACH + 1
    middle = own.shape[0] // 2
    y, x = (axis.ravel() for axis in np.mgrid[:side, :side])
    return np.linalg.inv(own[middle + y[:, None] - y[None, :], middle + x[:, None] - x[None, :]])


def _median_bias(degrees: np.ndarray) -> np.ndarray:
    """Median over mean of a chi-squared variable (E. Wilson, M. Hilferty, PNAS 1931)."""
    return (1 - 2 / (9 * np.maximum(degrees, 1))) ** 3


def _symmetric_root(matrix: np.ndarray) -> np.ndarray:
    if not np.isfinite(matrix).all():  # a plate without any noise has no correlation to speak of
        return np.eye(len(matrix))
    values, vectors = np.linalg.eigh(matrix)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root / np.linalg.norm(root, axis=1, keepdims=True)


# Synthesis ----------------------------------------------------------------------------------------------------------


def synthesise_grain(grain: Grain, signal: np.ndarray, window: Window, frame: int, seed: int = 0) -> np.ndarray:
    """Grain float32 (h, w, 3) for `signal` float32 (h, w, 3), scene-linear, which lies on the plate's pixels `window`.

    A pixel's grain is a function of its place in the plate, the frame number and the seed, whatever the window; only
    its amplitude follows the signal, smoothed over 2 pixels so that grain already there does not modulate it.
    """
    if grain.empty or window.empty:
        return np.zeros((window.height, window.width, 3), np.float32)
    amplitude = np.sqrt(grain.variance(_smoothed(signal)))
    return _unit_noise(grain, window, frame, seed) * amplitude


def _smoothed(signal: np.ndarray) -> np.ndarray:
    size = (_HIGH_PASS_TAPS, _HIGH_PASS_TAPS)
    return cv2.GaussianBlur(signal, size, _SIGNAL_SIGMA, borderType=cv2.BORDER_REPLICATE)


def _unit_noise(grain: Grain, window: Window, frame: int, seed: int, wanted: np.ndarray | None = None) -> np.ndarray:
    """Correlated noise of variance 1, float32 (h, w, 3), bit for bit the same for a pixel in every window.

    Where `wanted` bool (h, w) holds no pixel of a whole tile, the tile is left 0.
    """
    left, top = window.x // _TILE, window.y // _TILE
    across, down = -(-window.right // _TILE) - left, -(-window.bottom // _TILE) - top
    inside = window.slices(Window(left * _TILE, top * _TILE, across * _TILE, down * _TILE))
    asked = np.ones((down, across), bool)
    if wanted is not None:
        padded = np.zeros((down * _TILE, across * _TILE), bool)
        padded[inside] = wanted
        asked = padded.reshape(down, _TILE, across, _TILE).any(axis=(1, 3))
    # Of a tile whose only use is to lie beside others, and below them, the first rows are enough.
    around = np.pad(asked, 1).astype(np.uint8)
    beside, below = (cv2.dilate(around, mask) for mask in (_BESIDE_TILE, _BELOW_TILE))
    white = np.zeros(((down + 2) * _TILE, (across + 2) * _TILE, 3), np.float32)
    for row, column in zip(*np.nonzero(np.bitwise_or(beside, below)), strict=True):
        rows = _TILE if beside[row, column] else _REACH
        tile = _white_tile(frame, seed, left + int(column) - 1, top + int(row) - 1, rows)
        white[row * _TILE : row * _TILE + rows, column * _TILE : (column + 1) * _TILE] = tile
    noise = np.zeros((down * _TILE, across * _TILE, 3), np.float32)
    for y, x in zip(*(np.nonzero(asked)[axis] * _TILE for axis in (0, 1)), strict=True):
        halo = white[y + _TILE - _REACH : y + 2 * _TILE + _REACH, x + _TILE - _REACH : x + 2 * _TILE + _REACH]
        _filtered(halo, grain, noise[y : y + _TILE, x : x + _TILE])
    return noise[inside]


def _white_tile(frame: int, seed: int, column: int, row: int, rows: int) -> np.ndarray:
    """The first `rows` of the white noise (64, 64, 3) of one tile of the plate: counter-based, so that no tile needs another."""
    mask = (1 << 64) - 1
    counter = np.array([0, 0, column & mask, row & mask], np.uint64)
    key = np.array([seed & mask, frame & mask], np.uint64)
    bits = np.random.Philox(counter=counter, key=key).random_raw(rows * _TILE * 3 // 4)
    return _normal_table()[bits.astype("<u8").view("<u2")].reshape(rows, _TILE, 3)


@cache
def _normal_table() -> np.ndarray:
    """The standard normal distribution at the middle of 2^16 equal shares, of variance 1, float32: ±4.2 at the ends.

    Sixteen bits and a table draw a sample four times as fast as the usual ways, and alike on every machine.
    """
    shares = (np.arange(1 << 15) + 0.5) / (1 << 16)
    lower = np.array([NormalDist().inv_cdf(share) for share in shares])
    table = np.concatenate([lower, -lower[::-1]])
    return (table / table.std()).astype(np.float32)


def _filtered(halo: np.ndarray, grain: Grain, out: np.ndarray) -> None:
    """One tile, always of one size: the same arithmetic in the same order, so that windows agree to the last bit."""
    mixed = cv2.transform(halo, grain.mixing)
    for channel in range(3):
        filtered = cv2.filter2D(mixed[..., channel], -1, grain.kernel[channel], borderType=cv2.BORDER_REFLECT)
        out[..., channel] = filtered[_REACH:-_REACH, _REACH:-_REACH]


# Removal ------------------------------------------------------------------------------------------------------------


def degrain(pixels: np.ndarray, strength: float, size: float, grain: Grain | None = None) -> np.ndarray:
    """`pixels` float32 (h, w, 3), scene-linear, without their grain; the same array if there is none to take.

    `strength` multiplies the variance taken for grain: 1 as measured. `size` is the face's size in these pixels and
    limits how coarse a blotch counts as grain. `grain` is measured here unless it is given. An undecimated wavelet (à
    trous, J.-L. Starck, F. Murtagh, 1994) whose coefficients shrink by the local Wiener gain that the grain's own
    spectrum asks for (M. Mıhçak et al., "Low-complexity image denoising based on statistical modeling", 1999), one gain
    for the three channels, so that an edge in any of them is kept in all.
    """
    if strength <= 0:
        return pixels
    grain = grain or measure_grain(pixels)
    return pixels if grain.empty else pixels - _grain_in(pixels, strength, size, grain)[0]


def _levels(size: float) -> int:
    """Octaves that can be grain: two always, up to four as far as they are finer than the base of `split_detail`."""
    return int(np.clip(np.round(np.log2(max(size, 1) * 2.5 * _BASE)), 2, 4))


def _grain_in(
    pixels: np.ndarray, strength: float, size: float, grain: Grain
) -> tuple[np.ndarray, tuple[tuple[float, np.ndarray], ...]]:
    """What shrinkage calls grain, float32 (h, w, 3); and the share (h, w) of each octave that it took, behind the part of the
    grain's variance that lies in the octave.
    """
    weight = _inverse(grain.variance(_smoothed(pixels)) * np.float32(_SHRINK * strength))
    covered = (weight > 0).astype(np.float32)
    taken, octaves = np.zeros_like(pixels), []
    current = pixels
    for level, share in enumerate(_shares(grain, _levels(size))):
        taps = _spline(level)
        coarse = cv2.sepFilter2D(current, -1, taps, taps, borderType=cv2.BORDER_REFLECT)
        band = current - coarse
        loud = cv2.transform(band * band * weight, (1 / (3 * share))[None, :])
        side = 5 * 2**level
        loud = cv2.blur(loud, (side, side), borderType=cv2.BORDER_REFLECT)
        removed = np.minimum(np.float32(1), 1 / np.maximum(loud, np.float32(1e-6)))
        taken += band * covered * cv2.merge([removed] * 3)
        # Where grain happens to be strong, less of it is taken: what is left has this much less than the share says.
        chance = np.where(removed < 1, np.sqrt(1 - np.float32(_BY_CHANCE) * removed), np.float32(1))
        octaves.append((float(share.mean()), removed * chance))
        current = coarse
    return taken, tuple(octaves)


def _inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, and 0 where a value is not above 0."""
    return np.divide(np.float32(1), values, out=np.zeros_like(values), where=values > 0)


def _spline(level: int) -> np.ndarray:
    """The B3 spline with holes: taps 2^level apart, float32."""
    taps = np.zeros(4 * 2**level + 1, np.float32)
    taps[:: 2**level] = _SPLINE
    return taps


def _shares(grain: Grain, levels: int) -> list[np.ndarray]:
    """For each wavelet level, the part (3,) of a channel's grain variance that falls into it."""
    side = 64
    spectrum = np.abs(np.fft.fft2(grain.kernel.astype(np.float64), s=(side, side))) ** 2
    passed, shares = np.ones((side, side)), []
    for level in range(levels):
        line = np.abs(np.fft.fft(_spline(level).astype(np.float64), side))
        low = passed * np.outer(line, line)
        # The spline's response is real and positive, so its magnitude is the response itself.
        shares.append((spectrum * (passed - low) ** 2).mean(axis=(1, 2)))
        passed = low
    return [np.maximum(share, 1e-9) for share in shares]


def detail_base(plate: np.ndarray, size: float) -> np.ndarray:
    """`plate` float32 (h, w, 3) without detail or grain: blurred at 0.8 % of the face's `size` in pixels."""
    return cv2.GaussianBlur(plate, (0, 0), max(_BASE * size, 1.0), borderType=cv2.BORDER_REPLICATE)


@dataclass(frozen=True, eq=False)
class Detail:
    """What is finer than `detail_base`: `skin` (pores, lines, lashes) and `grain`, float32 (h, w, 3) each, scene-linear.

    `octaves` says of every octave which part of the grain's variance lies in it, and which share (h, w) of it went into `grain`.
    """

    skin: np.ndarray
    grain: np.ndarray
    octaves: tuple[tuple[float, np.ndarray], ...] = ()

    def grain_left(self, amount: float) -> np.ndarray:
        """How much of the grain's deviation is left, float32 (h, w), when `amount` of the skin is: where skin is rough,
        some of the grain could not be told from it and goes with it.
        """
        lost = sum(part * (1 - (amount + (1 - amount) * share) ** 2) for part, share in self.octaves)
        return np.sqrt(np.maximum(1 - lost, 0)).astype(np.float32) * np.ones(self.skin.shape[:2], np.float32)


def split_detail(plate: np.ndarray, grain: Grain, size: float) -> Detail:
    """`plate` float32 (h, w, 3) less `detail_base(plate, size)`, as skin and grain; the three add up to it to float rounding.

    What `degrain` takes for grain is the grain, as far as it is finer than the base.
    """
    fine = plate - detail_base(plate, size)
    if grain.empty:
        return Detail(fine, np.zeros_like(plate))
    taken, octaves = _grain_in(plate, 1.0, size, grain)
    band = taken - detail_base(taken, size)
    return Detail(fine - band, band, octaves)


# Matching -----------------------------------------------------------------------------------------------------------


def match_grain(
    result: np.ndarray,
    plate: np.ndarray,
    matte: np.ndarray,
    window: Window,
    frame: int,
    amount: float = 1.0,
    keep_own: float = 1.0,
    *,
    size: float | None = None,
    grain: Grain | None = None,
    own: Grain | None = None,
    kept: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """`result` with the grain it lacks, float32 (h, w, 3); all pictures scene-linear, finite, on the plate's `window`.

    `matte` (h, w) is what the result will be laid over the plate with: plate + matte · (answer − plate) then has
    `amount`² of the plate's grain variance everywhere, also in the feather, where two independent grains would average
    to less. `keep_own` 1 keeps the result's own texture noise and adds what is missing, 0 takes it away first. `size`
    is the face's size in pixels (the matte's height unless given). `grain` is the plate's, measured on all of `plate`
    unless given: better measured on more than the face, where out of focus nothing but grain is fine. `own` is the most
    that can be grain in the result, where that is known: a still's pores look like grain, but do not change with the
    frames and stand for none. `kept` (h, w) is how far the result is the plate's own picture, grain and all.

    Pixels equal to the plate's bit for bit, and those without matte, come back bit for bit. An amount of 0 with
    `keep_own` 1 gives back the same array.
    """
    differs = result != plate
    touched = (matte > 0) & (differs[..., 0] | differs[..., 1] | differs[..., 2])
    if not touched.any() or (amount == 0 and keep_own >= 1):
        return result
    box = _around(touched, 3 * _BLOCK, window)
    near = box.slices(window)
    part, beneath, cover, changed = (np.ascontiguousarray(picture[near]) for picture in (result, plate, matte, touched))
    if keep_own < 1:
        clean = degrain(part, 1.0, size or float(box.height))
        part = clean + np.float32(keep_own) * (part - clean)
    if amount > 0:
        whole = grain or measure_grain(plate)
        signal = _smoothed(part)
        most = None if own is None else own.scaled(keep_own).variance(signal) * _inverse(whole.variance(signal))
        same = np.zeros_like(cover) if kept is None else np.clip(kept[near], 0, 1)
        lacking = _missing(part, beneath, cover, changed, signal, amount, most, same)
        deviation = np.sqrt(whole.variance(signal) * lacking)
        part = part + _unit_noise(whole, box, frame, seed, changed) * deviation
    answer = result.copy()
    answer[near] = np.where(cv2.merge([changed.astype(np.uint8)] * 3), part, answer[near])
    return answer


def _around(touched: np.ndarray, margin: int, window: Window) -> Window:
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    box = Window(
        window.x + int(columns[0]),
        window.y + int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )
    return box.grow(margin).intersect(window)


def _missing(
    result: np.ndarray,
    plate: np.ndarray,
    matte: np.ndarray,
    changed: np.ndarray,
    signal: np.ndarray,
    amount: float,
    most: np.ndarray | None,
    kept: np.ndarray,
) -> np.ndarray:
    """The variance to add, as a multiple (h, w, 3) of the plate's.

    Under a matte m a result that is the plate's by k, and new by j = 1 − k with own variance o (in the plate's units, at
    `most` that) and correlation c with the plate's grain, gives a composite of variance
    (1 − m j)² + m² (j² o + added) + 2 m j (1 − m j) c √o. Own and plate are measured by the same estimator on the same
    pixels, so that a result which is the plate but for a rounding lacks nothing.
    """
    ours, theirs = _bands(result), _bands(plate)
    inside = changed & (matte > 0.5)
    if _usable(ours, inside).sum() < _FEWEST * _BINS:
        inside = changed
    # Only their ratio counts, and both are looked at alike: one pass is enough.
    own, reference = _measured(ours, inside, 1), _measured(theirs, inside, 1)
    cover = np.maximum(matte, np.float32(_THINNEST)).astype(np.float32)
    new = 1 - kept
    target = np.float32(amount * amount) * new * (2 / cover - new)
    if own.empty:
        return cv2.merge([target] * 3)
    # A hundred times the plate's grain lacks nothing, and stays finite where the plate has next to none.
    share = np.minimum(own.variance(signal) * _inverse(reference.variance(signal)), np.float32(100))
    if most is not None:
        share = np.minimum(share, most)
    apart = cv2.merge([2 * new * (1 / cover - new)] * 3)
    shared = apart * cv2.transform(np.sqrt(share), np.diag(_coherence(ours, theirs, _usable(ours, inside))))
    return np.maximum(cv2.merge([target] * 3) - cv2.merge([new * new] * 3) * share - shared, np.float32(0))


def _coherence(ours: _Bands, theirs: _Bands, usable: np.ndarray) -> np.ndarray:
    """How far the result's residual is the plate's own, float32 (3,), 0 … 1: the median correlation of flat blocks."""
    if usable.sum() < _FEWEST:
        return np.zeros(3, np.float32)
    chosen, _ = _flattest(ours, usable, np.zeros_like(ours.structure))
    rows, columns = usable.shape
    common = _reduced(ours.residual * theirs.residual, (columns, rows))[chosen]
    scale = np.sqrt(ours.energy[chosen] * theirs.energy[chosen])
    ratio = np.divide(common, scale, out=np.zeros_like(common), where=scale > 0)
    return np.clip(np.median(ratio, axis=0), 0, 1).astype(np.float32)


def reduced_grain(grain: Grain, proxy: int) -> Grain:
    """The grain that is left in means of n x n pixels: the variance by the grain's own correlation, and taken for white.

    The mean's variance is the sum over lags (i, j) of (n − |i|)(n − |j|) times the autocorrelation there, over n⁴.
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
