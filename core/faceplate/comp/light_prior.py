"""How light may lie on a face: what the search for the plate's light expects before it has seen the plate.

All of it is a covariance of log light between the places of the tones. Soft light is a level, a slope and a slow bend. One lamp
over ambient light follows the surface's normals by Lambert's law, with a gloss by Blinn and Phong (J. Blinn, "Models of light
reflection for computer synthesized pictures", SIGGRAPH 1977); the covariance over many random lamps says what such light has in
common. Shadows' edges and hot spots are a few patterns out of many.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

__all__ = ["BENT", "EVEN", "lamp_covariance", "light_patterns", "soft_covariance"]

EVEN, BENT = 0.1, 0.35
"""How far soft light bends over a face, as a standard deviation in natural logarithm: ordinary light, and light from close by."""

# Standard deviations in natural logarithm of the light's level and slope, and the reach of its bend in units of the face's size.
_LEVEL, _SLOPE, _BEND_REACH = 2.0, 1.0, 0.35
# Least and most ambient light over the lamp's, for lamps of medium hardness, and for hard ones.
_AMBIENT = ((0.15, 0.5), (0.03, 0.15))
# Lamps of each kind, how far behind the face they may stand (cosine), the most of their gloss, and its least and most exponent.
_COUNT, _BEHIND, _GLOSS, _EXPONENT = 400, 0.3, 0.5, (4.0, 20.0)
# Radii of hot spots, and softness of shadows' edges, in units of the face's size.
_RADII, _EDGES = (0.1, 0.18), (0.055, 0.127)
# Directions of shadows' edges, and their distances from the face's middle in units of its size.
_DIRECTIONS, _OFFSETS = 8, np.linspace(-0.35, 0.35, 7)


@dataclass(frozen=True)
class _Lamps:
    """Random lamps: unit vectors to the lamp and halfway to the viewer (n, 3), ambient light, gloss and its exponent (n,)."""

    way: np.ndarray
    half: np.ndarray
    ambient: np.ndarray
    gloss: np.ndarray
    exponent: np.ndarray


def soft_covariance(places: np.ndarray, trust: np.ndarray, bend: float = BENT) -> np.ndarray:
    """Return the covariance (n, n) of soft light at `places` (n, 2) in units of the face's size, around the trusted ones.

    `bend` is the standard deviation of what bends it, in natural logarithm.
    """
    square = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    away = places - np.average(places, axis=0, weights=trust + 1e-12)
    return _LEVEL**2 + _SLOPE**2 * away @ away.T + bend**2 * np.exp(square * (-0.5 / _BEND_REACH**2))


def lamp_covariance(normal: np.ndarray, kind: int) -> np.ndarray:
    """Return the covariance (n, n) of a lamp's light on unit normals (n, 3) of camera space; `kind` is 0, or 1 for hard ones."""
    lamps = _lamps(kind)
    diffuse = np.maximum(normal @ lamps.way.T, 0.0)
    gloss = np.maximum(normal @ lamps.half.T, 1e-6) ** lamps.exponent * (diffuse > 0)
    light = np.log(lamps.ambient + diffuse + lamps.gloss * gloss)
    light -= light.mean(axis=0)
    light -= light.mean(axis=1, keepdims=True)
    return light @ light.T / light.shape[1]


def light_patterns(places: np.ndarray, reach: float) -> np.ndarray:
    """Return hot spots and shadows' edges, each of height 1, at `places` (n, 2): (n, m).

    `reach` is the finest scale, in units of the face's size; finer patterns are widened to it.
    """
    square = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    spots = [np.exp(square * (-0.5 / max(radius, reach) ** 2)) for radius in _RADII]
    angles = np.arange(_DIRECTIONS) * (np.pi / _DIRECTIONS)
    along = (places - places.mean(axis=0)) @ np.stack([np.cos(angles), np.sin(angles)])
    beyond = along[:, :, None] - _OFFSETS
    edges = [0.5 * np.tanh(0.5 * beyond / max(soft, 0.5 * reach)).reshape(len(places), -1) for soft in _EDGES]
    return np.hstack([*spots, *edges])


@cache
def _lamps(kind: int) -> _Lamps:
    rng = np.random.default_rng(kind)
    way = rng.normal(size=(4 * _COUNT, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    way = way[way[:, 2] < _BEHIND][:_COUNT]
    half = way + np.array([0.0, 0.0, -1.0])
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    low, high = np.log(_AMBIENT[kind])
    ambient = np.exp(rng.uniform(low, high, _COUNT))
    low, high = np.log(_EXPONENT)
    exponent = np.exp(rng.uniform(low, high, _COUNT))
    return _Lamps(way, half, ambient, rng.uniform(0.0, _GLOSS, _COUNT), exponent)
