"""The generator that changes nothing: it proves a pipeline, since what comes out must be the plate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.face import Face
from faceplate.face.align import crop_matrix
from faceplate.generators.generator import Crop, CropTransform, Encoding, Generated
from faceplate.image.window import Window

__all__ = ["NullGenerator"]


@dataclass(frozen=True)
class NullGenerator:
    """Returns its crop. `side` and `template` choose the crop, as a network's would."""

    side: int = 512
    template: str = "ffhq_512"
    encoding: Encoding = "network"
    name: str = "null"
    weights: tuple[str, ...] = ()

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return CropTransform(
            crop_matrix(face.five, self.template, self.side, pixel_aspect), Window(0, 0, self.side, self.side)
        )

    def generate(self, crop: Crop) -> Generated:
        return Generated(crop.pixels.copy(), np.ones(crop.pixels.shape[:2], np.float32))
