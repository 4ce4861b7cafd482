"""The chart of a dataset's coverage: both people's faces by turn, nod, mouth and light, the gaps, and the pictures to take."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from faceplate.errors import RenderError
from faceplate.system.atomic import write_bytes
from faceplate.train.coverage import AXES, Coverage
from faceplate.train.pack import ACTOR, DOUBLE

__all__ = ["draw_coverage_sheet", "write_coverage_sheet"]

# Sizes in pixels: a cell, the gap between two poses, the margins, and a line of text.
_CELL, _GAP, _LEFT, _TOP, _EDGE, _LINE = (46, 26), 10, 128, 78, 24, 22
# Letters in a line of advice.
_LETTERS = 150
# Colours as RGB.
_GROUND, _EMPTY, _TEXT, _DIM, _MISSING = (18, 18, 18), (38, 38, 38), (220, 220, 220), (140, 140, 140), (230, 70, 60)
_FEW, _MANY = np.array([40, 66, 84.0]), np.array([80, 190, 255.0])
_TURN, _NOD, _MOUTH, _LIGHT = (len(bins) for bins in AXES.values())
_WIDTH = _LEFT + _TURN * (_LIGHT * _CELL[0] + _GAP) + _EDGE
_BLOCK = _TOP + _NOD * (_MOUTH * _CELL[1] + _GAP) + _EDGE


def write_coverage_sheet(path: Path, coverage: Coverage, faces: Mapping[str, int]) -> None:
    """Write the chart as an 8-bit PNG; `faces` is the number of faces of each person.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`.
    """
    done, png = cv2.imencode(".png", draw_coverage_sheet(coverage, faces)[..., ::-1])
    if not done:
        raise RenderError("output-unwritable", f"The chart {path} could not be encoded as PNG.")
    write_bytes(path, png.tobytes())


def draw_coverage_sheet(coverage: Coverage, faces: Mapping[str, int]) -> np.ndarray:
    """Draw the chart, uint8 (h, w, 3), RGB.

    For each person a block of poses: turns in columns, nods in rows. Inside a pose mouths are rows and lights columns. A cell
    shows its number of faces, brighter for more. Cells of the double that are gaps of the actor have a red frame.
    """
    blocks = [
        _block(f"{person}: {faces.get(person, 0)} faces", np.array(coverage.counts[person]), _missing(coverage, person))
        for person in (ACTOR, DOUBLE)
    ]
    return np.concatenate([*blocks, _words(coverage)], axis=0)


def _missing(coverage: Coverage, person: str) -> np.ndarray:
    """Return the cells of a person's block that get a red frame, bool (turn, nod, mouth, light)."""
    counts = {name: np.array(table) for name, table in coverage.counts.items()}
    marked = np.zeros(counts[ACTOR].shape, bool)
    if person == ACTOR:
        return marked
    names = [list(bins) for bins in AXES.values()]
    for gap in coverage.gaps:
        given = (gap.turn, gap.nod, gap.mouth, gap.light)
        at = tuple(slice(None) if word is None else bins.index(word) for bins, word in zip(names, given, strict=True))
        marked[at] = True
    return marked & (counts[DOUBLE] > 0)


def _block(title: str, counts: np.ndarray, marked: np.ndarray) -> np.ndarray:
    picture = np.full((_BLOCK, _WIDTH, 3), _GROUND, np.uint8)
    _write(picture, title, (_EDGE, 26), _TEXT, 0.62)
    most = max(int(counts.max()), 1)
    for turn, word in enumerate(AXES["turn"]):
        x = _LEFT + turn * (_LIGHT * _CELL[0] + _GAP)
        _write(picture, word, (x, _TOP - 28), _TEXT)
        for light, side in enumerate(("left", "even", "right")):
            _write(picture, side, (x + light * _CELL[0] + 6, _TOP - 8), _DIM, 0.34)
    for nod, word in enumerate(AXES["nod"]):
        top = _TOP + nod * (_MOUTH * _CELL[1] + _GAP)
        _write(picture, word, (_EDGE, top + 17), _TEXT)
        for mouth, name in enumerate(AXES["mouth"]):
            _write(picture, name, (_EDGE + 46, top + mouth * _CELL[1] + 17), _DIM, 0.36)
    for index in np.ndindex(counts.shape):
        _cell(picture, tuple(index), int(counts[index]), most, bool(marked[index]))
    return picture


def _cell(picture: np.ndarray, index: tuple[int, ...], count: int, most: int, marked: bool) -> None:
    turn, nod, mouth, light = index
    x = _LEFT + turn * (_LIGHT * _CELL[0] + _GAP) + light * _CELL[0]
    y = _TOP + nod * (_MOUTH * _CELL[1] + _GAP) + mouth * _CELL[1]
    part = np.log1p(count) / np.log1p(most)
    colour = tuple(int(v) for v in _FEW + part * (_MANY - _FEW)) if count else _EMPTY
    corner = (x + _CELL[0] - 3, y + _CELL[1] - 3)
    cv2.rectangle(picture, (x, y), corner, colour, -1)
    if marked:
        cv2.rectangle(picture, (x, y), corner, _MISSING, 2)
    if count:
        _write(picture, str(count), (x + 6, y + 17), (10, 10, 10) if part > 0.55 else _TEXT, 0.42)


def _words(coverage: Coverage) -> np.ndarray:
    """Draw the legend and the pictures to take."""
    legend = (
        "Columns: turn to the person's own side, and in each where the light comes from in the picture. Rows: nod, and in "
        "each the mouth. Red: the double does this, and the actor was never seen doing it."
    )
    advice = coverage.advice or ("Nothing is missing: the actor was seen doing whatever the double does.",)
    more = len(coverage.gaps) - len(coverage.advice)
    lines = [(line, _DIM) for line in textwrap.wrap(legend, _LETTERS)]
    lines += [(line, _TEXT) for sentence in advice for line in textwrap.wrap(sentence, _LETTERS)]
    lines += [(f"{more} rarer gaps are in dataset.json.", _DIM)] if more else []
    picture = np.full((len(lines) * _LINE + _EDGE, _WIDTH, 3), _GROUND, np.uint8)
    for number, (line, colour) in enumerate(lines):
        _write(picture, line, (_EDGE, 14 + number * _LINE), colour, 0.4)
    return picture


def _write(picture: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, ...], size: float = 0.4) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
