"""A stand-in for a network that ignores the plate's expression: the source's picture on the aligned crop, whatever is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.color import Exposure, Shoulder
from faceplate.face import Face
from faceplate.face.align import crop_matrix, resample
from faceplate.generators import Crop, CropTransform, Encoding, Generated
from faceplate.image.frame import Frame
from faceplate.image.window import Window

TEMPLATE = "ffhq_512"


@dataclass(frozen=True)
class FixedPicture:
    """Answers with the face of `picture`, on a crop of `side` pixels."""

    picture: Frame
    face: Face
    side: int = 256
    name: str = "fixed"
    encoding: Encoding = "network"
    weights: tuple[str, ...] = ()

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        matrix = crop_matrix(face.five, TEMPLATE, self.side, pixel_aspect)
        return CropTransform(matrix, Window(0, 0, self.side, self.side))

    def generate(self, crop: Crop) -> Generated:
        matrix = crop_matrix(self.face.five, TEMPLATE, self.side)
        pixels = resample(self.picture.working(), self.picture.window, matrix, crop.transform.window)
        linear = self.picture.color.to_linear709(pixels)
        shown = Shoulder().encode(linear, Exposure.of_level(self.face.level).gain)
        ramp = np.clip(np.minimum(np.arange(self.side), np.arange(self.side)[::-1]) / (self.side / 16), 0, 1)
        return Generated(shown.astype(np.float32), (ramp[:, None] * ramp).astype(np.float32))
