"""The colour transform from the source to the plate: the saturation of the plate's grade, and its sclera and teeth.

A grade is close to a slope, which the match of the skin follows, and a saturation around luminance as in the ASC CDL. The
plate's tones are brought to the source's saturation, the new face is matched to them, and the result is brought back; a grade
of slope and saturation is then followed by everything in the face. The saturation is read off the skin's colour against sclera
and teeth, whose own colour is nearly the same in everybody. What is left of their difference is corrected on them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from faceplate.comp.feature_tones import SCLERA, TEETH, FeatureTones
from faceplate.comp.skin_tones import SkinTones
from faceplate.face import Face, topology
from faceplate.image.symmetric_log import log_unit, to_log
from faceplate.image.window import Window

__all__ = ["ColorTransform", "match_color", "saturated", "unsaturated_tones"]

# Range of saturations that are searched, and the logarithm below which one is rather a difference of two people.
_LEAST, _MOST, _PEOPLE = 0.05, 2.5, 0.4
# Least and most logarithm that is believed: two people can differ by as much as a strong grade.
_LEAST_SURE, _MOST_SURE = -0.7, 0.15
# Trust in the saturation that sclera and teeth tell: lids and lashes shade the sclera.
_TRUST = np.array([0.5, 1.0])
# Distance of skin from teeth and sclera in colour, as a constant and a slope over its distance in luminance: darker skin has more
# colour. Measured on invented people, sclera and teeth (`bench/people`).
_USUAL, _LEAST_USUAL = np.array([[0.37, 0.3], [0.21, 0.2]]), 0.15
# Luminance over the skin's, in natural logarithm, from which sclera tells the saturation, and from which it does so fully.
_SHADED, _LIT = -1.2, -0.3
# Least part of a tone's luminance that a channel keeps when saturation is undone.
_FLOOR = 0.05
# Most by which sclera and teeth are changed in colour, darkened and brightened, in natural logarithm.
_MOST_COLOR, _MOST_DARKER, _MOST_BRIGHTER = 0.6, 0.6, 0.3
# Luminance below the source's sclera or teeth from which their brightness changes less, and at which it does not change.
_BRIGHT, _DARK = 0.3, 1.2
# Part of the correction of sclera and teeth that lips take in colour.
_LIPS = 0.5
# Growth and softness of eyes, mouth and lips as fractions of the face's size, and the grid on which they are drawn.
_SOFT, _CELLS = 0.006, 400.0


@dataclass(frozen=True)
class ColorTransform:
    """What makes the new face's colour the plate's beside the light on its skin.

    Attributes
    ----------
    saturation : float
        Saturation of the plate's grade over the source's.
    shift : np.ndarray
        float64 (2, 3), natural logarithm: what sclera and teeth take beside the skin's light, before the saturation.
    reference : np.ndarray
        float64 (2,), the source's sclera and teeth in log luminance over its skin.
    """

    saturation: float
    shift: np.ndarray
    reference: np.ndarray

    def add_to(self, correction: np.ndarray, pixels: np.ndarray, skin: np.ndarray, face: Face, window: Window) -> None:
        """Add the shift of sclera, teeth and lips to the log `correction` (h, w, 3) of scene-linear `pixels` (h, w, 3), in place.

        `skin` is the mean log luminance of the new face's skin beside eyes and mouth, by feature (2,).
        """
        if not self.shift.any():
            return
        for row, near, matte, lips in _mattes(face, window):
            shift = self.shift[row].astype(np.float32)
            luminance = shift.mean()
            at = near.slices(window)
            mean = skin[row] - np.log(log_unit(face.level)) + self.reference[row]
            over = to_log(pixels[at], face.level).mean(axis=2) - np.float32(mean)
            bright = np.clip((over + np.float32(_DARK)) / np.float32(_DARK - _BRIGHT), 0, 1)
            colored = np.maximum(matte, np.float32(_LIPS) * lips)
            correction[at] += colored[..., None] * (shift - luminance) + (matte * bright * luminance)[..., None]


def saturated(pixels: np.ndarray, saturation: float, weights: np.ndarray) -> np.ndarray:
    """Return scene-linear pixels (..., 3) with a saturation around their luminance; `weights` (3,) are the luminance's."""
    if saturation == 1.0:
        return pixels
    red, green, blue = (pixels.dtype.type(weight) for weight in weights)
    # Written out: a matrix product may add in another order for another size, and a crop must equal the whole.
    luminance = (pixels[..., 0] * red + pixels[..., 1] * green + pixels[..., 2] * blue)[..., None]
    return luminance + pixels.dtype.type(saturation) * (pixels - luminance)


