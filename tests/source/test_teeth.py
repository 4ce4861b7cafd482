"""The teeth of a picture: an open mouth has them at the upper lip, a closed mouth has none."""

from __future__ import annotations

import numpy as np

from faceplate.comp.teeth import tooth_likeness
from faceplate.face import mouth
from faceplate.source import Source
from faceplate.source.teeth import _rigid, _upper_edge


def test_upper_teeth_that_hang_below_the_middle_leave_the_gap_free() -> None:
    """The lower half of the chart was all lower teeth and gums from the first upper tooth on that reached into it."""
    log = np.full((mouth.ROWS, mouth.COLUMNS, 3), (-1.5, -2.6, -2.6), np.float32)
    log[2:20, 6:-6] = 0.5
    log[27:31, 12:-12] = 0.2
    edge = _upper_edge(log)
    rigid = _rigid(tooth_likeness(log, 4.0), edge)[:, 16:-16]
    assert np.abs(edge[8:-8] - 20).max() <= 1.01
    assert rigid[3:19].min() > 0.7 and rigid[21:24].max() < 0.3 and rigid[28:].min() > 0.6


def test_an_open_mouth_has_upper_teeth_and_a_closed_one_none(source_bea: Source) -> None:
    views = {view.name: view for view in source_bea.views}
    teeth = views["open.jpg"].teeth
    middle = teeth[:, mouth.COLUMNS // 3 : -mouth.COLUMNS // 3].mean(axis=1)
    assert teeth.shape == (mouth.ROWS, mouth.COLUMNS) and 0 <= teeth.min() <= teeth.max() <= 1
    assert middle[3:10].min() > 0.6 and middle[14:18].min() < 0.2 and middle[24:30].max() > 0.6
    assert views["closed.jpg"].teeth.max() == 0
