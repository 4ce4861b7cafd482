"""A plate frame whose pixels a host gives, in place of the pixels of its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faceplate.errors import UsageError
from faceplate.image.window import Window
from faceplate.plate.reader import PlateFile

__all__ = ["GivenPixels", "GivenPlate", "given_plate"]

_CHANNELS = ("R", "G", "B", "A")
_FORMATS = {"float16": "half", "float32": "float"}


@dataclass(frozen=True)
class GivenPixels:
    """Pixels of one plate frame as a host has them: RGBA half or float (h, w, 4) on `window`, in the plate's colour space.

    `window` counts from the top left corner of the host's picture, whose width and height are `size`; the picture is the plate's
    display window. `mark` names the pixels' content.
    """

    frame: int
    pixels: np.ndarray
    window: Window
    size: tuple[int, int]
    mark: str


@dataclass(frozen=True)
class GivenPlate(PlateFile):
    """A plate file's description with a host's pixels in it. The file's header is kept, its pixels are never read."""

    given: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 4), np.float32), compare=False, repr=False)
    given_window: Window = field(default_factory=lambda: Window(0, 0, 0, 0))
    given_mark: str = ""

    def read_channels(self, names: Sequence[str], region: Window) -> np.ndarray:
        """Return channels of the host's pixels in `region`, float32 (h, w, len(names)); 0 outside the picture.

        Raises
        ------
        UsageError
            `pixels-missing`: the host gave less of its picture than is read.
        """
        result = np.zeros((max(region.height, 0), max(region.width, 0), len(names)), np.float32)
        inside = region.intersect(self.data)
        if not inside.empty:
            if inside.intersect(self.given_window) != inside:
                raise UsageError(
                    "pixels-missing", "The frame reads more of the picture than the host gave; ask for its region."
                )
            pixels = self.given[inside.slices(self.given_window)]
            for channel, name in enumerate(names):
                result[inside.slices(region)][..., channel] = pixels[..., _CHANNELS.index(name)]
        return result


def given_plate(file: PlateFile, given: GivenPixels) -> GivenPlate:
    """Return the description `file` with the pixels `given` in place of its own.

    Raises
    ------
    UsageError
        `other-size`: the host's picture has another size than the plate that was tracked.
    """
    display = file.display
    if given.size != (display.width, display.height):
        width, height = given.size
        raise UsageError(
            "other-size",
            f"The host's picture has {width} x {height} pixels and the shot's plate {display.width} x {display.height}; "
            "the track fits only pictures of the plate's size, at full resolution.",
        )
    formats = (_FORMATS[given.pixels.dtype.name],) * 4
    window = given.window
    moved = Window(window.x + display.x, window.y + display.y, window.width, window.height)
    part = replace(
        file.beauty, channels=_CHANNELS, formats=formats, data=display, tile=None, compression="none", deep=False
    )
    known = {name: getattr(file, name) for name in PlateFile.__dataclass_fields__}
    changed = {"parts": (part,), "part": 0, "rgb": _CHANNELS[:3], "bit_depth": 16 if formats[0] == "half" else 32}
    return GivenPlate(
        **{**known, **changed, "movie_frame": None}, given=given.pixels, given_window=moved, given_mark=given.mark
    )