def unsaturated_tones(tones: SkinTones, saturation: float, weights: np.ndarray) -> SkinTones:
    """Return the skin's tones without a grade's saturation."""
    return tones if saturation == 1.0 else replace(tones, log=_unsaturated(tones.log, saturation, weights))


def match_color(
    generated: FeatureTones | None,
    plate: FeatureTones,
    tones: SkinTones,
    weights: np.ndarray,
    amount: float = 1.0,
) -> ColorTransform:
    """Find the colour transform between two faces.

    Parameters
    ----------
    generated, plate : FeatureTones
        The features of the new face, None where they are unknown, and the plate's.
    tones : SkinTones
        The plate's skin.
    weights : np.ndarray
        float (3,), the working space's luminance.
    amount : float
        Strength 0..1; 0 changes nothing.
    """
    none = ColorTransform(1.0, np.zeros((2, 3)), np.zeros(2))
    if generated is None or amount == 0 or tones.trust.sum() < 4.0:
        return none
    certainty = generated.certainty * plate.certainty
    if not certainty.any():
        return none
    skin = np.average(tones.log, axis=0, weights=tones.trust)
    saturation = 1.0 + amount * (_saturation(generated, plate, certainty, skin, weights) - 1.0)
    plain = _unsaturated(skin + plate.log, saturation, weights) - _unsaturated(skin, saturation, weights)
    shift = _limited(plain - generated.log)
    # A feature that was not measured takes the other's change of colour.
    color = shift - shift.mean(axis=1, keepdims=True)
    other = (1 - certainty)[:, None] * (certainty[:, None] * color)[::-1]
    return ColorTransform(saturation, amount * (certainty[:, None] * shift + other), generated.log.mean(axis=1))


def _limited(shift: np.ndarray) -> np.ndarray:
    """Hold changes (2, 3) of sclera and teeth within their limits."""
    luminance = shift.mean(axis=1, keepdims=True)
    color = shift - luminance
    length = np.linalg.norm(color, axis=1, keepdims=True)
    return color * np.minimum(1.0, _MOST_COLOR / np.maximum(length, 1e-9)) + np.clip(
        luminance, -_MOST_DARKER, _MOST_BRIGHTER
    )


def _saturation(
    generated: FeatureTones, plate: FeatureTones, certainty: np.ndarray, skin: np.ndarray, weights: np.ndarray
) -> float:
    """Return the saturation at which the plate's skin is as far from sclera and teeth in colour as the source's is.

    Both distances are taken over what is usual for skin as dark, and the source's counts half, because the usual one is known
    as well. What two people differ by without a grade is left out by a curve: small deviations from 1 count less than large ones.
    """
    sides = _sides(generated.log)
    wanted = np.sqrt(_distance(generated.log, generated.log))
    lit = np.array(
        [np.clip((min(one.log[SCLERA].mean() for one in (generated, plate)) - _SHADED) / (_LIT - _SHADED), 0, 1), 1.0]
    )
    certainty = certainty * lit
    weight = certainty * _TRUST * sides
    if weight.sum() < 1e-6:
        return 1.0

    def excess(saturation: float) -> float:
        plain = _unsaturated(skin + plate.log, saturation, weights) - _unsaturated(skin, saturation, weights)
        return float((weight * (_distance(plain, generated.log) - wanted)).sum())

    low, high = _least_saturation(np.vstack([skin, (skin + plate.log)[certainty > 0.01]]), weights), _MOST
    if excess(low) <= 0:
        low = high = low
    elif excess(high) >= 0:
        low = high
    for _ in range(30):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    away = float(np.log(high))
    sure = float(1.0 - np.prod(1.0 - certainty * np.clip(sides / 0.15, 0.0, 1.0)))
    return float(np.exp(sure * np.clip(away**3 / (away**2 + _PEOPLE**2), _LEAST_SURE, _MOST_SURE)))


