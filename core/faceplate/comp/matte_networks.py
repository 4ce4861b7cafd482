"""Mattes from networks: DeepFaceLab's XSeg, which leaves out what hides a face, and BiSeNet, which names a face's
regions.

Both see a display rendering of the plate on a crop of their own and give a matte there, which is then brought onto the
plate's pixels: `hidden_by` for what is in front of the face, `Parsed` for its regions. The networks are not shipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from faceplate.color import Exposure
from faceplate.errors import UsageError
from faceplate.face import Face
from faceplate.face.align import crop_matrix, invert, resample
from faceplate.face.view import view
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import Network

__all__ = [
    "KEEPABLE",
    "MATTE_NETWORKS",
    "REGIONS",
    "MatteNetwork",
    "Parsed",
    "chances",
    "check_matte_network",
    "hidden_by",
    "labels",
    "matte_on_plate",
    "occlusion",
    "soften",
]

# CelebAMask-HQ's classes in BiSeNet's order. Left and right are the picture's.
REGIONS = (
    "background", "skin", "left-brow", "right-brow", "left-eye", "right-eye", "glasses", "left-ear", "right-ear",
    "earring", "nose", "mouth", "upper-lip", "lower-lip", "neck", "necklace", "cloth", "hair", "hat",
)  # fmt: skip
_FACE = (
    "skin",
    "left-brow",
    "right-brow",
    "left-eye",
    "right-eye",
    "glasses",
    "nose",
    "mouth",
    "upper-lip",
    "lower-lip",
)
KEEPABLE: dict[str, tuple[str, ...]] = {
    "eyes": ("left-eye", "right-eye"),
    "mouth": ("mouth", "upper-lip", "lower-lip"),
    "brows": ("left-brow", "right-brow"),
    "nose": ("nose",),
    "hair": ("hair",),
    "hat": ("hat",),
    "glasses": ("glasses",),
    "ears": ("left-ear", "right-ear", "earring"),
    "neck": ("neck", "necklace"),
}
"""What the parameter `keep` can name when there is a parser, in the parser's own regions."""

_IN_FRONT = ("hair", "hat")
_MEAN, _STD = np.array((0.485, 0.456, 0.406), np.float32), np.array((0.229, 0.224, 0.225), np.float32)
# Public tools blur by 5 pixels on a crop of 256; a fraction of the crop keeps that at every size.
_SOFT = 5.0 / 256.0


@dataclass(frozen=True)
class MatteNetwork:
    """How a matte network wants to see the face: template and side."""

    template: str
    side: int


MATTE_NETWORKS = {"xseg": MatteNetwork("dfl_whole_face", 256), "bisenet": MatteNetwork("ffhq_512", 512)}


def occlusion(network: Network, crop: np.ndarray) -> np.ndarray:
    """XSeg's matte float32 (256, 256) in 0..1 of `crop`, float32 (256, 256, 3), RGB, display-referred 0..1: 1 where
    the face shows.

    The network takes NHWC BGR.
    """
    out = network.run(np.ascontiguousarray(crop[None, ..., ::-1], np.float32))
    return np.clip(next(iter(out.values())).reshape(crop.shape[:2]), 0.0, 1.0).astype(np.float32)


def labels(network: Network, crop: np.ndarray) -> np.ndarray:
    """BiSeNet's region of each pixel, uint8 (512, 512) into `REGIONS`, of `crop` float32 (512, 512, 3), RGB,
    display-referred 0..1.
    """
    return _scores(network, crop).argmax(axis=0).astype(np.uint8)


def chances(network: Network, crop: np.ndarray) -> np.ndarray:
    """BiSeNet's probability of each of `REGIONS`, float32 (19, 512, 512) that sum to 1, of `crop` as for `labels`."""
    scores = _scores(network, crop)
    raised = np.exp(scores - scores.max(axis=0))
    return (raised / raised.sum(axis=0)).astype(np.float32)


def soften(matte: np.ndarray, sigma: float = _SOFT) -> np.ndarray:
    """A matte float32 (h, w) blurred by `sigma` (a fraction of its width) and pulled inward: (clip(m, 0.5, 1) - 0.5)
    · 2.

    The edge that was hard becomes a ramp that ends where the edge was, so nothing outside is let in.
    """
    blurred = cv2.GaussianBlur(
        matte.astype(np.float32), (0, 0), max(sigma * matte.shape[1], 0.3), borderType=cv2.BORDER_REPLICATE
    )
    return (np.clip(blurred, 0.5, 1.0) - np.float32(0.5)) * np.float32(2.0)


def matte_on_plate(
    network: Network, frame: Frame, face: Face, window: Window, regions: Iterable[str] = _FACE, soft: float = _SOFT
) -> np.ndarray:
    """The network's matte float32 (h, w) in 0..1 on the plate's pixels `window`; beyond its crop the edge repeats.

    `regions` (of `REGIONS`) are what a parser's matte keeps. Raises `UsageError` with code `not-a-matte` or
    `unknown-region`.
    """
    recipe, matrix, crop = _seen(network, frame, face)
    if network.card.kind == "xseg":
        matte = occlusion(network, crop)
    else:
        matte = np.isin(labels(network, crop), _numbers(regions)).astype(np.float32)
    square = Window(0, 0, recipe.side, recipe.side)
    return np.clip(resample(soften(matte, soft), square, invert(matrix), window), 0.0, 1.0).astype(np.float32)


