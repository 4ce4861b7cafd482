"""Supersampling: one large crop split into several small ones, each offset by a fraction of a network pixel.

A crop of n*S pixels is split into n^2 tiles of S pixels: tile (i, j) holds every n-th pixel from row i and column j. Each
tile is the whole face at the network's own scale, so the network works as trained, and the merged tiles have n times its
detail.
"""

from __future__ import annotations

import numpy as np

from faceplate.errors import UsageError

__all__ = ["LARGEST", "check_multiple", "merge", "split"]

LARGEST = 1024
"""The largest crop in pixels; beyond it the tiles differ by less than a plate can show."""


def check_multiple(side: int, multiple: int) -> int:
    """Return `multiple` if a crop of that many times `side` is allowed.

    Raises
    ------
    UsageError
        `bad-supersample`.
    """
    most = max(LARGEST // side, 1)
    if not 1 <= multiple <= most:
        raise UsageError(
            "bad-supersample",
            f"Supersampling by {multiple} is not possible on a network of {side} pixels; give 1 to {most}.",
        )
    return multiple


def split(pixels: np.ndarray, multiple: int) -> np.ndarray:
    """Split `pixels` (n*S, n*S, c) into tiles (n^2, S, S, c), in order of row offset, then column offset."""
    side = pixels.shape[0] // multiple
    tiles = pixels.reshape(side, multiple, side, multiple, -1).transpose(1, 3, 0, 2, 4)
    return tiles.reshape(multiple * multiple, side, side, -1)


def merge(tiles: np.ndarray, multiple: int) -> np.ndarray:
    """Merge tiles (n^2, S, S, c) into pixels (n*S, n*S, c), C-contiguous: the inverse of `split`."""
    side = tiles.shape[1]
    grid = tiles.reshape(multiple, multiple, side, side, -1).transpose(2, 0, 3, 1, 4)
    return np.ascontiguousarray(grid.reshape(side * multiple, side * multiple, -1))
