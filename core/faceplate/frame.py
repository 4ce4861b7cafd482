"""The picture that stages hand on: pixels, where they lie on the plate, and how to read their colour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceplate.color import ColorConfig, SpaceChoice
from faceplate.plate import PlateFile, read_picture
from faceplate.window import Window

__all__ = ["Frame", "choice_of", "read_frame", "read_still", "space_of"]


@dataclass(frozen=True)
class Frame:
    """A picture or a region of one.

    `pixels` is float32 (h, w, 3) in colour space `space` of `color`; `window` says which plate pixels they are.
    `pixel_aspect` is the width of a pixel over its height when projected (2.0 for a squeezed anamorphic plate).
    """

    pixels: np.ndarray
    window: Window
    space: str
    color: ColorConfig
    pixel_aspect: float = 1.0

    def with_pixels(self, pixels: np.ndarray) -> Frame:
        """The same region with other pixels (same shape, same space)."""
        return replace(self, pixels=pixels)

    def region(self, window: Window) -> Frame:
        """The part of this frame inside `window`, a view of the same memory."""
        inside = window.intersect(self.window)
        return replace(self, pixels=self.pixels[inside.slices(self.window)], window=inside)

    def working(self) -> np.ndarray:
        """The pixels in the config's scene-linear working space, float32 (h, w, 3), a new array."""
        return self.color.to_working(self.pixels, self.space)


def choice_of(file: PlateFile, color: ColorConfig, requested: str | None = None) -> SpaceChoice:
    """The colour space to read `file` in, and why: what is asked for, else what the file says, else the config's file rules."""
    return color.space_of_file(
        file.path,
        explicit=file.explicit_color_space,
        interop_id=file.interop_id,
        chromaticities=file.chromaticities,
        is_integer=file.format.startswith("uint"),
        requested=requested,
    )


def space_of(file: PlateFile, color: ColorConfig, requested: str | None = None) -> str:
    """The name of what `choice_of` chooses."""
    return choice_of(file, color, requested).name


def read_frame(file: PlateFile, color: ColorConfig, requested: str | None, region: Window) -> Frame:
    """Reads `region` of a plate file in the colour space that `space_of` settles."""
    return Frame(file.read_rgb(region), region, space_of(file, color, requested), color, file.pixel_aspect)


def read_still(path: Path, color: ColorConfig, requested: str | None = None, movie_frame: int = 0) -> Frame:
    """Reads a picture of the source whole, the right way up, and settles its colour space; of a movie one frame."""
    pixels, file = read_picture(path, movie_frame)
    return Frame(
        pixels,
        Window(0, 0, pixels.shape[1], pixels.shape[0]),
        space_of(file, color, requested),
        color,
        file.pixel_aspect,
    )
