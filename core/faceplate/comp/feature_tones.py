"""Tones of sclera and teeth: the parts of a face whose own colour is nearly the same in everybody, so that they show the grade.

They are measured as ratios to the skin beside them. Exposure, and light of a low order, fall out of the ratio; the saturation of
a grade does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.comp.skin_tones import SkinTones, tone_places, tone_points
from faceplate.comp.teeth import tooth_likeness
from faceplate.comp.tone_field import ToneField, smooth_field
from faceplate.face import Face, mouth, topology
from faceplate.face.align import apply, compose, resample
from faceplate.image.soft_steps import smoothstep
from faceplate.image.window import Window

__all__ = ["SCLERA", "TEETH", "FeatureTones", "combine_features", "measure_features", "skin_field"]

SCLERA, TEETH = 0, 1
"""Rows of `FeatureTones`."""

# Width of an eye and of the mouth in cells of the grids on which they are read, and the margin around them.
_CELLS, _MARGIN = 64, 6
# Reach of the skin's field beside the features, in units of the face's size.
_SKIN_REACH = 0.3
# Outer and inner corner of each eye, and the corners of the mouth.
_RIGHT_EYE, _LEFT_EYE, _MOUTH = (33, 133), (263, 362), (61, 291)
# Parts of an eye's width that are left out at its corners, the iris's radius that is left out, and the rim of loops in cells.
_OUTER, _INNER, _IRIS, _RIM = 0.1, 0.2, 1.15, 1.5
# Area of an open eye and of an open mouth over their width squared, from nothing to enough.
_EYE_OPEN, _MOUTH_OPEN = (0.07, 0.14), (0.02, 0.07)
# Pixels of a feature from nothing to enough.
_PIXELS = (1.0, 8.0)
# Part of an eye or of the mouth that is visible, from nothing to enough.
_SHOWN = (0.1, 0.6)
# Quantiles of an eye's brightness between which it counts more and more as sclera: the rest is lash and shadow.
_SCLERA_RANKS = (0.35, 0.65)
# Least difference in natural logarithm of these brightnesses, so that an even sclera counts.
_EVEN = 0.04
# The most by which teeth and dark are apart, in natural logarithm: teeth in the shade show no colour.
_LIT = 1.3
# Likeness to teeth from which a part of the mouth counts, and counts in full; what lower teeth count beside the upper ones,
# because they lie deeper in the shade and come and go with the jaw; rows of the mouth's chart between which upper teeth end.
_TOOTH, _LOWER, _ROWS = (0.5, 0.95), 0.05, (0.45, 0.65)
# Redness over the skin's from which the brightest part is not teeth.
_TOO_RED = (0.0, 0.1)
# Luminance over the skin's, in natural logarithm, from which sclera or teeth count.
_SCLERA_BRIGHT, _TEETH_BRIGHT = (-2.2, -1.2), (-1.6, -0.9)
# Darkest value, as a part of the face's level, that has a logarithm.
_DARKEST = 1e-3


@dataclass(frozen=True)
class FeatureTones:
    """Sclera and teeth of one face.

    Attributes
    ----------
    log : np.ndarray
        float64 (2, 3): sclera and teeth over the skin beside them, natural logarithm of scene-linear working space RGB.
    certainty : np.ndarray
        float64 (2,), 0..1: 0 where an eye or the mouth is closed, hidden or too small.
    """

    log: np.ndarray
    certainty: np.ndarray

    @classmethod
    def none(cls) -> FeatureTones:
        """Return the tones of a face on which neither is seen."""
        return cls(np.zeros((2, 3)), np.zeros(2))


def skin_field(values: np.ndarray, trust: np.ndarray, face: Face, pixel_aspect: float = 1.0) -> ToneField:
    """Continue values (112, c) at the places of the skin's tones smoothly over the features between them.

    Tones on the inner edges of the lips show the open mouth and do not count.
    """
    places = tone_places(face) * (pixel_aspect / face.size, 1.0 / face.size)
    skin = ~np.isin(tone_points(), topology().mouth_loop)
    return smooth_field(places, values, trust * skin, _SKIN_REACH)


def measure_features(
    pixels: np.ndarray,
    window: Window,
    face: Face,
    tones: SkinTones,
    visible: np.ndarray | None = None,
    pixel_aspect: float = 1.0,
) -> FeatureTones:
    """Measure sclera and teeth of a face.

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear working space, on `window`.
    window : Window
        The pixels' place.
    face : Face
        The face, in the same coordinates.
    tones : SkinTones
        The face's skin.
    visible : np.ndarray, optional
        float32 (h, w), 0..1: how far each pixel shows the face.
    pixel_aspect : float
        Width of a pixel over its height.
    """
    if tones.trust.sum() < 4.0 or face.window().intersect(window).empty:
        return FeatureTones.none()
    skin = skin_field(tones.log, tones.trust, face, pixel_aspect)
    mesh = topology()
    eyes = []
    for loop, iris, corners in (
        (mesh.right_eye_loop, slice(468, 473), _RIGHT_EYE),
        (mesh.left_eye_loop, slice(473, 478), _LEFT_EYE),
    ):
        patch = _Patch.cut(pixels, window, face, loop, corners, skin, visible, pixel_aspect)
        eyes.append(_sclera_of(patch, face.points[iris, :2]))
    open_mouth = _Patch.cut(pixels, window, face, mesh.mouth_loop, _MOUTH, skin, visible, pixel_aspect)
    sclera = combine_features([FeatureTones(np.stack([log, log]), np.full(2, certainty)) for log, certainty in eyes])
    teeth, certainty = _teeth_of(open_mouth, face.points)
    return FeatureTones(np.stack([sclera.log[0], teeth]), np.array([sclera.certainty[0], certainty]))


def combine_features(found: Sequence[FeatureTones]) -> FeatureTones:
    """Combine measurements of one person: the mean of two, the weighted median of more; certain where one of them is."""
    logs, weights = np.stack([one.log for one in found]), np.stack([one.certainty for one in found])
    log = np.zeros((2, 3))
    for row in (SCLERA, TEETH):
        if weights[:, row].max() > 0:
            log[row] = _middle(logs[:, row], weights[:, row])
    return FeatureTones(log, weights.max(axis=0))


def _middle(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of values (n, 3) whose weight lies nearest the weighted median's, each channel by itself."""
    middle = np.zeros(values.shape[1])
    for channel, column in enumerate(values.T):
        order = np.argsort(column)
        upper = np.cumsum(weights[order]) / weights.sum()
        lower = upper - weights[order] / weights.sum()
        # The half of the weight in the middle: a mean that outliers on either side do not reach.
        share = np.clip(np.minimum(upper, 0.75) - np.maximum(lower, 0.25), 0.0, None)
        middle[channel] = (share * column[order]).sum() / share.sum()
    return middle


