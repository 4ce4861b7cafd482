"""The null generator, which changes nothing: its output must equal the plate, which tests the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.cache import digest
from faceplate.face import Face
from faceplate.face.align import crop_matrix
from faceplate.generators.interface import Crop, CropTransform, Encoding, Generated
from faceplate.image.window import Window

__all__ = ["NullGenerator"]


@dataclass(frozen=True)
class NullGenerator:
    """Returns its crop. `side` and `template` choose the crop, as a network's do."""

    side: int = 512
    template: str = "ffhq_512"
    encoding: Encoding = "network"
    name: str = "null"
    weights: tuple[str, ...] = ()

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        """Compute the crop on the template."""
        return CropTransform(
            crop_matrix(face.five, self.template, self.side, pixel_aspect), Window(0, 0, self.side, self.side)
        )

    def cache_identity(self) -> str:
        """Return a text that is the same exactly when the results are."""
        return digest(self.name, self.side, self.template)

    def generate(self, crop: Crop) -> Generated:
        """Return the crop's pixels with full coverage."""
        return Generated(crop.pixels.copy(), np.ones(crop.pixels.shape[:2], np.float32))
