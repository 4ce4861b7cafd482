"""The preview sheet: faces, how they are rebuilt, and the double's faces swapped, side by side at 1:1."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.color import to_uint8
from faceplate.errors import RenderError
from faceplate.system.atomic import write_bytes

__all__ = ["PreviewRow", "preview_folder", "write_preview"]

PreviewRow = tuple[np.ndarray, ...]
"""Pictures float32 (S, S, 3), network space, or mattes (S, S)."""


def preview_folder(model: Path) -> Path:
    """Return the folder of the sheets in a model's folder."""
    return model / "preview"


def write_preview(model: Path, step: int, rows: list[PreviewRow]) -> Path:
    """Write `preview/step_########.png` with one row of pictures a line. Raises as `write_bytes` does."""
    path = preview_folder(model) / f"step_{step:08d}.png"
    widest = max(len(row) for row in rows)
    lines = []
    for row in rows:
        tiles = [_tile(picture) for picture in row]
        tiles += [np.zeros_like(tiles[0])] * (widest - len(tiles))
        lines.append(np.concatenate(tiles, axis=1))
    done, png = cv2.imencode(".png", to_uint8(np.concatenate(lines, axis=0))[..., ::-1])
    if not done:
        raise RenderError("output-unwritable", f"The sheet {path} could not be encoded as PNG.")
    write_bytes(path, png.tobytes())
    return path


def _tile(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
