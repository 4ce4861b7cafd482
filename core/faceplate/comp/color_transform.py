"""The colour transform from the source to the plate: the saturation of the plate's grade, and its sclera and teeth.

A grade is close to a slope, which the match of the skin follows, and a saturation around luminance as in the ASC CDL. The
plate's tones are brought to the source's saturation, the new face is matched to them, and the result is brought back; a grade
of slope and saturation is then followed by everything in the face. The saturation is read off the skin's colour against grey,
sclera and teeth, as far as it leaves what is usual in people. What is left of their difference is corrected on them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from faceplate.comp.feature_tones import SCLERA, TEETH, FeatureTones
from faceplate.comp.skin_tones import SkinTones
from faceplate.face import Face, topology
from faceplate.image.soft_steps import smoothstep
from faceplate.image.symmetric_log import log_unit, to_log
from faceplate.image.window import Window

__all__ = ["ColorTransform", "feature_matte", "match_color", "unsaturated_tones"]

# Saturations that are compared, in natural logarithm, their standard deviation among grades, and the odds that there is none.
_TRIED, _SPREAD, _UNGRADED = np.linspace(np.log(0.1), np.log(1.8), 49), 0.6, 0.7
# Skin's distance from grey in natural logarithm, and its distances from teeth and from sclera: mean and standard deviation over
# the people to tune on without a grade, and the freedom of their heavy-tailed distribution (`bench/people/measure_grade.py`).
_USUAL = np.array([[-0.66, 0.26], [0.27, 0.10], [0.22, 0.16]])
_FREEDOM, _SHARE = 4.0, 0.8
# Distances of skin from sclera and from teeth at which they were misread, and from which they were not: a white is nearer to grey
# than skin. Lids tint the sclera.
_MISREAD = np.array([[-0.12, 0.0], [-0.02, 0.1]])
# Logarithm of a saturation below which it is rather a difference of two people, and the least and most that is followed.
_PEOPLE, _LEAST, _MOST = 0.15, -0.8, 0.15
# Least part of a tone's luminance that a channel keeps when saturation is undone.
_FLOOR = 0.05
# Most by which sclera and teeth are changed in colour, darkened and brightened, in natural logarithm.
_MOST_COLOR, _MOST_DARKER, _MOST_BRIGHTER = 0.6, 0.6, 0.3
# Luminance below the source's sclera or teeth from which their brightness changes less, and at which it does not change.
_BRIGHT, _DARK = 0.3, 1.2
# Part of the correction of sclera and teeth that lips, gums and red flesh take in colour.
_LIPS = 0.5
# Redness over the source's sclera and teeth, in natural logarithm, from which a pixel begins to be flesh of an eye's corner or gum,
# and from which it is. The sclera's shaded rim is redder than its middle.
_FLESH = ((0.4, 0.8), (0.15, 0.45))
# Part of the other's change of colour that sclera and teeth take where they were not measured themselves. Across the people to tune
# on, the sclera tells a fifth of the teeth's; teeth tell half of the sclera's, but with all of it the sclera comes nearer.
_TAKEN = np.array([[1.0], [0.2]])
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
        float64 (2, 3), natural logarithm: the source's sclera and teeth over its skin.
    trust : np.ndarray
        float64 (2,), 0..1: how far sclera and teeth were measured on both faces.
    """

    saturation: float
    shift: np.ndarray
    reference: np.ndarray
    trust: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def beside_light(self, left: np.ndarray) -> ColorTransform:
        """Return the transform for a light that leaves the skin off by `left`, float64 (2, 3), beside the eyes and the mouth.

        `left` is the natural logarithm of the plate's skin over the new face's in its light. That difference belongs to the two
        people's skin, and their sclera and teeth do not take it.
        """
        return replace(self, shift=_limited(self.shift + self.trust[:, None] * left))

    def add_to(self, correction: np.ndarray, pixels: np.ndarray, skin: np.ndarray, face: Face, window: Window) -> None:
        """Add the shift of sclera, teeth and lips to the log `correction` (h, w, 3) of scene-linear `pixels` (h, w, 3), in place.

        `skin` is the log of the new face's skin beside eyes and mouth, by feature (2, 3).
        """
        if not self.shift.any():
            return
        for row, near, matte, lips in _mattes(face, window):
            shift = self.shift[row].astype(np.float32)
            luminance = shift.mean()
            at = near.slices(window)
            usual = skin[row] - np.log(log_unit(face.level)) + self.reference[row]
            over = to_log(pixels[at], face.level) - usual.astype(np.float32)
            bright = np.clip((over.mean(axis=2) + np.float32(_DARK)) / np.float32(_DARK - _BRIGHT), 0, 1)
            redness = over[..., 0] - (over[..., 1] + over[..., 2]) / 2
            white = matte * (1 - smoothstep(redness, *_FLESH[row])).astype(np.float32)
            colored = np.maximum(white, np.float32(_LIPS) * np.maximum(matte, lips))
            # What makes teeth darker than their skin is shade, and gums and tongue lie in it as well.
            shaded = matte if row == TEETH and luminance < 0 else white * bright
            correction[at] += colored[..., None] * (shift - luminance) + (shaded * luminance)[..., None]


def feature_matte(face: Face, window: Window) -> np.ndarray:
    """Draw the eyes and the inside of the mouth, where sclera and teeth may show, float32 (h, w) in 0..1."""
    drawn = np.zeros((window.height, window.width), np.float32)
    for _, near, matte, _ in _mattes(face, window):
        at = near.slices(window)
        drawn[at] = np.maximum(drawn[at], matte)
    return drawn


