"""Recognisers: SFace, which ships, ArcFace, and converters between embedding spaces.

SFace identifies people on a plate. A generator needs exactly the embedding that it was trained with, so each family of
`faceplate.generators.networks` names its recogniser. ArcFace and the converters are not shipped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceplate.color import Exposure
from faceplate.color.encoding import Shoulder
from faceplate.errors import UsageError
from faceplate.face.align import crop_matrix, resample
from faceplate.face.face import Face
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import Network

__all__ = ["RECOGNISERS", "SIDE", "TEMPLATE", "convert", "display_crop", "embed", "embed_face"]

SIDE = 112
"""Side of a recogniser's crop in pixels."""

TEMPLATE = "arcface_112_v2"
"""Template of a recogniser's crop."""


# Input normalisation of each recogniser, from RGB 0..1.
RECOGNISERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sface": lambda crop: crop * np.float32(255),
    "arcface_w600k_r50": lambda crop: crop * np.float32(2) - np.float32(1),
    "arcface_w600k_mbf": lambda crop: crop * np.float32(2) - np.float32(1),
}

# IEC 61966-2-1 over its whole range: the shoulder begins where a picture clips.
_SRGB = Shoulder(knee=0.999999, white=64.0)


def embed(network: Network, crop: np.ndarray) -> np.ndarray:
    """Compute the raw embedding, float32 (n,), of `crop`, float32 (112, 112, 3), RGB, display-referred 0..1, on `TEMPLATE`.

    Raises
    ------
    UsageError
        `not-a-recogniser`.
    """
    prepare = RECOGNISERS.get(network.card.kind)
    if prepare is None:
        raise UsageError("not-a-recogniser", f"'{network.card.name}' is none of: {', '.join(RECOGNISERS)}.")
    blob = np.ascontiguousarray(prepare(np.clip(crop, 0, 1)).transpose(2, 0, 1)[None], np.float32)
    return next(iter(network.run(blob).values())).reshape(-1)


def embed_face(network: Network, frame: Frame, face: Face) -> np.ndarray:
    """Compute the raw embedding of a face in a picture, rendered by `display_crop`."""
    return embed(network, display_crop(frame, face, TEMPLATE, SIDE))


def display_crop(frame: Frame, face: Face, template: str, side: int) -> np.ndarray:
    """Render a face as recognisers were trained to see it: float32 (side, side, 3), plain sRGB 0..1, on `template`.

    A display-referred picture (a photograph) keeps its own exposure and values. A scene-linear one is exposed by the face's
    own level.
    """
    matrix = crop_matrix(face.five, template, side, frame.pixel_aspect)
    pixels = resample(frame.pixels, frame.window, matrix, Window(0, 0, side, side))
    gain = Exposure.of_level(face.level).gain if frame.color.is_linear(frame.space) else 1.0
    linear = frame.color.to_linear709(frame.color.to_working(pixels, frame.space))
    return np.clip(_SRGB.encode(linear, gain), 0.0, 1.0)


def convert(network: Network, embedding: np.ndarray) -> np.ndarray:
    """Convert an embedding, float32 (512,), to the space of a converter (`crossface_...`), not normalised."""
    return next(iter(network.run(np.ascontiguousarray(embedding.reshape(1, -1), np.float32)).values())).reshape(-1)
