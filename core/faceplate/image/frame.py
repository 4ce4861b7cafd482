"""A picture or a region of one: pixels, their place in the plate, and their colour space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from faceplate.image.window import Window

if TYPE_CHECKING:  # the colour room imports this one
    from faceplate.color import ColorConfig

__all__ = ["Frame"]


@dataclass(frozen=True)
class Frame:
    """A picture or a region of one.

    Attributes
    ----------
    pixels : numpy.ndarray
        float32 (h, w, 3) in colour space `space`.
    window : Window
        The plate pixels that they are.
    space : str
        The name of a colour space of `color`.
    color : ColorConfig
        The config.
    pixel_aspect : float
        Width of a pixel over its height when projected (2.0 for a squeezed anamorphic plate).
    """

    pixels: np.ndarray
    window: Window
    space: str
    color: ColorConfig
    pixel_aspect: float = 1.0

    def with_pixels(self, pixels: np.ndarray) -> Frame:
        """Return the same region with other pixels, of the same shape and in the same space."""
        return replace(self, pixels=pixels)

    def region(self, window: Window) -> Frame:
        """Return the part of this frame inside `window`, a view of the same memory."""
        inside = window.intersect(self.window)
        return replace(self, pixels=self.pixels[inside.slices(self.window)], window=inside)

    def working(self) -> np.ndarray:
        """Return the pixels in the config's scene-linear working space, float32 (h, w, 3), a new array."""
        return self.color.to_working(self.pixels, self.space)
