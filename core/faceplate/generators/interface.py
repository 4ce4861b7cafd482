"""The interface of a generator: the embedded mesh warp, a network, or none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from faceplate.comp.feature_tones import FeatureTones
from faceplate.comp.grain import Grain
from faceplate.comp.skin_tones import SkinTones
from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.image.window import Window

__all__ = [
    "CacheIdentity",
    "Crop",
    "CropTransform",
    "Encoding",
    "Generated",
    "Generator",
    "Reshaping",
    "SourceCoverage",
]

Encoding = Literal["working", "network"]
"""Pixels that a generator works on: scene-linear working space, or network space."""


# A warp is smooth, so half of the usual resolution of the mesh's grid is enough.
_RASTER_SCALE = 2.0


@dataclass(frozen=True)
class CropTransform:
    """The crop that a generator expects.

    Attributes
    ----------
    matrix : np.ndarray
        (2, 3), from plate to crop pixels.
    window : Window
        The crop.
    pixel_aspect : float
        Width of a crop pixel over its height: 1 unless the matrix keeps the plate's squeeze.
    """

    matrix: np.ndarray
    window: Window
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class Crop:
    """The input of a generator.

    Attributes
    ----------
    pixels : np.ndarray
        float32 (h, w, 3) on `transform.window`, scene-linear working space or network space, as the generator's `encoding`
        says.
    transform : CropTransform
        How the crop was cut.
    face : Face
        The face in crop coordinates.
    frame : int, optional
        The shot's frame number, used only for what an artist pinned to a range of frames.
    views : tuple, optional
        The source's views that lead in this frame, (name, weight) each, the leader first: one, or two during a hand-over, or
        those that an artist pinned. The weights sum to 1. None where the choice is the generator's.
    openings : tuple, optional
        How far mouth, right and left eye are open on the photographed plate, over how far they are with the dials on: the rest is
        pixels that the dials have stretched. None where no dial is turned.
    teeth : float, optional
        How far the photographed mouth is full of teeth, 0..1, as the track knows it; None where the pixels must tell.
    """

    pixels: np.ndarray
    transform: CropTransform
    face: Face
    frame: int | None = None
    views: tuple[tuple[str, float], ...] | None = None
    openings: tuple[float, float, float] | None = None
    teeth: float | None = None

    @cached_property
    def raster(self) -> MeshRaster:
        """The face's mesh drawn on a grid over the crop."""
        return rasterise(self.face.points, topology().closed, self.transform.window, self.face.size * _RASTER_SCALE)


@dataclass(frozen=True)
class SourceCoverage:
    """How far the source's pictures show the plate's face.

    Attributes
    ----------
    turn : float
        Degrees between the head on the plate and in the picture that is turned most like it.
    seen : np.ndarray
        float64 (478,), 0..1, how well each point is seen in the picture that shows it best.
    """

    turn: float
    seen: np.ndarray


@dataclass(frozen=True)
class Generated:
    """The output of a generator.

    Attributes
    ----------
    pixels : np.ndarray
        Like the crop's.
    coverage : np.ndarray
        float32 (h, w), 0 where there is no new face.
    confidence : np.ndarray, optional
        float32 (h, w), 0..1.
    noise : Grain, optional
        Upper limit of the grain in `pixels`; None when it is unknown.
    kept : np.ndarray, optional
        float32 (h, w), how far a pixel is the crop's own, with its grain; None for nowhere.
    features : FeatureTones, optional
        Sclera and teeth of the new face over its skin; None where the generator answers in the plate's own grade.
    tones : SkinTones, optional
        The new face's tones, the same for equal faces in every frame; None, and points without trust, are measured on `pixels`.
    covered : SourceCoverage, optional
        How far the source's pictures show the face; None where the generator does not take it from pictures.
    """

    pixels: np.ndarray
    coverage: np.ndarray
    confidence: np.ndarray | None = None
    noise: Grain | None = None
    kept: np.ndarray | None = None
    features: FeatureTones | None = None
    tones: SkinTones | None = None
    covered: SourceCoverage | None = None


class Generator(Protocol):
    """Makes the new face."""

    @property
    def name(self) -> str:
        """Value of the parameter `generator` that selects it."""
        ...

    @property
    def encoding(self) -> Encoding:
        """Encoding of the crop."""
        ...

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the cards whose networks made the pixels, for the metadata."""
        ...

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Compute the crop for `face`, whose points are plate pixels."""
        ...

    def generate(self, crop: Crop) -> Generated:
        """Make the new face on the crop's own pixels."""
        ...


@runtime_checkable
class CacheIdentity(Protocol):
    """A generator whose results can be cached beyond this process, because it names everything that they depend on.

    Results of a generator without it are cached for this process only.
    """

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are: weights, source and settings; "" when unknown."""
        ...


@runtime_checkable
class Reshaping(Protocol):
    """A generator that changes the face's shape; the plate is warped to follow before the generator gets it."""

    def reshaped(self, face: Face, pixel_aspect: float) -> Face:
        """Return `face`, in plate pixels, with the points of the new face; the same face to leave it unchanged."""
        ...