def unsaturated_tones(tones: SkinTones, saturation: float, weights: np.ndarray) -> SkinTones:
    """Return the skin's tones without a grade's saturation."""
    return tones if saturation == 1.0 else replace(tones, log=_unsaturated(tones.log, saturation, weights))


def match_color(
    generated: FeatureTones | None,
    plate: FeatureTones,
    own: SkinTones,
    tones: SkinTones,
    weights: np.ndarray,
    amount: float = 1.0,
    beside: np.ndarray | None = None,
) -> ColorTransform:
    """Find the colour transform between two faces.

    Parameters
    ----------
    generated, plate : FeatureTones
        The features of the new face, None where they are unknown, and the plate's.
    own, tones : SkinTones
        The skin of the new face, and the plate's.
    weights : np.ndarray
        float (3,), the working space's luminance.
    amount : float
        Strength 0..1; 0 changes nothing.
    beside : np.ndarray, optional
        float64 (2, 3), natural logarithm: the plate's skin beside its eyes and beside its mouth; the mean skin without it.
    """
    none = ColorTransform(1.0, np.zeros((2, 3)), np.zeros((2, 3)))
    if generated is None or amount == 0 or min(tones.trust.sum(), own.trust.sum()) < 4.0:
        return none
    if not (generated.certainty * plate.certainty).any():
        return none
    skin, wanted = (np.average(one.log, axis=0, weights=one.trust) for one in (own, tones))
    away = grade_saturation(wanted, plate, weights) - grade_saturation(skin, generated, weights)
    followed = np.exp(np.clip(away**3 / (away**2 + _PEOPLE**2), _LEAST, _MOST))
    saturation = float(1.0 + amount * (followed - 1.0))
    skins = np.stack([wanted, wanted]) if beside is None else beside
    plain = _unsaturated(skins + plate.log, saturation, weights) - _unsaturated(skins, saturation, weights)
    certainty = generated.certainty * plate.certainty
    certainty = certainty * smoothstep(_distances(_unsaturated(wanted, saturation, weights), plain), *_MISREAD.T)
    shift = plain - generated.log
    color = shift - shift.mean(axis=1, keepdims=True)
    other = (1 - certainty)[:, None] * _TAKEN * (certainty[:, None] * color)[::-1]
    return ColorTransform(saturation, amount * (certainty[:, None] * shift + other), generated.log, amount * certainty)


def grade_saturation(skin: np.ndarray, features: FeatureTones, weights: np.ndarray) -> float:
    """Return the likely saturation of a picture's grade in natural logarithm, 0 for none.

    A grade brings skin nearer to grey and to teeth and sclera at once; how far they are apart in people without a grade is known.
    The result is the mean over all saturations by their likelihood, so that it changes smoothly.

    Parameters
    ----------
    skin : np.ndarray
        (3,), the skin's mean, natural logarithm of scene-linear working space RGB.
    features : FeatureTones
        Sclera and teeth over it.
    weights : np.ndarray
        float (3,), the working space's luminance.
    """
    sure = float(1.0 - np.prod(1.0 - features.certainty))
    share = _SHARE * np.array([sure, features.certainty[TEETH], features.certainty[SCLERA]])

    saturations = np.exp(np.concatenate([[0.0], _TRIED]))[:, None, None]
    plain = _unsaturated(np.concatenate([skin[None], skin + features.log]), saturations, weights)
    skins, over = plain[:, 0], plain[:, 1:] - plain[:, :1]
    length = np.linalg.norm(skins - skins.mean(axis=1, keepdims=True), axis=1)
    apart = np.column_stack([np.log(np.maximum(length, 0.02)), _distances(skins, over)[:, [TEETH, SCLERA]]])
    away = (apart - _USUAL[:, 0]) / _USUAL[:, 1]
    evidence = -0.5 * (_FREEDOM + 1.0) * np.log1p(away**2 / _FREEDOM) @ share
    usual = np.exp(-0.5 * (_TRIED / _SPREAD) ** 2)
    odds = np.array([_UNGRADED, *((1.0 - _UNGRADED) * usual / usual.sum())])
    weight = odds * np.exp(evidence - evidence.max())
    return float(weight[1:] @ _TRIED / weight.sum())


def _distances(skin: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Return how far sclera and teeth, `over` (..., 2, 3) the `skin` (..., 3), lie from it towards grey, (..., 2), in logarithm."""
    axis = skin - skin.mean(axis=-1, keepdims=True)
    along = ((over - over.mean(axis=-1, keepdims=True)) * axis[..., None, :]).sum(axis=-1)
    return -along / np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-6)


def _limited(shift: np.ndarray) -> np.ndarray:
    """Hold changes (2, 3) of sclera and teeth within their limits."""
    luminance = shift.mean(axis=1, keepdims=True)
    color = shift - luminance
    length = np.linalg.norm(color, axis=1, keepdims=True)
    return color * np.minimum(1.0, _MOST_COLOR / np.maximum(length, 1e-9)) + np.clip(
        luminance, -_MOST_DARKER, _MOST_BRIGHTER
    )


def _unsaturated(log: np.ndarray, saturation: float | np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Undo a saturation on colours (..., 3) in natural logarithm; no channel falls to 0. Several saturations broadcast."""
    level = log.max(axis=-1, keepdims=True)
    graded = np.exp(log - level)
    luminance = (graded @ weights)[..., None]
    plain = luminance + (graded - luminance) / saturation
    floor = _FLOOR * luminance
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
