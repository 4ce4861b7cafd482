"""What sheets are drawn of: square tiles, strips of words, and the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from faceplate.color import to_uint8
from faceplate.errors import RenderError
from faceplate.system.atomic import write_bytes

__all__ = ["GREY", "LABEL", "label_strip", "write_picture"]

GREY = 0.05
"""The grey around a picture, display-referred."""

LABEL = 22
"""Height of a strip of words, pixels."""

_PAPER, _INK = 5, 204
_SCALE = 0.45


def label_strip(width: int, words: Sequence[tuple[int, str]]) -> np.ndarray:
    """Draw words on a strip, float32 (22, width, 3), display-referred 0..1.

    Parameters
    ----------
    width : int
        The strip's width in pixels.
    words : sequence of (int, str)
        Each text with its left edge.
    """
    strip = np.full((LABEL, width, 3), _PAPER, np.uint8)  # OpenCV draws letters on 8-bit pictures only
    for left, text in words:
        place = (left, LABEL - 7)
        cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, _SCALE, (_INK,) * 3, 1, cv2.LINE_AA)
    return strip.astype(np.float32) / np.float32(255)


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture, float32 0..1 or uint8, (h, w, 3) RGB: a JPEG where the ending says so, else a PNG.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    pixels = picture if picture.dtype == np.uint8 else to_uint8(picture)
    kind = ".jpg" if path.suffix.lower() in (".jpg", ".jpeg") else ".png"
    done, data = cv2.imencode(kind, np.ascontiguousarray(pixels[..., ::-1]))
    if not done:
        raise RenderError("output-unwritable", f"The sheet {path} could not be encoded.")
    write_bytes(path, data.tobytes())
