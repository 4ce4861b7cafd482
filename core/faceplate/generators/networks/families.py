"""The published swap networks as data: crop, source input, normalisation and output of each.

Shapes, templates and normalisations are facts of the published files; `swap.py` applies them. DFM, whose graph gives its
own size and mattes, is in `dfm.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from faceplate.models.kinds import kind_called

__all__ = ["FAMILIES", "Family", "Latent"]

Latent = Literal["emap", "unit", "as-is", "picture"]
"""Content of the source input: (e @ emap) / |e|; an embedding of length 1; one as the converter returns it; or a picture."""

_RGB = tuple[float, float, float]
_ZERO, _ONE, _HALF = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)
# Mean and deviation of the ImageNet pictures, as torchvision publishes them.
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Family:
    """One recipe.

    The crop is RGB, display-referred 0..1, `side` pixels square on `template`, and is fed as (x - `mean`) / `std`, NCHW
    float32. With `denormalise` the output is converted by x * `std` + `mean`; with `clip` it is limited to 0..1.

    Attributes
    ----------
    latent : Latent
        Content of the source input.
    converter : str, optional
        Converts ArcFace's embedding to the family's own space first.
    picture : tuple, optional
        Template and side of a source picture.
    recogniser : str
        The recogniser that the family was trained with.
    """

    name: str
    template: str
    side: int
    mean: _RGB
    std: _RGB
    latent: Latent
    denormalise: bool = False
    clip: bool = False
    converter: str | None = None
    picture: tuple[str, int] | None = None
    recogniser: str = "arcface_w600k_r50"

    @property
    def licence(self) -> str:
        """The licence of the published files of this family."""
        kind = kind_called(self.name)
        return kind.licence if kind else "unknown"

    def normalised(self, pixels: np.ndarray) -> np.ndarray:
        """Convert pixels float32 (..., 3), RGB 0..1, to the network's input."""
        return (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)

    def denormalised(self, pixels: np.ndarray) -> np.ndarray:
        """Convert the network's output, float32 (..., 3), to RGB 0..1; clipped only where the recipe clips."""
        made = pixels * np.array(self.std, np.float32) + np.array(self.mean, np.float32) if self.denormalise else pixels
        return np.clip(made, 0.0, 1.0) if self.clip else made


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("inswapper_128", "arcface_128", 128, _ZERO, _ONE, "emap", clip=True),
        Family("hyperswap_256", "arcface_128", 256, _HALF, _HALF, "unit", denormalise=True),
        Family(
            "ghost_256", "arcface_112_v1", 256, _HALF, _HALF, "as-is", denormalise=True, converter="crossface_ghost"
        ),
        Family(
            "simswap_256", "arcface_112_v1", 256, _IMAGENET_MEAN, _IMAGENET_STD, "unit", converter="crossface_simswap"
        ),
        Family("simswap_512", "arcface_112_v1", 512, _ZERO, _ONE, "unit", converter="crossface_simswap"),
        Family(
            "hififace_256", "mtcnn_512", 256, _HALF, _HALF, "unit", denormalise=True, converter="crossface_hififace"
        ),
        Family("blendswap_256", "ffhq_512", 256, _ZERO, _ONE, "picture", picture=("arcface_112_v2", 112)),
        Family("uniface_256", "ffhq_512", 256, _HALF, _HALF, "picture", denormalise=True, picture=("ffhq_512", 256)),
    )
}
