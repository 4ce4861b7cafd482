"""How sharp a face is: the steepness of its edges by direction, and the blur that explains it.

The steepness of an edge under two Gaussian filters tells the edge's width (S. Zhuo, T. Sim, "Defocus map estimation from a
single image", Pattern Recognition 44(9), 2011). Here the ratio of the two is taken at the edges of eyes, brows, nose and lips, for
each of eight directions. Defocus lowers it in all directions alike, motion only across edges that cross the movement; so the two
can be told apart. Three pairs of filters give the median of the edges, which grain does not change. A fourth, the narrowest, gives
the upper quartile: no edge is narrower than the blur, and people's sharpest edges are more alike than their median ones. The
scatter that grain adds to it is taken off, and where there is little beside grain it has no weight.
`edge_widths.npz` holds the ratios of invented people under known blurs (`bench/people/make_blur_table.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import cv2
import numpy as np

from faceplate.face import Face, topology
from faceplate.face.align import resample
from faceplate.image.soft_steps import disc, smoothstep
from faceplate.image.window import Window

__all__ = [
    "DIRECTIONS",
    "GRID_SIZE",
    "SCALES",
    "SHARP_WIDTH",
    "WITHOUT_GRAIN",
    "EdgePlaces",
    "EdgeWidths",
    "blur_between",
    "blur_variances",
    "edge_places",
    "expected_ratios",
    "feature_points",
    "is_surely_soft",
    "measure_edges",
    "measure_edges_at",
    "measure_edges_on",
    "quiet_noise",
    "slopes",
    "smear",
    "softness",
]

DIRECTIONS = 8
"""Number of directions over half a turn; the first is an edge whose normal points along x."""

SCALES = 4
"""Number of pairs of filters."""

WITHOUT_GRAIN = (0, 2, 3)
"""The pairs of filters that tell the softness of a picture without grain."""

SHARP_WIDTH = 0.9 / 400.0
"""Standard deviation of the edges of a sharp face, as a fraction of the face's size."""

GRID_SIZE = 400.0
"""Pixels per face of the picture that is measured."""

# Standard deviations of the pairs of filters in the pixels of the picture that is measured.
_PAIRS = ((0.5, 1.0), (0.75, 1.5), (1.5, 3.0), (3.0, 6.0))
# Part of the edges, by their strength, that has no greater ratio than the one that is taken, for each pair.
_PARTS = (0.75, 0.5, 0.5, 0.5)
# Weight of each pair in telling the defocus.
_PAIR_WEIGHTS = np.array([6.0, 1.0, 1.0, 1.0])[:, None]
# Standard deviation of the ratio from grain, over the ratio, from where an upper quartile loses weight, and where it has none.
_GRAINY = (0.5, 0.8)
# The upper quartile of a normal distribution with standard deviation 1, over its median.
_QUARTILE = 0.674
# Room around the features in which edges are looked for, and what of it must be visible, in these pixels.
_ROOM, _CLEAR = 10.0, 8.0
# The least steepness of an edge that counts, over the steepest ones and over the noise.
_LEAST, _OVER_NOISE = 0.15, 4.0
# Steepness over the steepest that always counts: shading of the skin must not hide a face that is far out of focus.
_SURELY = 0.5
# The tenth percentile of the length of a vector whose two parts are normally distributed with standard deviation 1.
_QUIET, _RAYLEIGH = 10.0, 0.459
# Edge pixels of one direction from which its median counts in full.
_ENOUGH = 60.0
# Standard deviation of the ratio between people, as a part of it and beside it.
_SCATTER, _LEAST_SCATTER = 0.1, np.array([0.01, 0.03, 0.03, 0.03])[:, None]
_SHUTTERS = np.linspace(0.0, 1.0, 21)
# Squared deviation from which a ratio counts as an outlier.
_MOST = 9.0
# Softness over that of the median sharp face from where a face counts as out of focus, and from where it does for certain.
_SURELY_SOFT = (1.19, 1.26)
# How much softer the plate's edges are than the new face's from where the blur begins, and from where it is complete: sharp faces
# of different people differ by as much as this.
_SOFTER = (1.08, 1.2)


