"""Mattes from networks: DeepFaceLab's XSeg (occlusion) and BiSeNet (face parsing).

Both get a display rendering of the plate on a crop of their own and return a matte there, which is then resampled to the
plate's pixels: `hidden_by` for occluders, `Parsed` for the face's regions. The networks are not shipped.
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

REGIONS = (
    "background", "skin", "left-brow", "right-brow", "left-eye", "right-eye", "glasses", "left-ear", "right-ear",
    "earring", "nose", "mouth", "upper-lip", "lower-lip", "neck", "necklace", "cloth", "hair", "hat",
)  # fmt: skip
"""CelebAMask-HQ's classes in BiSeNet's order. Left and right are the picture's."""

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
"""The values of the parameter `keep_regions` when there is a parser, each as a set of the parser's regions."""

_IN_FRONT = ("hair", "hat")
_MEAN, _STD = np.array((0.485, 0.456, 0.406), np.float32), np.array((0.229, 0.224, 0.225), np.float32)
# Public tools blur by 5 pixels on a crop of 256; a fraction of the crop keeps that at every size.
_SOFT = 5.0 / 256.0


@dataclass(frozen=True)
class MatteNetwork:
    """How a matte network is fed: template and side of its crop."""

    template: str
    side: int


MATTE_NETWORKS = {"xseg": MatteNetwork("dfl_whole_face", 256), "bisenet": MatteNetwork("ffhq_512", 512)}
"""The supported matte networks by kind."""


def occlusion(network: Network, crop: np.ndarray) -> np.ndarray:
    """Run XSeg on a crop.

    The network takes NHWC BGR.

    Parameters
    ----------
    crop : np.ndarray
        float32 (256, 256, 3), RGB, display-referred 0..1.

    Returns
    -------
    np.ndarray
        float32 (256, 256), 0..1: 1 where the face is visible.
    """
    out = network.run(np.ascontiguousarray(crop[None, ..., ::-1], np.float32))
    return np.clip(next(iter(out.values())).reshape(crop.shape[:2]), 0.0, 1.0).astype(np.float32)


def labels(network: Network, crop: np.ndarray) -> np.ndarray:
    """Run BiSeNet on a crop, float32 (512, 512, 3), RGB, display-referred 0..1.

    Returns
    -------
    np.ndarray
        uint8 (512, 512), the index into `REGIONS` of each pixel.
    """
    return _scores(network, crop).argmax(axis=0).astype(np.uint8)


def chances(network: Network, crop: np.ndarray) -> np.ndarray:
    """Compute BiSeNet's probability of each of `REGIONS`, float32 (19, 512, 512) that sum to 1, for a crop as in `labels`."""
    scores = _scores(network, crop)
    raised = np.exp(scores - scores.max(axis=0))
    return (raised / raised.sum(axis=0)).astype(np.float32)


def soften(matte: np.ndarray, sigma: float = _SOFT) -> np.ndarray:
    """Blur a matte float32 (h, w) by `sigma` (a fraction of its width) and pull its edge inward: (clip(m, 0.5, 1) - 0.5) * 2.

    The hard edge becomes a ramp that ends where the edge was, so nothing outside is included.
    """
    blurred = cv2.GaussianBlur(
        matte.astype(np.float32), (0, 0), max(sigma * matte.shape[1], 0.3), borderType=cv2.BORDER_REPLICATE
    )
    return (np.clip(blurred, 0.5, 1.0) - np.float32(0.5)) * np.float32(2.0)