def _least_saturation(log: np.ndarray, weights: np.ndarray) -> float:
    """Return the least saturation that can have made the colours (n, 3) in natural logarithm from others above 0."""
    pixels = np.exp(log - log.max(axis=-1, keepdims=True))
    luminance = (pixels @ weights)[:, None]
    return float(np.clip(((luminance - pixels) / luminance).max() / (1 - 2 * _FLOOR), _LEAST, 1.0))


def _sides(log: np.ndarray) -> np.ndarray:
    """Return the distance in colour of sclera and teeth (2, 3) from the skin, (2,)."""
    return np.linalg.norm(log - log.mean(axis=1, keepdims=True), axis=1)


def _distance(log: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return the distances (2,) in colour of `log` (2, 3) from the skin in the direction of `along`, over the usual ones."""
    color, axis = (part - part.mean(axis=1, keepdims=True) for part in (log, along))
    length = np.maximum(np.linalg.norm(axis, axis=1), 1e-9)
    usual = np.maximum(_USUAL[:, 0] + _USUAL[:, 1] * log.mean(axis=1), _LEAST_USUAL)
    return (color * axis).sum(axis=1) / length / usual


def _unsaturated(log: np.ndarray, saturation: float, weights: np.ndarray) -> np.ndarray:
    """Undo a saturation on colours (..., 3) in natural logarithm; no channel falls to 0."""
    level = log.max(axis=-1, keepdims=True)
    plain = saturated(np.exp(log - level), 1.0 / saturation, weights)
    floor = _FLOOR * (np.exp(log - level) @ weights)[..., None]
    # A smooth maximum, so that the result changes smoothly with the saturation.
    plain = floor + 0.5 * (plain - floor + np.sqrt((plain - floor) ** 2 + (0.5 * floor) ** 2))
    return np.log(plain) + level


def _mattes(face: Face, window: Window) -> Iterator[tuple[int, Window, np.ndarray, np.ndarray]]:
    """Draw each eye, and the mouth with its lips: the feature, the pixels around it, its matte and the lips', float32 (h, w)."""
    mesh, xy = topology(), face.points[:, :2]
    for row, outline, around in (
        (SCLERA, mesh.right_eye_loop, None),
        (SCLERA, mesh.left_eye_loop, None),
        (TEETH, mesh.mouth_loop, mesh.lips_loop),
    ):
        soft = _SOFT * face.size
        near = Window.around(xy[outline if around is None else around], 4 * soft + 3).intersect(window)
        if near.empty:
            continue
        matte = _drawn(xy[outline], near, face.size)
        lips = np.zeros_like(matte) if around is None else _drawn(xy[around], near, face.size)
        yield row, near, matte, lips


def _drawn(outline: np.ndarray, near: Window, size: float) -> np.ndarray:
    """Draw the inside of `outline` (n, 2) softly on the pixels `near`, float32 (h, w)."""
    scale = min(_CELLS / size, 1.0)
    cells = (max(round(near.width * scale), 1), max(round(near.height * scale), 1))
    factors = np.array([cells[0] / near.width, cells[1] / near.height])
    matte = np.zeros(cells[::-1], np.float32)
    fixed = np.round(((outline - (near.x, near.y)) * factors - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(matte, [fixed], 1.0, cv2.LINE_AA, 4)
    # Grown first: an eye is only a few times as high as the edge is soft, and it is to be covered wholly.
    sigma = max(_SOFT * size * scale, 0.5)
    side = 2 * max(round(1.3 * sigma), 1) + 1
    matte = cv2.dilate(matte, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    matte = cv2.GaussianBlur(matte, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    matte = cv2.resize(matte, (near.width, near.height), interpolation=cv2.INTER_LINEAR)
    return np.clip((matte - np.float32(0.05)) / np.float32(0.9), 0, 1)
