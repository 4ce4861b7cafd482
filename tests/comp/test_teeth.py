"""Teeth on the mouth's chart: light and not red, beside a dark gap or a tongue, at any exposure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.comp.teeth import filled_with_teeth, tooth_likeness
from faceplate.face import Face, mouth
from faceplate.face.expression import LIP_PAIRS
from faceplate.face.shape import head_model
from faceplate.image.window import Window

TOOTH, TONGUE, DARK, SHADED = (0.5, 0.45, 0.36), (0.42, 0.12, 0.1), (0.02, 0.01, 0.01), (0.14, 0.12, 0.1)


def painted(gap: tuple[float, float, float], lower: tuple[float, float, float] = TOOTH) -> np.ndarray:
    """The log of a chart with teeth in its upper third, a gap, and teeth in its lower sixth."""
    rows = np.empty((mouth.ROWS, mouth.COLUMNS, 3))
    rows[:10], rows[10:26], rows[26:] = TOOTH, gap, lower
    return np.log(rows)


@pytest.mark.parametrize("gap", [DARK, TONGUE])
def test_both_rows_are_found_and_what_is_between_is_not(gap: tuple[float, float, float]) -> None:
    found = tooth_likeness(painted(gap), 4.0)
    assert found[:8].min() > 0.95 and found[28:].min() > 0.95 and found[13:23].max() < 0.05
    assert np.allclose(found, tooth_likeness(painted(gap) + 1.5, 4.0))


def test_teeth_in_the_shade_count_only_where_the_most_is_large() -> None:
    shaded = painted(DARK, SHADED)
    assert tooth_likeness(shaded, 4.0)[28:].min() > 0.9 and tooth_likeness(shaded, 1.3)[28:].max() < 0.05


def test_what_is_hidden_does_not_set_the_scale() -> None:
    hidden = painted(DARK)
    hidden[:, :12] = np.log(8.0)
    shown = np.ones(hidden.shape[:2])
    shown[:, :14] = 0
    assert tooth_likeness(hidden, 1.3)[2:8, 20:].max() < 0.05
    assert tooth_likeness(hidden, 1.3, shown)[2:8, 20:].min() > 0.95


LIP, SKIN, SIDE, HEIGHT = (0.3, 0.12, 0.11), (0.42, 0.24, 0.18), 300.0, 40.0


def face_with_mouth(rows: np.ndarray) -> tuple[np.ndarray, Window, Face]:
    """Pixels of a face whose mouth, 40 pixels high, shows the colours `rows` (n, 3) from lip to lip."""
    head = head_model().reference
    points = (head - head.min(axis=0)) * (SIDE / np.ptp(head[:, 1])) + 50
    corners = points[[78, 308]]
    top = corners[:, 1].mean() - HEIGHT / 2
    for lip, y in zip(LIP_PAIRS, (top, top + HEIGHT), strict=True):
        points[list(lip), 1] = y
    pixels = np.tile(np.array(SKIN, np.float32), (450, 400, 1))
    part = (np.arange(450) + 0.5 - top) / HEIGHT * len(rows)
    inside = (part >= 0) & (part < len(rows))
    across = slice(int(corners[:, 0].min()), int(corners[:, 0].max()))
    pixels[inside, across] = rows[part[inside].astype(int)][:, None]
    return pixels, Window(0, 0, 400, 450), Face(points, 1.0, 1.0, 0.3)


@pytest.mark.parametrize("between", [DARK, TONGUE, LIP])
def test_a_mouth_is_full_of_teeth_with_and_without_a_line_between_them(between: tuple[float, float, float]) -> None:
    grin, laugh, none = np.tile(TOOTH, (20, 1)), np.tile(TOOTH, (20, 1)), np.tile(between, (20, 1))
    grin[11:13], laugh[8:] = np.array(TOOTH) / 3, between
    for exposure in (0.1, 1.0, 8.0):
        found = []
        for rows in (grin, laugh, none):
            pixels, window, face = face_with_mouth(rows)
            lit = replace(face, level=face.level * exposure)
            found.append(filled_with_teeth(pixels * np.float32(exposure), window, lit))
        assert found[0] > 0.95 and max(found[1:]) < 0.05
