"""The generator's crop: cut out of the plate once, and the way between its pixels and the plate's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.face import Face
from faceplate.face.align import apply, invert, resample, scale_of
from faceplate.generators import CropTransform
from faceplate.image.frame import Frame
from faceplate.image.window import Window

__all__ = ["PlateCrop", "is_plate_grid"]


@dataclass(frozen=True)
class PlateCrop:
    """The plate on the generator's crop.

    `pixels` is float32 (h, w, 3), scene-linear in the working space, on `transform.window`; `face` has its points in crop
    coordinates; `frame` is the shot's frame number, for pinned views and grain.
    """

    pixels: np.ndarray
    transform: CropTransform
    face: Face
    frame: int | None

    @classmethod
    def cut(
        cls, working: np.ndarray, plate: Frame, transform: CropTransform, face: Face, frame: int | None
    ) -> PlateCrop:
        """Cut the crop out of `working` (h, w, 3), which lies on `plate.window`; low-passed where the crop is coarser."""
        pixels = resample(working, plate.window, transform.matrix, transform.window)
        points = apply(transform.matrix, face.points[:, :2])
        depth = face.points[:, 2] * scale_of(transform.matrix)
        return cls(pixels, transform, face.moved(np.column_stack([points, depth])), frame)

    @property
    def size_on_plate(self) -> float:
        """The face's size in plate pixels."""
        return self.face.size / scale_of(self.transform.matrix)

    @property
    def on_plate_grid(self) -> bool:
        """Whether the crop's pixels are the plate's own."""
        return is_plate_grid(self.transform)

    def on_plate(self, pixels: np.ndarray, region: Window) -> np.ndarray:
        """Resample crop pixels (h, w[, c]) onto the plate's `region`."""
        return resample(pixels, self.transform.window, invert(self.transform.matrix), region)

    def from_plate(self, pixels: np.ndarray, region: Window) -> np.ndarray:
        """Resample plate pixels (h, w[, c]) of `region` onto the crop."""
        return resample(pixels, region, self.transform.matrix, self.transform.window)


def is_plate_grid(transform: CropTransform) -> bool:
    """Whether a crop takes the plate's own pixels, without rotation, scale or shift."""
    return np.array_equal(transform.matrix, np.eye(2, 3))
