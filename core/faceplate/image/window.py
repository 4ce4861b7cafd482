"""Pixel windows: integer rectangles in the plate's own numbering.

Coordinates everywhere in Faceplate follow the EXR file: x grows to the right, y grows *down*, and the numbering is the
file's own, so that a data window may begin at (-16, 12). Continuous coordinates put the centre of pixel (i, j) at
(i + 0.5, j + 0.5); pixel (i, j) therefore covers [i, i + 1) x [j, j + 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """A rectangle of whole pixels: first column `x`, first row `y`, and its size. Empty when either side is 0 or less."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def around(cls, points: np.ndarray, margin: float = 0.0) -> Window:
        """Return the smallest window that covers continuous `points` (n, 2), grown by `margin` pixels on every side."""
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        x, y = math.floor(left - margin), math.floor(top - margin)
        return cls(x, y, math.ceil(right + margin) - x, math.ceil(bottom + margin) - y)

    @classmethod
    def of_mask(cls, mask: np.ndarray, window: Window) -> Window:
        """Return the smallest part of `window` that holds all pixels of `mask`, bool (h, w) on it; an empty one for no pixel."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size == 0:
            return cls(window.x, window.y, 0, 0)
        low, high = (int(columns[0]), int(rows[0])), (int(columns[-1]), int(rows[-1]))
        return cls(window.x + low[0], window.y + low[1], high[0] - low[0] + 1, high[1] - low[1] + 1)

    @property
    def right(self) -> int:
        """One past the last column."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """One past the last row."""
        return self.y + self.height

    @property
    def empty(self) -> bool:
        """Whether the window holds no pixel."""
        return self.width <= 0 or self.height <= 0

    @property
    def area(self) -> int:
        """The number of pixels."""
        return max(self.width, 0) * max(self.height, 0)

    def intersect(self, other: Window) -> Window:
        """Return the pixels in both windows; a window of size 0 when there are none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Window(x, y, max(min(self.right, other.right) - x, 0), max(min(self.bottom, other.bottom) - y, 0))

    def union(self, other: Window) -> Window:
        """Return the smallest window that covers both; an empty one does not count."""
        if self.empty:
            return other
        if other.empty:
            return self
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Window(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def grow(self, margin: float) -> Window:
        """Return the window with `margin` pixels (rounded up) more on every side."""
        pixels = math.ceil(margin)
        return Window(self.x - pixels, self.y - pixels, self.width + 2 * pixels, self.height + 2 * pixels)

    def moved(self, dx: int, dy: int) -> Window:
        """Return the window moved by whole pixels."""
        return Window(self.x + dx, self.y + dy, self.width, self.height)

    def contains(self, other: Window) -> bool:
        """Return whether every pixel of `other` lies in this window."""
        return self.intersect(other) == other

    def slices(self, inside: Window) -> tuple[slice, slice]:
        """Return (rows, columns) that cut this window out of an array that holds `inside`."""
        return (
            slice(self.y - inside.y, self.bottom - inside.y),
            slice(self.x - inside.x, self.right - inside.x),
        )