def hidden_by(
    network: Network,
    frame: Frame,
    face: Face,
    window: Window,
    sensitivity: float = 0.5,
    soft: float = _SOFT,
    parsed: Parsed | None = None,
) -> np.ndarray:
    """How far something in front hides the face, float32 (h, w) in 0..1 on `window`: 1 hidden, 0 the face shows.

    An XSeg says so itself; of a parser it is what is none of the face's own regions. `sensitivity` 0..1 weighs its odds:
    0 finds nothing (exactly 0 everywhere), 0.5 goes by even odds, 1 takes every doubt for an occluder. Beyond the
    network's crop nothing is hidden. `parsed` saves running a parser twice. Raises `UsageError('not-a-matte')`.
    """
    if sensitivity <= 0 or window.empty:
        return np.zeros((window.height, window.width), np.float32)
    if network.card.kind == "bisenet":
        parsed = parsed or Parsed.of(network, frame, face)
        shows, matrix = parsed.chance(_FACE), parsed.matrix
    else:
        _, matrix, crop = _seen(network, frame, face)
        shows = occlusion(network, crop)
    # Bayes: the network's odds times the artist's; even at 0.5.
    odds = np.float32((1.02 - min(sensitivity, 1.0)) / (1.04 * sensitivity))
    leaning = shows * odds / (shows * odds + (1 - shows))
    hidden = 1 - soften(_decided(leaning), soft)
    # Beyond the crop the nearest pixel repeats, and nothing is known there.
    hidden[[0, -1]] = hidden[:, [0, -1]] = 0
    square = Window(0, 0, hidden.shape[1], hidden.shape[0])
    return np.clip(resample(hidden, square, invert(matrix), window), 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Parsed:
    """A face's regions as a parser sees them: `chances` float32 (19, s, s) on the crop that `matrix` (2, 3) cuts."""

    chances: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, network: Network, frame: Frame, face: Face) -> Parsed:
        """Runs the parser. Raises `UsageError('not-a-parser')`."""
        if network.card.kind != "bisenet":
            raise UsageError("not-a-parser", f"'{network.card.name}' names no regions of a face; a bisenet does.")
        _, matrix, crop = _seen(network, frame, face)
        return cls(chances(network, crop), matrix)

    def chance(self, regions: Iterable[str]) -> np.ndarray:
        """The probability that a pixel of the crop belongs to one of `regions`, float32 (s, s)."""
        return np.clip(self.chances[_numbers(regions)].sum(axis=0), 0.0, 1.0)

    def kept(self, names: Iterable[str], window: Window, soft: float = _SOFT / 2) -> np.ndarray:
        """The plate's own `names` (of `KEEPABLE`) as a matte float32 (h, w) on `window`: whole on the region, soft around."""
        regions = [region for name in names for region in KEEPABLE[name]]
        matte = 1 - soften(1 - _decided(self.chance(regions)), soft)
        square = Window(0, 0, matte.shape[1], matte.shape[0])
        return np.clip(resample(matte, square, invert(self.matrix), window), 0.0, 1.0).astype(np.float32)

    def in_front(self, window: Window, soft: float = _SOFT / 2) -> np.ndarray:
        """Hair and hat, which lie over a face whatever is put there: float32 (h, w) in 0..1 on `window`."""
        return self.kept(_IN_FRONT, window, soft)


def _decided(chance: np.ndarray) -> np.ndarray:
    """0 below a chance of 1 in 4, 1 above 3 in 4: a network's faint doubts would show as a veil of the plate."""
    return np.clip((chance - np.float32(0.25)) * np.float32(2), 0.0, 1.0)


def check_matte_network(name: str, kind: str, parser: bool = False) -> None:
    """Nothing, if a network of `kind` can be the parameter `occluder` (or `parser`); else `UsageError`."""
    fitting = ("bisenet",) if parser else tuple(MATTE_NETWORKS)
    if kind not in fitting:
        code, does = ("not-a-parser", "names no regions of a face") if parser else ("not-a-matte", "makes no mattes")
        raise UsageError(code, f"'{name}' {does}; networks of these kinds do: {', '.join(fitting)}.")


def _seen(network: Network, frame: Frame, face: Face) -> tuple[MatteNetwork, np.ndarray, np.ndarray]:
    """The network's recipe, the matrix to its crop, and the crop float32 (s, s, 3) as it wants to see it."""
    check_matte_network(network.card.name, network.card.kind)
    recipe = MATTE_NETWORKS[network.card.kind]
    matrix = crop_matrix(face.five, recipe.template, recipe.side, frame.pixel_aspect)
    crop, _ = view(frame, matrix, recipe.side, Exposure.of_level(face.level).gain)
    return recipe, matrix, crop


def _scores(network: Network, crop: np.ndarray) -> np.ndarray:
    blob = np.ascontiguousarray(((crop - _MEAN) / _STD).transpose(2, 0, 1)[None], np.float32)
    return next(array for array in network.run(blob).values() if array.shape[1] == len(REGIONS))[0]


def _numbers(regions: Iterable[str]) -> list[int]:
    for region in regions:
        if region not in REGIONS:
            raise UsageError("unknown-region", f"There is no region '{region}'; there are {', '.join(REGIONS)}.")
    return [REGIONS.index(region) for region in regions]