def matte_on_plate(
    network: Network, frame: Frame, face: Face, window: Window, regions: Iterable[str] = _FACE, soft: float = _SOFT
) -> np.ndarray:
    """Compute the network's matte on the plate's pixels `window`, float32 (h, w), 0..1; beyond its crop the edge repeats.

    `regions` (of `REGIONS`) are those that a parser's matte includes.

    Raises
    ------
    UsageError
        `not-a-matte` or `unknown-region`.
    """
    recipe, matrix, crop = _crop_for(network, frame, face)
    if network.card.kind == "xseg":
        matte = occlusion(network, crop)
    else:
        matte = np.isin(labels(network, crop), _region_indices(regions)).astype(np.float32)
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
    """Compute how far an occluder hides the face, float32 (h, w) in 0..1 on `window`: 1 hidden, 0 the face is visible.

    XSeg returns this directly. With a parser it is everything that is not a region of the face. Beyond the network's crop
    nothing is hidden.

    Parameters
    ----------
    network : Network
        An XSeg or a parser.
    frame, face, window
        The plate, the face in it, and the pixels to fill.
    sensitivity : float
        0..1, weighs the odds: 0 finds nothing (exactly 0 everywhere), 0.5 uses even odds, 1 counts every doubt as occluder.
    soft : float
        Softness of the edge as a fraction of the crop's side.
    parsed : Parsed, optional
        The result of a parser that ran already.

    Raises
    ------
    UsageError
        `not-a-matte`.
    """
    if sensitivity <= 0 or window.empty:
        return np.zeros((window.height, window.width), np.float32)
    if network.card.kind == "bisenet":
        parsed = parsed or Parsed.of(network, frame, face)
        shows, matrix = parsed.chance(_FACE), parsed.matrix
    else:
        _, matrix, crop = _crop_for(network, frame, face)
        shows = occlusion(network, crop)
    # Bayes' rule: the network's odds times the prior odds from the sensitivity; even at 0.5.
    odds = np.float32((1.02 - min(sensitivity, 1.0)) / (1.04 * sensitivity))
    leaning = shows * odds / (shows * odds + (1 - shows))
    hidden = 1 - soften(_contrast(leaning), soft)
    # Resampling repeats the crop's edge beyond the crop, where nothing is known: set the edge to 0.
    hidden[[0, -1]] = hidden[:, [0, -1]] = 0
    square = Window(0, 0, hidden.shape[1], hidden.shape[0])
    return np.clip(resample(hidden, square, invert(matrix), window), 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Parsed:
    """A face's regions from a parser: `chances` float32 (19, s, s) on the crop that `matrix` (2, 3) cuts."""

    chances: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, network: Network, frame: Frame, face: Face) -> Parsed:
        """Run the parser on a face.

        Raises
        ------
        UsageError
            `not-a-parser`.
        """
        if network.card.kind != "bisenet":
            raise UsageError("not-a-parser", f"'{network.card.name}' is not a face parser; choose a bisenet network.")
        _, matrix, crop = _crop_for(network, frame, face)
        return cls(chances(network, crop), matrix)

    def chance(self, regions: Iterable[str]) -> np.ndarray:
        """Compute the probability that a pixel of the crop belongs to one of `regions`, float32 (s, s)."""
        return np.clip(self.chances[_region_indices(regions)].sum(axis=0), 0.0, 1.0)

    def kept(self, names: Iterable[str], window: Window, soft: float = _SOFT / 2) -> np.ndarray:
        """Draw the plate's own `names` (of `KEEPABLE`) as a matte float32 (h, w) on `window`: 1 on the region, soft around it."""
        regions = [region for name in names for region in KEEPABLE[name]]
        matte = 1 - soften(1 - _contrast(self.chance(regions)), soft)
        square = Window(0, 0, matte.shape[1], matte.shape[0])
        return np.clip(resample(matte, square, invert(self.matrix), window), 0.0, 1.0).astype(np.float32)

    def in_front(self, window: Window, soft: float = _SOFT / 2) -> np.ndarray:
        """Draw hair and hat, which cover any face: float32 (h, w) in 0..1 on `window`."""
        return self.kept(_IN_FRONT, window, soft)


def _contrast(chance: np.ndarray) -> np.ndarray:
    """Increase contrast: 0 below a probability of 1/4, 1 above 3/4. Faint doubts would show as a veil of the plate."""
    return np.clip((chance - np.float32(0.25)) * np.float32(2), 0.0, 1.0)


def check_matte_network(name: str, kind: str, parser: bool = False) -> None:
    """Check that a network of `kind` can be the parameter `occluder`, or with `parser` the parameter `parser`.

    Raises
    ------
    UsageError
        `not-a-matte` or `not-a-parser`.
    """
    fitting = ("bisenet",) if parser else tuple(MATTE_NETWORKS)
    if kind not in fitting:
        code, does = ("not-a-parser", "names no regions of a face") if parser else ("not-a-matte", "makes no mattes")
        raise UsageError(code, f"'{name}' {does}; networks of these kinds do: {', '.join(fitting)}.")


def _crop_for(network: Network, frame: Frame, face: Face) -> tuple[MatteNetwork, np.ndarray, np.ndarray]:
    """Return the network's recipe, the matrix to its crop, and the crop float32 (s, s, 3) as the network expects it."""
    check_matte_network(network.card.name, network.card.kind)
    recipe = MATTE_NETWORKS[network.card.kind]
    matrix = crop_matrix(face.five, recipe.template, recipe.side, frame.pixel_aspect)
    crop, _ = view(frame, matrix, recipe.side, Exposure.of_level(face.level).gain)
    return recipe, matrix, crop


def _scores(network: Network, crop: np.ndarray) -> np.ndarray:
    blob = np.ascontiguousarray(((crop - _MEAN) / _STD).transpose(2, 0, 1)[None], np.float32)
    return next(array for array in network.run(blob).values() if array.shape[1] == len(REGIONS))[0]


def _region_indices(regions: Iterable[str]) -> list[int]:
    for region in regions:
        if region not in REGIONS:
            raise UsageError("unknown-region", f"There is no region '{region}'; there are {', '.join(REGIONS)}.")
    return [REGIONS.index(region) for region in regions]
