"""The slate: a bar across the bottom or the top of the picture, with words that are readable at a quarter of its size.

Drawn once for a render, as a coverage in 0..1 and a matte for the bar behind it; put over any picture in any space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from faceplate.image.window import Window

__all__ = ["Slate", "make_slate"]

# At a quarter of the size a letter of 1/24 of an HD picture's height is 11 pixels high, its capitals 8, which can be read.
_LETTERS = 1 / 24
_LINE = 1.5
_BAR = 0.75
_WEIGHT = 600


@dataclass(frozen=True)
class Slate:
    """Words on a bar.

    Attributes
    ----------
    window : Window
        The plate pixels of the bar.
    letters, bar : numpy.ndarray
        float32 (h, w), 0..1: coverage of the letters, and of the black bar.
    text : str
        The words.
    """

    window: Window
    letters: np.ndarray
    bar: np.ndarray
    text: str

    def over(self, pixels: np.ndarray, white: np.ndarray) -> np.ndarray:
        """Return `pixels` with the bar and the letters over them.

        Parameters
        ----------
        pixels : numpy.ndarray
            float32 (h, w, 3) on the slate's window, in any space.
        white : numpy.ndarray
            float32 (3,), the letters' colour in that space.
        """
        dark = pixels * (1 - self.bar[..., None])
        return (dark + self.letters[..., None] * (white - dark)).astype(np.float32)

    @property
    def alpha(self) -> np.ndarray:
        """The slate's coverage of the plate, float32 (h, w)."""
        return 1 - (1 - self.bar) * (1 - self.letters)


def make_slate(lines: str | Sequence[str], display: Window, pixel_aspect: float = 1.0, *, top: bool = False) -> Slate:
    """Make a slate across the bottom of `display`, or the top; lines that are too long are set smaller until they fit.

    Parameters
    ----------
    lines : str or sequence of str
        The words, one text a line.
    display : Window
        The picture's display window.
    pixel_aspect : float
        Width of a pixel over its height.
    top : bool
        Put the bar across the top.
    """
    return _drawn((lines,) if isinstance(lines, str) else tuple(lines), display, pixel_aspect, top)


@lru_cache(maxsize=16)
def _drawn(lines: tuple[str, ...], display: Window, pixel_aspect: float, top: bool) -> Slate:
    # OpenCV sets type on square pixels; a squeezed plate's slate is drawn wide and squeezed.
    width = max(round(display.width * pixel_aspect), 1)
    size = max(round(display.height * _LETTERS), 6)
    font = cv2.FontFace("sans")
    room = width - size
    while size > 6 and max(_width(line, font, size) for line in lines) > room:
        size -= 1
    step = round(size * _LINE)
    height = min(step * len(lines) + size // 2, display.height)
    canvas = np.zeros((height, width, 3), np.uint8)  # a mask of letters; OpenCV draws them on 8 bits only
    for index, line in enumerate(lines):
        left = max((width - _width(line, font, size)) // 2, 0)
        cv2.putText(canvas, line, (left, step * index + round(size * 1.2)), (255, 255, 255), font, size, _WEIGHT)
    letters = canvas[..., 0].astype(np.float32) / np.float32(255)
    if width != display.width:
        letters = cv2.resize(letters, (display.width, height), interpolation=cv2.INTER_AREA)
    window = Window(display.x, display.y if top else display.bottom - height, display.width, height)
    bar = np.full(letters.shape, _BAR, np.float32)
    for drawn in (letters, bar):
        drawn.setflags(write=False)
    return Slate(window, letters, bar, " · ".join(lines))


def _width(line: str, font: cv2.FontFace, size: int) -> int:
    return cv2.getTextSize((0, 0), line, (0, 0), font, size, _WEIGHT)[2]
