"""Sheet of a source: each picture with its maps, its texture, and the person's atlas with its coverage."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.errors import RenderError
from faceplate.image.symmetric_log import from_log
from faceplate.review.tiles import GREY, label_strip, write_picture
from faceplate.source import Source, SourceView

__all__ = ["MAPS", "draw_map", "draw_source_sheet", "write_source_sheet"]

_TILE = 480
# Margin around the face that a tile shows, as a fraction of the face's size.
_MARGIN = 0.15
_TINTS = {"hair": (0.9, 0.1, 0.1), "glasses": (0.1, 0.8, 0.2), "shadow": (0.15, 0.3, 1.0)}
_KINDS = (".jpg", ".jpeg", ".png")
_LEGEND = "hair red, glasses green, shadow blue"
MAPS = ("maps", "texture", "own")
"""What `draw_map` draws of a view: what hides the face and lies in shadow, its texture, where that is the picture's own."""


def draw_source_sheet(source: Source) -> np.ndarray:
    """Draw the sheet, float32 (h, w, 3), display-referred 0..1.

    A row for each view: the picture, its maps, its texture without light and with hidden parts filled, and where the
    texture is the picture's own. The last row is the atlas and its coverage. A texture is shown in the person's mean skin
    colour and at the exposure of the first view.
    """
    rows = [_view_row(source, view) for view in source.views]
    color, level = source.views[0].color, source.views[0].face.level
    albedo = color.to_display(from_log(source.atlas.log + _skin_colour(source), level))
    tiles = [albedo, _grey(source.atlas.coverage)]
    blank = np.full((_TILE, _TILE, 3), GREY, np.float32)
    rows.append(_labelled([*map(_tile, tiles), blank, blank], ["atlas", "coverage", "", ""]))
    return np.concatenate(rows, axis=0)


def draw_map(source: Source, view: SourceView, kind: str) -> np.ndarray:
    """Draw one of `MAPS` of a view, the face and a margin, float32 (h, w, 3), display-referred."""
    part = view.face.window(_MARGIN).intersect(view.frame.window).slices(view.frame.window)
    if kind == "own":
        return _grey(source.textures[view.name].clean[part])
    if kind == "texture":
        log = source.textures[view.name].log[part]
        return view.color.to_display(from_log(log + _skin_colour(source), view.face.level))
    marked = view.color.to_display(view.pixels[part])
    maps = source.grid_maps[view.name].on_picture(view.photograph)
    for name, tint in _TINTS.items():
        amount = 0.65 * getattr(maps, name)[part][..., None]
        marked += amount * (np.array(tint, np.float32) - marked)
    return marked


def write_source_sheet(source: Source, path: Path) -> None:
    """Write the sheet as JPEG or PNG, by the ending of `path`.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    if path.suffix.lower() not in _KINDS:
        raise RenderError("output-unwritable", f"The sheet {path} cannot be written: name it .jpg or .png.")
    write_picture(path, draw_source_sheet(source))


def _view_row(source: Source, view: SourceView) -> np.ndarray:
    part = view.face.window(_MARGIN).intersect(view.frame.window).slices(view.frame.window)
    tiles = [view.color.to_display(view.pixels[part]), *(draw_map(source, view, kind) for kind in MAPS)]
    return _labelled([_tile(tile) for tile in tiles], [view.name, _LEGEND, "texture", "the picture's own"])


def _skin_colour(source: Source) -> np.ndarray:
    """Return the mean logarithm of the skin over all views, float32 (3,)."""
    return np.mean([np.median(source.textures[view.name].light, axis=0) for view in source.views], axis=0)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def _tile(picture: np.ndarray) -> np.ndarray:
    """Fit a picture into a square tile."""
    height, width = picture.shape[:2]
    scale = _TILE / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = np.clip(cv2.resize(np.nan_to_num(picture), size, interpolation=cv2.INTER_AREA), 0, 1)
    tile = np.full((_TILE, _TILE, 3), GREY, np.float32)
    top, left = (_TILE - size[1]) // 2, (_TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def _labelled(tiles: list[np.ndarray], labels: list[str]) -> np.ndarray:
    row = np.concatenate(tiles, axis=1)
    words = [(8 + index * _TILE, text) for index, text in enumerate(labels)]
    return np.concatenate([label_strip(row.shape[1], words), row.astype(np.float32)], axis=0)
