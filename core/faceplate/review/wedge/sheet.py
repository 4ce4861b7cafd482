"""The contact sheet of a wedge on one frame: a cell for each variant, with the axes' values around them.

A cell shows the face, and beside it the eyes and the mouth. All cells show the same part of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceplate.color import ColorConfig, to_uint8
from faceplate.face import Face, topology
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.review.tiles import GREY, LABEL, label_strip
from faceplate.review.wedge.axes import Axis, Variant, shown_value
from faceplate.review.wedge.views import PlateView

__all__ = ["WedgeSheet"]

# Side of a cell's face, pixels: the largest, and what it may shrink to on a sheet of many variants.
_FACE, _SMALLEST = 320, 96
# The largest side of a sheet, pixels: browsers and viewers open it, and its memory does not grow with the wedge.
_LARGEST = 8192
# Cells in a row of a wedge with one axis.
_ACROSS = 8
# Half of what is shown around the face, in sizes of the face; around eyes and mouth in widths of what is shown.
_AROUND, _CLOSE = 0.7, 0.62
_GAP, _LINE = 4, 1
# Pixels of a letter, to leave out words that do not fit.
_LETTER = 9


@dataclass(frozen=True)
class _Grid:
    """Where the cells lie: `columns` by `rows` cells, each with a strip of words above it and one below."""

    columns: int
    rows: int
    side: int

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of a cell without its words."""
        return self.side + self.side // 2, self.side

    @property
    def step(self) -> tuple[int, int]:
        """Distance from one cell to the next, across and down."""
        width, height = self.cell
        return width + _GAP, height + 2 * LABEL + _GAP

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet, with a column for the plate at the left and a title above."""
        across, down = self.step
        return (self.columns + 1) * across, self.rows * down + LABEL

    def place(self, column: int, row: int) -> tuple[int, int]:
        """Return the left upper corner of a cell's picture; column 0 is the first variant's."""
        across, down = self.step
        return (column + 1) * across, LABEL + row * down + LABEL

    @classmethod
    def fitting(cls, columns: int, rows: int) -> _Grid:
        """Return the grid with the largest cells that keep the sheet below its limit."""
        side = _FACE
        while side > _SMALLEST and max(cls(columns, rows, side).size) > _LARGEST:
            side -= 16
        return cls(columns, rows, side)


class WedgeSheet:
    """The sheet of one frame; cells are drawn as their takes are read, so that no take is kept.

    Parameters
    ----------
    axes : tuple of Axis
        The wedge's axes. A single axis of more than 8 values is broken into rows.
    view : PlateView
        The plate on this frame.
    color : ColorConfig
        The shot's colour; pictures pass its display transform.
    title : str
        The first words of the sheet.
    """

    def __init__(self, axes: tuple[Axis, ...], view: PlateView, color: ColorConfig, title: str) -> None:
        self._axes = axes
        self._color = color
        self._window = view.frame.window
        self._aspect = view.frame.pixel_aspect
        self._face = view.face
        count = len(axes[0].values)
        self._across = count if len(axes) > 1 else min(count, _ACROSS)
        rows = len(axes[1].values) if len(axes) > 1 else -(-count // self._across)
        self._grid = _Grid.fitting(self._across, rows)
        width, height = self._grid.size
        self._pixels = np.full((height, width, 3), round(GREY * 255), np.uint8)
        self._words(0, 0, width, [(8, f"{title}  frame {view.number}")])
        self._draw(-1, 0, view.working)
        for row in range(rows):
            value = (
                f"{axes[1].parameter} {shown_value(axes[1].parameter, axes[1].values[row])}" if len(axes) > 1 else ""
            )
            self._label(-1, row, value, "" if row else "plate")

    @property
    def pixels(self) -> np.ndarray:
        """The sheet, uint8 (h, w, 3) RGB."""
        return self._pixels

    def add(self, variant: Variant, working: np.ndarray | None, words: str = "") -> tuple[int, int, int, int]:
        """Draw a variant's cell.

        Parameters
        ----------
        variant : Variant
            The variant.
        working : numpy.ndarray or None
            The take on the plate view's window, scene-linear float32 (h, w, 3); None for one that was not rendered.
        words : str
            What stands below the cell.

        Returns
        -------
        tuple of int
            x, y, width and height of the cell's picture on the sheet.
        """
        column, row = self._at(variant)
        if working is not None:
            self._draw(column, row, working)
        axis = self._axes[0]
        below = words if working is not None else "not rendered"
        self._label(column, row, f"{axis.parameter} {shown_value(axis.parameter, axis.values[variant.column])}", below)
        return (*self._grid.place(column, row), *self._grid.cell)

    def _at(self, variant: Variant) -> tuple[int, int]:
        if len(self._axes) > 1:
            return variant.column, variant.row
        row, column = divmod(variant.column, self._across)
        return column, row

    def _draw(self, column: int, row: int, working: np.ndarray) -> None:
        side = self._grid.side
        left, top = self._grid.place(column, row)
        shown = np.clip(self._color.to_display(np.nan_to_num(working)), 0, 1)
        parts = _parts(self._face, self._window)
        self._put(left, top, self._crop(shown, *parts[0], side, side))
        for index, (centre, reach) in enumerate(parts[1:]):
            half = side // 2 - _LINE
            place = top + index * (side // 2 + _LINE)
            self._put(left + side + _LINE, place, self._crop(shown, centre, reach, half, half))

    def _crop(self, shown: np.ndarray, centre: np.ndarray, reach: float, width: int, height: int) -> np.ndarray:
        """Return a square around a point as it is projected; `reach` is half its side in rows of the frame."""
        scale = height / (2 * reach)
        across = scale * self._aspect
        matrix = np.array(
            [[across, 0, width / 2 - centre[0] * across], [0, scale, height / 2 - centre[1] * scale]], np.float64
        )
        return np.clip(resample(shown, self._window, matrix, Window(0, 0, width, height)), 0, 1)

    def _put(self, left: int, top: int, picture: np.ndarray) -> None:
        height, width = picture.shape[:2]
        self._pixels[top : top + height, left : left + width] = to_uint8(picture)

    def _label(self, column: int, row: int, above: str, below: str) -> None:
        left, top = self._grid.place(column, row)
        width, height = self._grid.cell
        self._words(left, top - LABEL, width, [(4, above)])
        self._words(left, top + height, width, [(4, below)])

    def _words(self, left: int, top: int, width: int, words: Sequence[tuple[int, str]]) -> None:
        fitting = [(at, text[: max((width - at) // _LETTER, 1)]) for at, text in words]
        self._pixels[top : top + LABEL, left : left + width] = to_uint8(label_strip(width, fitting))


def _parts(face: Face | None, window: Window) -> list[tuple[np.ndarray, float]]:
    """Return the centre and half the side of what a cell shows: the face, the eyes, the mouth; the frame without a face."""
    if face is None:
        centre = np.array([window.x + window.width / 2, window.y + window.height / 2])
        return [(centre, max(window.width, window.height) / 2)]
    mesh, xy = topology(), face.points[:, :2]
    found = [_around(xy, _AROUND * face.size)]
    for loop in (np.concatenate([mesh.right_eye_loop, mesh.left_eye_loop]), mesh.lips_loop):
        points = xy[loop]
        found.append(_around(points, max(np.ptp(points, axis=0).max() * _CLOSE, 1.0)))
    return found


def _around(points: np.ndarray, reach: float) -> tuple[np.ndarray, float]:
    return (points.min(axis=0) + points.max(axis=0)) / 2, float(reach)
