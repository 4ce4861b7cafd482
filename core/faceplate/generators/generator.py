"""The one interface that every generator implements: the embedded mesh warp, a network, or none at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from faceplate.comp.grain import Grain
from faceplate.face import Face
from faceplate.image.window import Window

__all__ = ["Crop", "CropTransform", "Encoding", "Generated", "Generator", "Reshaping"]

Encoding = Literal["working", "network"]


@dataclass(frozen=True)
class CropTransform:
    """How a generator wants to see the face: `matrix` (2, 3) maps plate to crop pixels, `window` is the crop.

    `pixel_aspect` is the width of a crop's pixel over its height: 1 unless the matrix leaves the plate's squeeze.
    """

    matrix: np.ndarray
    window: Window
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class Crop:
    """What a generator is given.

    `pixels` is float32 (h, w, 3) on `framing.window`, scene-linear working space or network space as the generator's
    `encoding` says. `face` has its points in crop coordinates. `frame` is the shot's frame number, for what an artist
    pinned to a range; a generator may not let it change anything else.
    """

    pixels: np.ndarray
    framing: CropTransform
    face: Face
    frame: int | None = None


@dataclass(frozen=True)
class Generated:
    """What a generator gives back.

    `pixels` are like the crop's, `coverage` float32 (h, w) is 0 where it has nothing, and `confidence` float32 (h, w),
    when it can tell, how sure it is of a pixel, 0..1. `noise` is the most that can be grain in `pixels`, None when it
    cannot tell; `kept` float32 (h, w) is how far a pixel is the crop's own, grain and all, None for nowhere.
    """

    pixels: np.ndarray
    coverage: np.ndarray
    confidence: np.ndarray | None = None
    noise: Grain | None = None
    kept: np.ndarray | None = None


class Generator(Protocol):
    """Makes the new face. `name` is what the parameter `generator` calls it."""

    @property
    def name(self) -> str: ...

    @property
    def encoding(self) -> Encoding: ...

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the cards whose networks made the pixels, for the metadata."""
        ...

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """How to cut the crop for `face`, whose points are plate pixels."""
        ...

    def generate(self, crop: Crop) -> Generated:
        """The new face on the crop's own pixels."""
        ...


@runtime_checkable
class Reshaping(Protocol):
    """A generator that gives the face another shape: the plate is warped to follow before the generator sees it."""

    def reshaped(self, face: Face, pixel_aspect: float) -> Face:
        """`face`, in plate pixels, with its points where the new face has them; the same face to leave it as it is."""
        ...
