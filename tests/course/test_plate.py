"""The course's plate: light, hand and motion blur are in the frames that the lesson names, and each frame is itself alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO
import pytest

from faceplate.course.plate import FRAMES, HEIGHTS, make_course_plate
from faceplate.errors import UsageError

HEIGHT = 180
SHOT = tuple(range(1001, 1011))


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(OpenImageIO.ImageBuf(str(path)).get_pixels(OpenImageIO.FLOAT))


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shot")
    told: list[tuple[int, int]] = []
    pattern = make_course_plate(
        folder / "plate", roto=folder / "roto", frames=10, height=HEIGHT, progress=lambda *done: told.append(done)
    )
    assert pattern == "plate.####.exr" and told[-1] == (10, 10)
    return folder


def plate(shot: Path, frame: int) -> np.ndarray:
    return pixels_of(shot / "plate" / f"plate.{frame}.exr")


def hand(shot: Path, frame: int) -> np.ndarray:
    return pixels_of(shot / "roto" / f"hand.{frame}.exr")[..., 0]


def test_a_file_is_a_camera_s(shot: Path) -> None:
    spec = OpenImageIO.ImageBuf(str(shot / "plate" / "plate.1004.exr")).spec()
    assert (spec.width, spec.height, tuple(spec.channelnames)) == (HEIGHT * 16 // 9, HEIGHT, ("R", "G", "B"))
    assert str(spec.format) == "half" and spec.getattribute("colorInteropID") == "lin_ap1_scene"
    assert spec.get_string_attribute("smpte:TimeCode") == "01:00:00:03"
    assert "does not exist" in spec.getattribute("Copyright")
    assert not list((shot / "plate").glob(".*"))


def test_the_lamp_comes_on_and_is_brighter_than_white(shot: Path) -> None:
    face = (slice(80, 150), slice(110, 170))
    dark, flicker, again, lit = (np.median(plate(shot, frame)[face]) for frame in (1001, 1002, 1003, 1005))
    assert lit > 2 * dark and 1.2 * dark < flicker < lit and again < flicker
    assert plate(shot, 1005).max() > 5 and np.isfinite(plate(shot, 1005)).all()


def test_the_hand_covers_the_face_in_the_frames_of_the_lesson(shot: Path) -> None:
    face = (slice(80, 165), slice(95, 175))
    covered = {frame: float(hand(shot, frame)[face].mean()) for frame in SHOT}
    assert all(covered[frame] == 0 for frame in (1001, 1002, 1003, 1004))
    assert covered[1008] > 0.2 and covered[1009] > 0.2 and covered[1010] < 0.1
    matte = hand(shot, 1008)
    assert matte.min() == 0 and matte.max() == pytest.approx(1, abs=1e-3)
    assert ((matte > 0.1) & (matte < 0.9)).sum() > 0.2 * (matte > 0.5).sum(), "its edge is blurred by its motion"


def test_the_plate_is_the_hand_where_the_matte_is_1(shot: Path) -> None:
    without, with_hand = plate(shot, 1005), plate(shot, 1008)
    solid = hand(shot, 1008) > 0.999
    red = with_hand[solid].mean(axis=0)
    assert solid.sum() > 300 and red[0] > 1.3 * red[1] > 1.3 * red[2]
    assert with_hand[solid].std() < 0.5 * without[solid].std(), "no face shines through"


def test_a_frame_alone_equals_the_frame_in_its_run(shot: Path, tmp_path: Path) -> None:
    make_course_plate(tmp_path, frames=2, height=HEIGHT)
    assert np.array_equal(pixels_of(tmp_path / "plate.1002.exr"), plate(shot, 1002))
    assert not np.array_equal(plate(shot, 1002), plate(shot, 1001))


def test_refusals(tmp_path: Path) -> None:
    for code, frames, height in (("no-frames", 0, 180), ("bad-size", 1, 1000), ("bad-size", 1, 90)):
        with pytest.raises(UsageError) as refused:
            make_course_plate(tmp_path, frames=frames, height=height)
        assert refused.value.code == code
    assert set(FRAMES) == set(HEIGHTS) and not any(height % 9 for height in HEIGHTS.values())