@dataclass(frozen=True)
class EdgeWidths:
    """The steepness of one face's edges.

    Attributes
    ----------
    ratios : np.ndarray
        float64 (SCALES, DIRECTIONS), base-2 logarithm of the steepness under the narrower over that under the wider filter: 1
        for an edge that is much narrower than the filters, 0 for one that is much wider.
    weights : np.ndarray
        float64 (SCALES, DIRECTIONS), 0..1: how many edges there were.
    energy : np.ndarray, optional
        float64 (4, 4), the energy of the slopes as `comp.edge_energy.measure_energy` returns it, where tracking measured it.
    """

    ratios: np.ndarray
    weights: np.ndarray
    energy: np.ndarray | None = None


def measure_edges(
    luminance: np.ndarray, window: Window, face: Face, visible: np.ndarray | None = None, pixel_aspect: float = 1.0
) -> EdgeWidths:
    """Measure the edges of a face.

    Parameters
    ----------
    luminance : np.ndarray
        float32 (h, w), scene-linear, on `window`.
    window : Window
        The pixels' place.
    face : Face
        The face, in the same coordinates.
    visible : np.ndarray, optional
        float32 (h, w), 0..1: how far each pixel shows the face.
    pixel_aspect : float
        Width of a pixel over its height; directions are those of the projected picture.
    """
    return measure_edges_at(luminance, window, edge_places(window, face, visible, pixel_aspect))


@dataclass(frozen=True)
class EdgePlaces:
    """Where the edges of one face are measured: the same for every picture of it.

    Attributes
    ----------
    matrix : np.ndarray
        float64 (2, 3), from the pictures' pixels to those of `grid`.
    grid : Window
        The pixels of the picture that is measured.
    features, skin : np.ndarray
        uint8 (h, w) on `grid`: where edges are looked for, and where noise is measured.
    clear : float
        0..1, the part of the features that is in the picture and visible.
    """

    matrix: np.ndarray
    grid: Window
    features: np.ndarray
    skin: np.ndarray
    clear: float

    @cached_property
    def searched(self) -> np.ndarray:
        """The flat places of `features` on the grid, int (n,)."""
        return np.flatnonzero(self.features)

    @cached_property
    def quiet(self) -> np.ndarray:
        """The flat places of `skin` on every second row and column of the grid, int (n,)."""
        return np.flatnonzero(self.skin[::2, ::2])

    def read(self, luminance: np.ndarray, window: Window) -> np.ndarray:
        """Return `luminance` float32 (h, w) of `window` on `grid`, where a face has `GRID_SIZE` pixels."""
        return resample(np.ascontiguousarray(luminance, np.float32), window, self.matrix, self.grid)


def edge_places(window: Window, face: Face, visible: np.ndarray | None = None, pixel_aspect: float = 1.0) -> EdgePlaces:
    """Find where the edges of a face are measured in pictures on `window`. The parameters are those of `measure_edges`."""
    scale = GRID_SIZE / face.size
    across = scale * pixel_aspect
    matrix = np.array([[across, 0, 0], [0, scale, 0]], np.float64)
    points = face.points[:, :2] * (across, scale)
    grid = Window.around(points[feature_points()], 2 * _ROOM)
    mask = _features_matte(points, grid)
    seen = np.array([[window.x, window.y], [window.right, window.bottom]]) * (across, scale)
    inside = Window.around(seen, -_ROOM).intersect(grid)
    known = np.zeros_like(mask)
    if not inside.empty:
        known[inside.slices(grid)] = 1
    if visible is not None:
        shown = resample(np.ascontiguousarray(visible, np.float32), window, matrix, grid) > 0.5
        known &= cv2.erode(shown.astype(np.uint8), disc(_CLEAR))
    clear = float((mask & known).sum()) / max(float(mask.sum()), 1.0)
    return EdgePlaces(matrix, grid, mask & known, _skin_matte(points, grid, mask) & known, clear)


def measure_edges_at(luminance: np.ndarray, window: Window, places: EdgePlaces) -> EdgeWidths:
    """Measure the edges of a face whose places are known; `luminance` float32 (h, w) is on `window`."""
    return measure_edges_on(places.read(luminance, window), places)


def measure_edges_on(pixels: np.ndarray, places: EdgePlaces, pairs: Sequence[int] = range(SCALES)) -> EdgeWidths:
    """Measure the edges of a face in a picture that is on `places.grid` already, float32 (h, w).

    Other `pairs` of filters than those named have no weight. `WITHOUT_GRAIN` are enough for a picture that has none.
    """
    if not places.features.any():
        return EdgeWidths(np.zeros((SCALES, DIRECTIONS)), np.zeros((SCALES, DIRECTIONS)))
    soft = {sigma: slopes(pixels, sigma) for sigma in sorted({sigma for k in pairs for sigma in _PAIRS[k]})}
    ratios, weights = np.zeros((SCALES, DIRECTIONS)), np.zeros((SCALES, DIRECTIONS))
    for k in pairs:
        near, wide = _PAIRS[k]
        ratios[k], weights[k] = _ratios(soft[near], soft[wide], places, wide, _PARTS[k])
    return EdgeWidths(ratios, weights)