@dataclass(frozen=True)
class _Patch:
    """One eye or the mouth on its own grid.

    `log` (h, w, 3) over the skin's field; `weight` (h, w), 0..1, inside its loop and visible; `matrix` from pixels to the grid;
    `across` (h, w), 0 at the first corner and 1 at the second; `opened`, its area over its width squared; `scale`, grid cells per
    pixel in area; `shown`, the part of it that is visible.
    """

    log: np.ndarray
    weight: np.ndarray
    matrix: np.ndarray
    across: np.ndarray
    opened: float
    scale: float
    shown: float

    @classmethod
    def cut(
        cls,
        pixels: np.ndarray,
        window: Window,
        face: Face,
        loop: np.ndarray,
        corners: tuple[int, int],
        skin: ToneField,
        visible: np.ndarray | None,
        pixel_aspect: float,
    ) -> _Patch:
        """Read the part inside `loop`; `corners` lie on its long axis."""
        square = np.array([[pixel_aspect, 0, 0], [0, 1, 0]], np.float64)
        first, second = apply(square, face.points[list(corners), :2])
        along = second - first
        length = max(float(np.linalg.norm(along)), 1e-6)
        x, y = along / length * (_CELLS / length)
        turn = np.array([[x, y, 0], [-y, x, 0]], np.float64)
        turn[:, 2] = (_MARGIN, 0) - turn[:, :2] @ first
        outline = apply(compose(turn, square), face.points[loop, :2])
        turn[1, 2] += _MARGIN - outline[:, 1].min()
        matrix = compose(turn, square)
        outline = apply(matrix, face.points[loop, :2])
        height = int(np.clip(np.ceil(np.ptp(outline[:, 1])) + 2 * _MARGIN, 2 * _MARGIN, 2 * _CELLS))
        grid = Window(0, 0, _CELLS + 2 * _MARGIN, height)
        scale = float(abs(np.linalg.det(matrix[:, :2])))
        inside = np.zeros((grid.height, grid.width), np.uint8)
        cv2.fillPoly(inside, [np.round((outline - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        depth = cv2.distanceTransform((inside > 127).astype(np.uint8), cv2.DIST_L2, 3)
        weight = np.clip(depth - max(_RIM, 0.4 * np.sqrt(scale)), 0.0, 1.0)
        y, x = np.mgrid[: grid.height, : grid.width] + 0.5
        back = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))[:2]
        at = apply(back, np.column_stack([x.ravel(), y.ravel()]))
        inside_loop = float(weight.sum())
        held = (at >= (window.x, window.y)) & (at <= (window.right, window.bottom))
        weight = weight * held.all(axis=1).reshape(weight.shape)
        if visible is not None:
            weight = weight * np.clip(resample(visible, window, matrix, grid).reshape(weight.shape), 0.0, 1.0)
        darkest = _DARKEST * max(face.level, 1e-12)
        logged = np.log(np.maximum(resample(pixels, window, matrix, grid), darkest)).astype(np.float64)
        beside = skin.at(at * (pixel_aspect / face.size, 1.0 / face.size)).reshape(logged.shape)
        points = outline - np.roll(outline, -1, axis=0)
        area = 0.5 * abs(float((outline[:, 0] * points[:, 1] - outline[:, 1] * points[:, 0]).sum()))
        shown = float(weight.sum()) / max(inside_loop, 1e-6)
        return cls(logged - beside, weight, matrix, (x - _MARGIN) / _CELLS, area / _CELLS**2, scale, shown)


def _sclera_of(patch: _Patch, iris: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the sclera of an eye over the skin, (3,), and its certainty."""
    rim = apply(patch.matrix, iris)
    radius = _IRIS * float(np.linalg.norm(rim - rim.mean(axis=0), axis=1).max())
    y, x = np.mgrid[: patch.weight.shape[0], : patch.weight.shape[1]] + 0.5
    away = np.hypot(x - rim[:, 0].mean(), y - rim[:, 1].mean()) - radius
    weight = patch.weight * np.clip(away, 0.0, 1.0)
    weight = weight * ((patch.across > _OUTER) & (patch.across < 1 - _INNER))
    luma = patch.log.mean(axis=2)
    low, high = _ranked(luma, weight, _SCLERA_RANKS)
    weight = weight * smoothstep(luma, min(low, high - _EVEN), high)
    log, pixels = _mean(patch, weight)
    certain = (
        smoothstep(pixels, *_PIXELS) * smoothstep(patch.opened, *_EYE_OPEN) * smoothstep(log.mean(), *_SCLERA_BRIGHT)
    )
    return log, float(certain * smoothstep(patch.shown, *_SHOWN))


def _teeth_of(patch: _Patch, points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the teeth over the skin, (3,), and their certainty: the bright part of the open mouth that is not red, above all."""
    places = mouth.chart(points)
    at = apply(patch.matrix, places.reshape(-1, 2)).reshape(places.shape) - 0.5
    x, y = cv2.split(at.astype(np.float32))
    read = cv2.remap(np.dstack([patch.log, patch.weight]).astype(np.float32), x, y, cv2.INTER_LINEAR)
    log, shown = read[..., :3].astype(np.float64), read[..., 3].astype(np.float64)
    upper = 1 - smoothstep(np.linspace(0, 1, mouth.ROWS), *_ROWS)[:, None]
    weight = shown * smoothstep(tooth_likeness(log, _LIT, shown), *_TOOTH) * (_LOWER + (1 - _LOWER) * upper)
    whole = float(weight.sum())
    if whole < 1e-3:
        return np.full(3, -9.0), 0.0
    teeth = (log * weight[..., None]).sum(axis=(0, 1)) / whole
    pixels = float(patch.weight.sum()) / patch.scale * whole / max(float(shown.sum()), 1e-6)
    certain = (
        smoothstep(pixels, *_PIXELS) * smoothstep(patch.opened, *_MOUTH_OPEN) * smoothstep(teeth.mean(), *_TEETH_BRIGHT)
    )
    certain = certain * smoothstep(patch.shown, *_SHOWN)
    return teeth, float(certain * (1.0 - smoothstep(teeth[0] - teeth[1:].mean(), *_TOO_RED)))


def _mean(patch: _Patch, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weighted mean (3,), and how many of the picture's pixels it counts."""
    whole = float(weight.sum())
    if whole < 1e-3:
        return np.full(3, -9.0), 0.0
    return (patch.log * weight[..., None]).sum(axis=(0, 1)) / whole, whole / patch.scale


def _ranked(values: np.ndarray, weight: np.ndarray, ranks: tuple[float, float]) -> tuple[float, float]:
    """Return two weighted quantiles of `values`; zeros where nothing has weight."""
    taken = weight.ravel() > 0
    if not taken.any():
        return 0.0, 0.0
    column, share = values.ravel()[taken], weight.ravel()[taken]
    order = np.argsort(column)
    place = (np.cumsum(share[order]) - 0.5 * share[order]) / share.sum()
    low, high = np.interp(ranks, place, column[order])
    return float(low), float(high)
