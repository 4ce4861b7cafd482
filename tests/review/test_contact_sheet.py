"""Contact sheets show every picked frame, with a face or without."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceplate.cli import main
from faceplate.color import ColorConfig
from faceplate.review import ContactSheet
from plates import write_plate


def test_frames_without_a_face_are_shown_whole(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).random((60, 90, 3)) * 0.2
    for number in (1001, 1002, 1003):
        write_plate(tmp_path / f"plate.{number}.exr", pixels, "half")
    sheet = tmp_path / "sheet.png"
    words = [
        "render", str(tmp_path / "plate.####.exr"), "-o", str(tmp_path / "out.####.exr"), "--space", "ACEScg",
        "--generator", "null", "--no-face", "pass", "--no-track", "--contact-sheet", str(sheet),
    ]  # fmt: skip
    assert main._run(words) == 0
    picture = cv2.imread(str(sheet))
    assert picture is not None and picture.shape == (3 * (480 + 22), 3 * 480, 3)
    plate, result, matte = (picture[22 + 215 : 22 + 265, 480 * index + 200 : 480 * index + 280] for index in range(3))
    assert plate.mean() > 20 and np.array_equal(plate, result) and matte.max() == 0


def test_a_sheet_without_any_frame_is_written_all_the_same(tmp_path: Path) -> None:
    ContactSheet(ColorConfig.load(), (1001, 1002)).write(tmp_path / "new" / "sheet.png")
    picture = cv2.imread(str(tmp_path / "new" / "sheet.png"))
    assert picture is not None and picture.shape == (480 + 22, 3 * 480, 3)
