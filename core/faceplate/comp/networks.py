"""Mattes from networks: DeepFaceLab's XSeg, which leaves out what hides a face, and BiSeNet, which names a face's
regions.

Both see a display rendering of the plate on a crop of their own and give a matte there; `matte_on_plate` brings it
onto the plate's pixels. The networks are not shipped.
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
from faceplate.face.find import view
from faceplate.frame import Frame
from faceplate.models import Network
from faceplate.window import Window

__all__ = ["MATTE_NETWORKS", "REGIONS", "MatteNetwork", "labels", "matte_on_plate", "occlusion", "soften"]

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
    blob = np.ascontiguousarray(((crop - _MEAN) / _STD).transpose(2, 0, 1)[None], np.float32)
    scores = next(array for array in network.run(blob).values() if array.shape[1] == len(REGIONS))
    return scores[0].argmax(axis=0).astype(np.uint8)


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
    recipe = MATTE_NETWORKS.get(network.card.kind)
    if recipe is None:
        raise UsageError(
            "not-a-matte", f"'{network.card.name}' makes no mattes; those that do are: {', '.join(MATTE_NETWORKS)}."
        )
    matrix = crop_matrix(face.five, recipe.template, recipe.side, frame.pixel_aspect)
    crop, _ = view(frame, matrix, recipe.side, Exposure.of_level(face.level).gain)
    if network.card.kind == "xseg":
        matte = occlusion(network, crop)
    else:
        matte = np.isin(labels(network, crop), _numbers(regions)).astype(np.float32)
    square = Window(0, 0, recipe.side, recipe.side)
    return np.clip(resample(soften(matte, soft), square, invert(matrix), window), 0.0, 1.0).astype(np.float32)


def _numbers(regions: Iterable[str]) -> list[int]:
    for region in regions:
        if region not in REGIONS:
            raise UsageError("unknown-region", f"There is no region '{region}'; there are {', '.join(REGIONS)}.")
    return [REGIONS.index(region) for region in regions]
