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
        float16 or float32 (S, S, 3), RGB in network space.
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
    # OpenCV moves four channels in half the time of three.
    lit = cv2.cvtColor(network_of(_lit(plain_of(pixels), rng, ranges)), cv2.COLOR_RGB2RGBA)
    target = _moved(lit, placed, cv2.BORDER_REPLICATE)
    picture = target
    if ranges.warp > 0:
        displaced = _pixel_grid(side) + _warp(side, rng, ranges)
        seen = _through(cv2.invertAffineTransform(placed), displaced)
        picture = cv2.remap(lit, seen, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (3, 3), float(rng.uniform(0.3, 0.3 + ranges.blur * side / 96)))
    amount = rng.uniform(0, ranges.grain)
    picture = cv2.scaleAdd(_grain(picture.size, rng).reshape(picture.shape), amount, picture)
    return picture[..., :3], target[..., :3], _moved(layers, placed, cv2.BORDER_CONSTANT).reshape(layers.shape), placed


def _moved(picture: np.ndarray, placed: np.ndarray, border: int) -> np.ndarray:
    """Return a picture placed by a matrix in continuous coordinates; in OpenCV's the centres of pixels are whole numbers."""
    matrix = placed.copy()
    matrix[:, 2] += placed[:, :2].sum(axis=1) * 0.5 - 0.5
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=border)


def _placement(side: int, rng: np.random.Generator, ranges: Augmentation) -> np.ndarray:
    angle = rng.uniform(-ranges.turn, ranges.turn)
    scale = 1 + rng.uniform(-ranges.scale, ranges.scale)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-ranges.shift, ranges.shift, 2) * side
    return matrix


def _lit(plain: np.ndarray, rng: np.random.Generator, ranges: Augmentation) -> np.ndarray:
    """Return a picture in plain sRGB (S, S, 3) in another light: exposure, a slope in a random direction, a colour cast."""
    stops = rng.uniform(-ranges.light, ranges.light)
    slope = rng.uniform(-ranges.light_slope, ranges.light_slope, 2)
    cast = rng.uniform(-ranges.colour, ranges.colour, 3)
    across, down = np.exp2((slope / _GAMMA).astype(np.float32)[:, None] * _axis(len(plain)))
    gain = (2.0 ** ((stops + cast) / _GAMMA)).astype(np.float32)
    lit = plain.reshape(len(plain), -1) * (across[:, None] * gain).reshape(-1)
    lit *= down[:, None]
    return lit.reshape(plain.shape)


@cache
def _axis(side: int) -> np.ndarray:
    return np.linspace(-1, 1, side, dtype=np.float32)


@cache
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
    begin = int(rng.integers(_TABLE))
    return _normal_numbers()[begin : begin + count]


@cache
def _normal_numbers() -> np.ndarray:
    """Return the table, and its beginning once more, so that every part of the largest crop's length is a slice."""
    table = np.random.default_rng(_TABLE).standard_normal(_TABLE, np.float32)
    return np.concatenate([table, table])
