"""The teeth of a picture: an open mouth has them at the upper lip, a closed mouth has none."""

from __future__ import annotations

from faceplate.face import mouth
from faceplate.source import Source


def test_an_open_mouth_has_upper_teeth_and_a_closed_one_none(source_bea: Source) -> None:
    views = {view.name: view for view in source_bea.views}
    teeth = views["open.jpg"].teeth
    middle = teeth[:, mouth.COLUMNS // 3 : -mouth.COLUMNS // 3].mean(axis=1)
    assert teeth.shape == (mouth.ROWS, mouth.COLUMNS) and 0 <= teeth.min() <= teeth.max() <= 1
    assert middle[3:10].min() > 0.6 and middle[14:18].min() < 0.2 and middle[24:30].max() > 0.6
    assert views["closed.jpg"].teeth.max() == 0
