"""The sheet of a source."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.errors import RenderError
from faceplate.review.source_sheet import draw_source_sheet, write_source_sheet
from faceplate.source import Source


def test_a_row_for_each_picture_and_one_for_the_atlas(source_bea: Source, tmp_path: Path) -> None:
    few = Source(source_bea.views[:2], ())
    sheet = draw_source_sheet(few)
    assert sheet.shape == (3 * 502, 4 * 480, 3) and sheet.min() >= 0 and sheet.max() <= 1
    picture, marked, texture, own = (sheet[22:502, 480 * k : 480 * (k + 1)] for k in range(4))
    assert np.abs(picture - marked).max() > 0.2  # hair is marked
    assert np.abs(picture - texture)[200:280, 200:280].mean() < 0.15  # the texture is the same person
    assert own[240, 240, 0] > 0.95 and own[30, 60, 0] < 0.1
    for name in ("sheet.jpg", "sheet.png"):
        write_source_sheet(few, tmp_path / name)
        read = cv2.imread(str(tmp_path / name))
        assert read is not None and read.shape == sheet.shape
    with pytest.raises(RenderError) as refused:
        write_source_sheet(few, tmp_path / "sheet.txt")
    assert refused.value.code == "output-unwritable"
