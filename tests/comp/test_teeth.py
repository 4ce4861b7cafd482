"""Teeth on the mouth's chart: light and not red, beside a dark gap or a tongue, at any exposure."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.teeth import tooth_likeness
from faceplate.face import mouth

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