def expected_ratios(movement: np.ndarray, shutters: np.ndarray) -> np.ndarray:
    """Return the ratios that faces have under each blur, float64 (variances, shutters, SCALES, DIRECTIONS).

    Parameters
    ----------
    movement : np.ndarray
        (2,), how far the face moves from frame to frame, in fractions of its size on the projected picture.
    shutters : np.ndarray
        (n,), parts of that movement over which the picture is smeared.
    """
    angle = float(np.arctan2(movement[1], movement[0]))
    lengths = float(np.hypot(*movement)) * GRID_SIZE * shutters
    return _table().at(lengths, np.arange(DIRECTIONS) * np.pi / DIRECTIONS - angle)


def blur_variances() -> np.ndarray:
    """Return the variances that `expected_ratios` has, float64 (n,), in squared fractions of the face's size.

    They are those of the defocus over the median of sharp faces; below 0 for a face that is sharper.
    """
    return _table().variances / GRID_SIZE**2


def softness(edges: EdgeWidths, movement: np.ndarray | None = None, shutter: float = 0.0) -> float:
    """Return the standard deviation of a face's edges without the streaks of its movement, as a fraction of its size.

    `movement` (2,) and `shutter` are those of `expected_ratios`; None for a face that stands still.
    """
    costs = _costs(edges, np.zeros(2) if movement is None else movement, np.array([shutter]))[:, 0]
    return _lowest(np.sqrt(SHARP_WIDTH**2 + blur_variances()), costs)


def smear(edges: EdgeWidths, movement: np.ndarray) -> tuple[float, float]:
    """Return the part of a `movement` (2,) over which a single face is smeared, 0..1, and its softness without that."""
    costs = _costs(edges, movement, _SHUTTERS)
    variance, part = np.unravel_index(int(np.argmin(costs)), costs.shape)
    return float(_SHUTTERS[part]), float(np.sqrt(SHARP_WIDTH**2 + blur_variances()[variance]))


def _lowest(places: np.ndarray, costs: np.ndarray) -> float:
    """Return where `costs` (n,) at rising `places` (n,) are lowest, on the parabola through the lowest and its neighbours."""
    lowest = int(np.argmin(costs))
    if not 0 < lowest < len(costs) - 1:
        return float(places[lowest])
    before, here, after = places[lowest - 1 : lowest + 2]
    rise_before, rise_after = costs[lowest - 1] - costs[lowest], costs[lowest + 1] - costs[lowest]
    bend = (here - before) * rise_after + (after - here) * rise_before
    if bend <= 0:
        return float(here)
    moved = ((here - before) ** 2 * rise_after - (after - here) ** 2 * rise_before) / bend
    return float(here - 0.5 * moved)


def _costs(edges: EdgeWidths, movement: np.ndarray, shutters: np.ndarray) -> np.ndarray:
    """Return how badly each blur explains the edges of a face that nothing else is known of, float64 (variances, shutters)."""
    expected = expected_ratios(movement, shutters)
    apart = (expected - edges.ratios) / (_SCATTER * expected + _LEAST_SCATTER)
    return (_PAIR_WEIGHTS * edges.weights * np.minimum(apart**2, _MOST)).sum(axis=(2, 3))


def is_surely_soft(wanted: float) -> bool:
    """Say whether `wanted` edges, a fraction of the face's size, are softer than those of anybody's sharp pictures."""
    return bool(smoothstep(wanted / SHARP_WIDTH, *_SURELY_SOFT) > 0)


def blur_between(own: float, wanted: float) -> float:
    """Return the standard deviation of the blur that makes edges as soft as `wanted` that are as soft as `own`.

    It is 0 where they are nearly so already, and where `wanted` is no softer than the edges of some people are in sharp pictures: a
    blur that the plate does not have would cost likeness.
    """
    part = float(smoothstep(wanted / SHARP_WIDTH, *_SURELY_SOFT)) * float(smoothstep(wanted / own, *_SOFTER))
    return part * float(np.sqrt(max(wanted**2 - own**2, 0.0)))


