"""The plate and a take on one frame, read back from their files around the face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from faceplate.color.reading import read_frame
from faceplate.errors import FaceplateError
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.plate import PlateFile
from faceplate.render import Renderer

__all__ = ["PlateView", "TakeView", "plate_view", "read_take"]

# What is read around the face, in sizes of the face.
_MARGIN = 0.5


@dataclass(frozen=True)
class PlateView:
    """The plate around the target's face on one frame; `face` is None for a frame that shows none."""

    number: int
    file: PlateFile
    frame: Frame
    face: Face | None

    @cached_property
    def working(self) -> np.ndarray:
        """The plate, scene-linear float32 (h, w, 3)."""
        return self.frame.working()


@dataclass(frozen=True)
class TakeView:
    """A take on the window of its plate view: the whole picture, and the matte."""

    frame: Frame
    matte: np.ndarray

    @cached_property
    def working(self) -> np.ndarray:
        """The picture with the face over the plate, scene-linear float32 (h, w, 3)."""
        return self.frame.working()


def plate_view(renderer: Renderer, number: int) -> PlateView | None:
    """Read the plate of one frame around the target's face, or whole without one; None where the frame cannot be read."""
    try:
        plate_frame = renderer.plate_frame(number)
        if plate_frame is None:
            return None
        file = renderer.open(number)
        face = _face(renderer, number)
        region = file.data if face is None else face.window(_MARGIN).intersect(file.data)
        region = file.data if region.empty else region
        return PlateView(number, file, read_frame(file, renderer.color, renderer.shot.space, region), face)
    except FaceplateError:
        return None


def read_take(path: Path, view: PlateView, mode: str) -> TakeView:
    """Read a take's file on the window of the plate view. `mode` is the shot's, element or over. Raises what reading raises."""
    file = PlateFile.open(path)
    window = view.frame.window
    pixels, plate = file.read_rgb(window), view.frame.pixels
    if mode == "element":
        alpha = replace(file, rgb=("A", "A", "A")).read_rgb(window)[..., :1]
        # In the plate's own encoding, where the element was premultiplied.
        pixels = pixels + (1 - alpha) * plate
        return TakeView(view.frame.with_pixels(pixels), alpha[..., 0])
    # An over picture has no matte; every pixel that differs from the plate is the new face's.
    return TakeView(view.frame.with_pixels(pixels), (pixels != plate).any(axis=-1).astype(np.float32))


def _face(renderer: Renderer, number: int) -> Face | None:
    try:
        return renderer.locate(number).face
    except FaceplateError:
        return None
