"""Tones of the skin at fixed points of the mesh: a face's light and colour as a few numbers.

Light, colour and seam are matched between these numbers, not between pictures: they can be measured once in tracking, smoothed
in time and stored, and a speck or a strand of hair at one of them cannot spread into the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from faceplate.comp.regions import skin_weight
from faceplate.comp.tone_field import smooth_field
from faceplate.face import Face, topology
from faceplate.face.align import resample
from faceplate.face.shape import away_from, head_model, normals, unsqueezed
from faceplate.image.window import Window

__all__ = [
    "COUNT",
    "SkinTones",
    "below_nose",
    "edge_points",
    "may_be_hair",
    "measure_tones",
    "tone_points",
]

COUNT = 112
"""Number of tones of a face."""

# Cells per face of the grid on which tones are measured, and the low-pass around each point, as a fraction of the face's size.
_CELLS, _SOFT = 128.0, 0.02
# Width in cells of the skin beside hair that does not count, because the hair's edge is soft and it casts a shadow.
_BESIDE_HAIR = 7
# Points on the outline are read this far inside it, as a fraction of the way to the face's middle.
_INSET = 0.06
# Distance from eyes, brows and lips on the mean head below which no tone is taken.
_FEATURE_MARGIN = 0.12
# Cosines between surface and view from which a tone counts, and from which it counts fully.
_GRAZING, _FACING = 0.1, 0.35
# The least part of the face's level that a tone can have, so that its logarithm exists.
_DARKEST = 1e-3
# Parts of its surroundings that must be visible skin for a tone to count, and to count fully.
_LEAST_SKIN, _ENOUGH_SKIN = 0.5, 0.85

# Distances from the outline on the mean head between which hair beside the cheeks is expected less and less.
_BESIDE = (0.25, 0.5)
# Reach of the skin's tones where hair may lie, in units of the face's size, and the deviations in natural logarithm, of luminance
# and of colour, up to which a tone there counts as skin in full; hair has another colour, a shadow hardly.
_SKIN_REACH, _NOT_SKIN = 0.2, (0.5, 0.16)


@dataclass(frozen=True)
class SkinTones:
    """The tones of one face.

    Attributes
    ----------
    log : np.ndarray
        float64 (112, 3), natural logarithm of scene-linear working space RGB.
    trust : np.ndarray
        float64 (112,), 0..1: 0 where the point faces away, is hidden, or lies outside the picture.
    """

    log: np.ndarray
    trust: np.ndarray


@cache
def tone_points() -> np.ndarray:
    """Return the mesh points of the tones, int (112,): the 36 of the outline, then skin points as far apart as possible."""
    mesh, head = topology(), head_model().reference
    features = (mesh.lips_loop, mesh.right_eye_loop, mesh.left_eye_loop, mesh.right_brow, mesh.left_brow)
    skin = np.flatnonzero(away_from(np.concatenate(features))[:468] >= _FEATURE_MARGIN)
    chosen = [int(point) for point in mesh.oval]
    away = away_from(mesh.oval)
    while len(chosen) < COUNT:
        chosen.append(int(skin[np.argmax(away[skin])]))
        away = np.minimum(away, np.linalg.norm(head - head[chosen[-1]], axis=1))
    return np.array(chosen)


@cache
def edge_points() -> np.ndarray:
    """Return which tones lie on the outline, bool (112,)."""
    return np.isin(tone_points(), topology().oval)


def tone_places(face: Face) -> np.ndarray:
    """Return where the tones of `face` are read, float64 (112, 2): at the mesh's points, the outline's moved inward."""
    xy = face.points[tone_points(), :2].copy()
    middle = face.points[topology().oval, :2].mean(axis=0)
    edge = edge_points()
    xy[edge] += _INSET * (middle - xy[edge])
    return xy


def measure_tones(
    pixels: np.ndarray, window: Window, face: Face, visible: np.ndarray | None = None, pixel_aspect: float = 1.0
) -> SkinTones:
    """Measure the tones of a face.

    Parameters
    ----------
    pixels : np.ndarray
        float32 (h, w, 3), scene-linear working space, on `window`.
    window : Window
        The pixels' place.
    face : Face
        The face, in the same coordinates.
    visible : np.ndarray, optional
        float32 (h, w), 0..1: how far each pixel shows the face.
    pixel_aspect : float
        Width of a pixel over its height.
    """
    scale = _CELLS / face.size
    matrix = np.array([[scale, 0, 0], [0, scale, 0]], np.float64)
    around = face.window(0.08).intersect(window)
    facing = (-normals(unsqueezed(face.points, pixel_aspect))[tone_points(), 2] - _GRAZING) / (_FACING - _GRAZING)
    trust = np.clip(facing, 0.0, 1.0)
    darkest = _DARKEST * max(face.level, 1e-12)
    if around.empty:
        return SkinTones(np.full((COUNT, 3), np.log(max(face.level, 1e-12))), np.zeros(COUNT))
    inside = around.slices(window)
    x, y = around.x * scale, around.y * scale
    grid = Window(
        int(np.floor(x)),
        int(np.floor(y)),
        int(np.ceil(around.width * scale)) + 1,
        int(np.ceil(around.height * scale)) + 1,
    )
    small = face.moved(face.points * scale)
    weight = skin_weight(small, grid)
    if visible is not None:
        shown = np.clip(resample(visible[inside], around, matrix, grid).reshape(weight.shape), 0, 1)
        weight = weight * cv2.erode(shown, np.ones((_BESIDE_HAIR, _BESIDE_HAIR), np.uint8))
    logged = np.log(np.maximum(resample(pixels[inside], around, matrix, grid), darkest))
    soft = _SOFT * _CELLS
    known = cv2.GaussianBlur(weight, (0, 0), soft, borderType=cv2.BORDER_CONSTANT)
    mean = cv2.GaussianBlur(logged * weight[..., None], (0, 0), soft, borderType=cv2.BORDER_CONSTANT)
    at = (tone_places(face) * scale - (grid.x + 0.5, grid.y + 0.5)).astype(np.float32)
    read = cv2.remap(np.dstack([mean, known]), at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR)[0].astype(np.float64)
    tones = read[:, :3] / np.maximum(read[:, 3:], 1e-6)
    trust = trust * np.clip((read[:, 3] - _LEAST_SKIN) / (_ENOUGH_SKIN - _LEAST_SKIN), 0.0, 1.0)
    trust = trust * _likely_skin(tones, trust, tone_places(face) * (pixel_aspect / face.size, 1.0 / face.size))
    usual = np.average(tones, axis=0, weights=trust) if trust.any() else np.full(3, np.log(max(face.level, 1e-12)))
    return SkinTones(np.where(trust[:, None] > 0, tones, usual), trust)


@cache
def may_be_hair() -> np.ndarray:
    """Return where hair or a beard may lie, float64 (112,): above the brows, beside the cheeks, and below the nose."""
    head, mesh = head_model().reference, topology()
    brows = head[np.concatenate([mesh.right_brow, mesh.left_brow]), 1].mean()
    top = head[mesh.oval, 1].min()
    above = np.clip(8.0 * (brows - 0.1 - head[:, 1]) / (brows - top), 0.0, 1.0)
    beside = np.clip((_BESIDE[1] - away_from(mesh.oval)) / (_BESIDE[1] - _BESIDE[0]), 0.0, 1.0)
    return np.maximum(np.maximum(above, beside)[tone_points()], below_nose())


@cache
def below_nose() -> np.ndarray:
    """Return how far each tone lies below the nose, where a beard may grow, float64 (112,)."""
    head, mesh = head_model().reference, topology()
    nose, mouth = head[mesh.nose, 1].max(), head[mesh.lips_loop, 1].mean()
    return np.clip((head[tone_points(), 1] - nose) / (mouth - nose), 0.0, 1.0)


def _likely_skin(tones: np.ndarray, trust: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return how likely each tone is skin, float64 (112,): a tone where hair may lie must continue those where none lies."""
    hairy = may_be_hair()
    inner, likely = trust * np.clip(1.0 - hairy, 0.01, 1.0), np.ones(len(trust))
    for _ in range(2):
        expected = smooth_field(places, tones, inner, _SKIN_REACH).at(places)
        mean, wanted = (part.mean(axis=1, keepdims=True) for part in (tones, expected))
        darker = (wanted - mean)[:, 0] / _NOT_SKIN[0]
        other = np.abs((tones - mean) - (expected - wanted)).max(axis=1) / _NOT_SKIN[1]
        likely = np.clip(2.0 - np.maximum(darker, other), 0.0, 1.0)
        inner = trust * np.maximum(1.0 - hairy, 0.5 * likely)
    return 1.0 - hairy * (1.0 - likely)
