"""Contact sheets: plate, result and matte side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceplate.color import ColorConfig
from faceplate.color.reading import read_frame
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.render import Rendered
from faceplate.review.tiles import GREY, label_strip, write_picture

__all__ = ["ContactSheet"]

_ROWS = 6
_TILE = 480


class ContactSheet:
    """Up to six rows of plate, result and matte, of the first frame, the last, and others evenly between.

    Each tile shows the face and its surroundings, or the whole frame where there is no face, at up to 480 pixels, in
    the same sRGB rendering with a soft shoulder.

    Parameters
    ----------
    color : ColorConfig
        The config whose working space is shown.
    frames : tuple of int
        All frames of the render, of which the rows are picked.
    """

    def __init__(self, color: ColorConfig, frames: tuple[int, ...]) -> None:
        self._color = color
        picks = np.unique(np.linspace(0, len(frames) - 1, min(_ROWS, len(frames))).round().astype(int))
        self._wanted = {frames[index] for index in picks}
        self._rows: list[np.ndarray] = []

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that the sheet shows."""
        return tuple(sorted(self._wanted))

    def add(self, rendered: Rendered) -> None:
        """Add a row for `rendered` if it is one of the frames to show."""
        if rendered.frame not in self._wanted:
            return
        around = _shown_window(rendered)
        plate = read_frame(rendered.file, self._color, rendered.result.space, around)
        over = plate.pixels.copy()
        matte = np.zeros(over.shape[:2], np.float32)
        inside = rendered.result.window.intersect(around)
        there, here = inside.slices(rendered.result.window), inside.slices(around)
        matte[here] = rendered.result.matte[there]
        over[here] = np.where(matte[here][..., None] > 0, rendered.result.over[there], over[here])
        tiles = [self._shown(plate.with_pixels(pixels).working()) for pixels in (plate.pixels, over)]
        tiles.append(np.repeat(matte[..., None], 3, axis=2))
        label = f"{rendered.frame}" if rendered.face is not None else f"{rendered.frame}  no face"
        self._rows.append(_labelled([_tile(tile) for tile in tiles], label))

    def write(self, path: Path) -> None:
        """Write the sheet as an 8-bit PNG. Where none of its frames was rendered, it is one row that says so.

        Raises
        ------
        RenderError
            `disk-full`, `output-unwritable`.
        """
        blank = np.full((_TILE, _TILE, 3), GREY, np.float32)
        rows = self._rows or [_labelled([blank] * 3, "no frame was rendered ")]
        write_picture(path, np.concatenate(rows, axis=0))

    def _shown(self, working: np.ndarray) -> np.ndarray:
        return np.clip(self._color.to_display(np.nan_to_num(working)), 0, 1)


def _shown_window(rendered: Rendered) -> Window:
    """Return the face and its surroundings inside the plate, or the whole plate."""
    data = rendered.file.data
    around = data if rendered.face is None else rendered.face.window(0.35).intersect(data)
    return data if around.empty else around


def _tile(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = min(_TILE / max(height, width), 1.0)
    out = Window(0, 0, round(width * scale), round(height * scale))
    matrix = np.array([[out.width / width, 0, 0], [0, out.height / height, 0]], np.float64)
    small = np.clip(resample(picture, Window(0, 0, width, height), matrix, out), 0, 1)
    tile = np.full((_TILE, _TILE, 3), GREY, np.float32)
    top, left = (_TILE - out.height) // 2, (_TILE - out.width) // 2
    tile[top : top + out.height, left : left + out.width] = small
    return tile


def _labelled(tiles: list[np.ndarray], label: str) -> np.ndarray:
    row = np.concatenate(tiles, axis=1)
    words = [(8 + index * _TILE, text) for index, text in enumerate((f"{label}  plate", "result", "matte"))]
    return np.concatenate([label_strip(row.shape[1], words), row], axis=0)
