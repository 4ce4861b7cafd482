"""Augmentation of one training face: placement, warp, light, colour, grain. Every draw comes from the generator given.

The target is the face as photographed, placed anew and in another light. The network's input is the same face, bent by a
smooth random warp, blurred a little and with grain: it learns to draw a person's own shape and clean skin from a face
that is not quite that person's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from faceplate.train.curve import network_of, plain_of

__all__ = ["AUGMENTATION", "Augmentation", "augment"]


@dataclass(frozen=True)
class Augmentation:
    """The range of each draw. Lengths are fractions of the crop's side, light is in stops of display gamma 2.2."""

    turn: float = 8.0
    scale: float = 0.05
    shift: float = 0.03
    warp: float = 0.022
    warp_grid: int = 5
    light: float = 0.5
    light_slope: float = 0.7
    colour: float = 0.12
    grain: float = 0.02
    blur: float = 0.25

    def eased(self, strength: float) -> Augmentation:
        """Return the ranges of a training's end: `strength` 1 is all of them, 0 no warp and half of the placement.

        Where a warped face lay before the warp can only be guessed, and a network that has to guess draws soft edges. The crops
        of a render are hardly displaced.
        """
        placed = 0.5 + 0.5 * strength
        return replace(
            self,
            warp=self.warp * strength,
            turn=self.turn * placed,
            scale=self.scale * placed,
            shift=self.shift * placed,
        )


AUGMENTATION = Augmentation()
"""What all presets use."""

_GAMMA = 2.2
_TABLE = 1 << 20


def augment(
    pixels: np.ndarray, layers: np.ndarray, rng: np.random.Generator, ranges: Augmentation = AUGMENTATION
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make the input and the target of one face.

    Parameters
    ----------
    pixels : ndarray
        float32 (S, S, 3), RGB in network space.
    layers : ndarray
        uint8 (S, S, n): matte and region masks 0..255, which are placed like the target.
    rng : numpy.random.Generator
        Source of every draw.
    ranges : Augmentation
        How far the draws go.

    Returns
    -------
    tuple of ndarray
        Input and target float32 (S, S, 3), layers uint8 (S, S, n), and the matrix (2, 3) from the old to the new crop in
        continuous coordinates.
    """
    side = pixels.shape[0]
    placed = _placement(side, rng, ranges)
    lit = network_of(plain_of(pixels) * _light(side, rng, ranges))
    grid = _pixel_grid(side)
    inverse = cv2.invertAffineTransform(placed)
    target_map = _through(inverse, grid)
    input_map = _through(inverse, grid + _warp(side, rng, ranges))
    target = _remap(lit, target_map)
    picture = _remap(lit, input_map)
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (3, 3), float(rng.uniform(0.3, 0.3 + ranges.blur * side / 96)))
    amount = rng.uniform(0, ranges.grain)
    picture = picture + _grain(picture.size, rng).reshape(picture.shape) * np.float32(amount)
    moved = _remap(layers, target_map, cv2.BORDER_CONSTANT)
    return picture, target, moved.reshape(layers.shape), placed


def _placement(side: int, rng: np.random.Generator, ranges: Augmentation) -> np.ndarray:
    angle = rng.uniform(-ranges.turn, ranges.turn)
    scale = 1 + rng.uniform(-ranges.scale, ranges.scale)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-ranges.shift, ranges.shift, 2) * side
    return matrix


def _light(side: int, rng: np.random.Generator, ranges: Augmentation) -> np.ndarray:
    """Return a factor (S, S, 3): exposure, a slope in a random direction, and a colour cast."""
    stops = rng.uniform(-ranges.light, ranges.light)
    slope = rng.uniform(-ranges.light_slope, ranges.light_slope, 2)
    cast = rng.uniform(-ranges.colour, ranges.colour, 3)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    factor = np.float32(2.0) ** (1 / _GAMMA)
    across, down = (factor ** (np.float32(part) * axis) for part in slope)
    gain = (2.0 ** ((stops + cast) / _GAMMA)).astype(np.float32)
    return (down[:, None] * across[None, :])[..., None] * gain


def _pixel_grid(side: int) -> np.ndarray:
    axis = np.arange(side, dtype=np.float32) + 0.5
    return np.stack(np.broadcast_arrays(axis[None, :], axis[:, None]), axis=-1)


def _warp(side: int, rng: np.random.Generator, ranges: Augmentation) -> np.ndarray:
    """Return a smooth displacement (S, S, 2) in pixels."""
    coarse = rng.standard_normal((ranges.warp_grid, ranges.warp_grid, 2), np.float32) * np.float32(ranges.warp * side)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def _through(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points (S, S, 2), continuous coordinates, and return them in OpenCV's, whose pixel centres are whole numbers."""
    return cv2.transform(points, matrix.astype(np.float32)) - np.float32(0.5)


def _grain(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` normal numbers from a random place of a fixed table, which costs a tenth of drawing them."""
    table = _normal_numbers()
    begin = int(rng.integers(_TABLE))
    return np.take(table, np.arange(begin, begin + count), mode="wrap")


@cache
def _normal_numbers() -> np.ndarray:
    return np.random.default_rng(_TABLE).standard_normal(_TABLE, np.float32)


def _remap(picture: np.ndarray, where: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    across, down = cv2.split(where)
    return cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=border)