@dataclass(frozen=True)
class _BlurTable:
    """The ratios of blurred faces.

    `ratio` float64 (variances, lengths, SCALES, angles): variance of the defocus and length of the streaks in pixels of the picture
    that is measured, and the angle between an edge's normal and the streaks, from 0 to a right angle.
    """

    variances: np.ndarray
    lengths: np.ndarray
    ratio: np.ndarray

    def at(self, lengths: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Interpolate to `lengths` (n,) and `angles` (m,): float64 (variances, n, SCALES, m)."""
        place = np.interp(lengths, self.lengths, np.arange(len(self.lengths)))
        low = np.minimum(place.astype(int), len(self.lengths) - 2)
        part = (place - low)[None, :, None, None]
        rows = self.ratio[:, low] * (1 - part) + self.ratio[:, low + 1] * part
        steps = self.ratio.shape[3] - 1
        away = np.abs((angles + np.pi / 2) % np.pi - np.pi / 2) / (np.pi / 2) * steps
        low = np.minimum(away.astype(int), steps - 1)
        part = away - low
        return rows[..., low] * (1 - part) + rows[..., low + 1] * part


@cache
def _table() -> _BlurTable:
    with np.load(Path(__file__).parent / "edge_widths.npz") as file:
        sigmas, lengths, ratio = (file[name].astype(np.float64) for name in ("sigmas", "lengths", "ratio"))
    wanted = np.r_[np.linspace(_SHARPEST, 0.25, 30), np.geomspace(0.5, sigmas[-1], _FINE)[1:] ** 2]
    known = sigmas**2
    low = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 2)
    # Linear in the variance, also below 0, where a face is sharper than the median of the people.
    part = ((wanted - known[low]) / (known[low + 1] - known[low]))[:, None, None, None]
    return _BlurTable(wanted, lengths, ratio[low] * (1 - part) + ratio[low + 1] * part)


@cache
def feature_points() -> np.ndarray:
    """Return the points of eyes, brows, nose and lips."""
    return np.concatenate(_hulls())


def _hulls() -> tuple[np.ndarray, ...]:
    mesh = topology()
    right, left = (
        np.concatenate(part) for part in ((mesh.right_eye_loop, mesh.right_brow), (mesh.left_eye_loop, mesh.left_brow))
    )
    return right, left, mesh.lips_loop, np.asarray(mesh.nose)


def _features_matte(points: np.ndarray, grid: Window) -> np.ndarray:
    """Draw the features with room around them, uint8 (h, w)."""
    mask = np.zeros((grid.height, grid.width), np.uint8)
    for loop in _hulls():
        hull = cv2.convexHull(points[loop].astype(np.float32))[:, 0]
        cv2.fillConvexPoly(mask, np.round((hull - (grid.x + 0.5, grid.y + 0.5)) * 16).astype(np.int32), 1, shift=4)
    return cv2.dilate(mask, disc(_ROOM))


def _skin_matte(points: np.ndarray, grid: Window, features: np.ndarray) -> np.ndarray:
    """Draw the face without its features, uint8 (h, w)."""
    skin = np.zeros_like(features)
    outline = points[topology().oval]
    outline = outline + 0.1 * (outline.mean(axis=0) - outline)
    cv2.fillPoly(skin, [np.round((outline - (grid.x + 0.5, grid.y + 0.5)) * 16).astype(np.int32)], 1, shift=4)
    return skin & (1 - features)


def slopes(pixels: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of `pixels` (h, w) after a Gaussian filter, float32 (h, w) each: along x and along y."""
    soft = cv2.GaussianBlur(pixels, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return cv2.filter2D(soft, -1, _STEP), cv2.filter2D(soft, -1, _STEP.T)


def quiet_noise(steepness: np.ndarray, where: EdgePlaces) -> float:
    """Return the standard deviation of noise in a gradient: what the quietest skin shows.

    `steepness` (h, w) is its length on every second row and column of the grid.
    """
    found = steepness.ravel()[where.quiet]
    return _percentile(found, _QUIET) / _RAYLEIGH if found.size else 0.0


def _ratios(
    near: tuple[np.ndarray, np.ndarray],
    wide: tuple[np.ndarray, np.ndarray],
    where: EdgePlaces,
    sigma: float,
    part: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio of each direction, its quantile `part`, and its weight, float64 (DIRECTIONS,) each.

    An edge is where the steepness under the wider filter is greatest across it; it must stand out from the noise, which
    the quietest skin shows. Noise under the narrower filter, which is stronger, takes no part in finding
    it, so it scatters the ratio without a bias of the median. The upper quartile is drawn in by as much as that scatter moves it.
    """
    steep = cv2.magnitude(wide[0], wide[1])
    noise = quiet_noise(steep[::2, ::2], where)
    seen = steep.ravel()[where.searched]
    steepest = _percentile(seen, 98.0)
    least = max(_LEAST * steepest, min(_OVER_NOISE * noise, _SURELY * steepest), 1e-12)
    places = where.searched[seen > least]
    second = steep.ravel()[places]
    normal = np.stack([slope.ravel()[places] for slope in wide]) / second
    step = np.float32(max(1.0, 0.7 * sigma))
    here = np.stack(np.divmod(places, steep.shape[1])[::-1]).astype(np.float32)
    ahead, behind = (_read(steep, here + way * normal) for way in (step, -step))
    edge = np.flatnonzero((second >= ahead) & (second >= behind))
    places, normal, second = places[edge], normal[:, edge], second[edge]
    first = near[0].ravel()[places] * normal[0] + near[1].ravel()[places] * normal[1]
    ratio = np.log2(np.clip(first / second, 0.25, 4.0))
    order = np.argsort(ratio)
    angle = (np.arctan2(normal[1], normal[0]) % np.pi)[order]
    if part == 0.5 or not places.size:
        found, weights = _levels(ratio[order], second[order], angle, (0.5,))
        return found[0], weights
    (middle, upper), weights = _levels(ratio[order], second[order], angle, (0.5, part))
    grain = _grain(near, wide, where) / max(float(np.median(first)) * np.log(2.0), 1e-12)
    upper = middle + np.sqrt(np.maximum((upper - middle) ** 2 - (_QUARTILE * grain) ** 2, 0.0))
    mean = float((weights * upper).sum() / max(weights.sum(), 1e-6))
    return upper, weights * (1 - float(smoothstep(grain / max(mean, 1e-6), *_GRAINY)))


def _grain(near: tuple[np.ndarray, np.ndarray], wide: tuple[np.ndarray, np.ndarray], where: EdgePlaces) -> float:
    """Return the standard deviation of grain in a gradient: what the two filters disagree about in the quietest skin."""
    x, y = (narrow[::2, ::2] - wider[::2, ::2] for narrow, wider in zip(near, wide, strict=True))
    return quiet_noise(cv2.magnitude(x, y), where)


def _levels(
    ratio: np.ndarray, strength: np.ndarray, angle: np.ndarray, parts: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted quantiles of the sorted `ratio` (n,) by direction, (parts, DIRECTIONS), and the directions' weights."""
    levels = np.zeros((len(parts), DIRECTIONS))
    if not ratio.size:
        return levels, np.zeros(DIRECTIONS)
    turns = np.asarray(angle * (DIRECTIONS / np.pi), np.float32)
    away = np.abs(turns - np.arange(DIRECTIONS, dtype=np.float32)[:, None])
    away = np.minimum(away, DIRECTIONS - away)
    share = strength * np.clip(np.float32(1.5) - away, np.float32(0), np.float32(1))
    summed = np.cumsum(share, axis=1)
    whole = summed[:, -1:]
    for row, level in enumerate(parts):
        levels[row] = np.where(whole[:, 0] > 0, ratio[np.argmax(summed >= whole * level, axis=1)], 0.0)
    return levels, np.minimum((share > 0).sum(axis=1) / _ENOUGH, 1.0)


def _percentile(values: np.ndarray, percent: float) -> float:
    """Return a percentile of `values` (n,), as `np.percentile` interpolates it."""
    place = (len(values) - 1) * percent / 100.0
    low = int(place)
    high = min(low + 1, len(values) - 1)
    found = np.partition(values, (low, high))
    return float(found[low] + (found[high] - found[low]) * np.float32(place - low))


def _read(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Read a picture (h, w) at `places` (2, n), x and y counted from the first pixel's centre: float32 (n,)."""
    if not places.shape[1]:
        return np.zeros(0, np.float32)
    count = places.shape[1]
    table = np.zeros((2, -(-count // _FOLD) * _FOLD), np.float32)  # OpenCV limits a table's width
    table[:, :count] = places
    x, y = table.reshape(2, -1, _FOLD)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR).ravel()[:count]


_FOLD = 256
_STEP = np.array([[-0.5, 0.0, 0.5]], np.float32)
# Least variance that is compared, in squared pixels of the picture that is measured, and the number of those above 0.25.
_SHARPEST, _FINE = -0.6, 70
