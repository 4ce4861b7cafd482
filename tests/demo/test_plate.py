"""The demo plate: its file, its picture, and each frame on its own."""

from __future__ import annotations

import errno
import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO
import pytest

from faceplate.demo import footage, performance
from faceplate.demo import plate as demo_plate
from faceplate.demo.footage import time_code
from faceplate.demo.plate import DATA, DISPLAY, GRAIN_FLOOR, GRAIN_SLOPE, ORIGIN, SCALE, make_plate
from faceplate.errors import RenderError, UsageError
from pictures import TRUTH

MEASURED = json.loads(TRUTH.read_text())["pictures"]
AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)


def read(path: Path) -> tuple[OpenImageIO.ImageSpec, np.ndarray]:
    """(the file's own description, float32 pixels (h, w, 4))."""
    file = OpenImageIO.ImageInput.open(str(path))
    assert file is not None, OpenImageIO.geterror()
    spec, pixels = file.spec(), file.read_image(OpenImageIO.FLOAT)
    file.close()
    return spec, np.asarray(pixels)


def in_data(points: np.ndarray) -> np.ndarray:
    """A performance picture's continuous points (n, 2) in the data window's own continuous pixels."""
    return np.array(ORIGIN) + SCALE * points - (DATA.x, DATA.y)


def face_of(pixels: np.ndarray, frame: int) -> np.ndarray:
    """The pixels inside the outermost landmarks of a frame whose truth is stored: (n, 4)."""
    points = in_data(np.array(MEASURED[f"ada/performance/ada.{frame}.jpg"]["points"])).astype(np.float32)
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(cv2.convexHull(points)).astype(np.int32), 1)
    return pixels[mask > 0]


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plate")
    assert make_plate(folder, frames=2, first=1005) == "plate.####.exr"
    return folder


# Plate: the file ----------------------------------------------------------------------------------------------------


def test_windows_channels_and_compression(plate: Path) -> None:
    spec, _ = read(plate / "plate.1005.exr")
    assert (
        (spec.x, spec.y, spec.width, spec.height) == (DATA.x, DATA.y, DATA.width, DATA.height) == (-16, 12, 1312, 696)
    )
    display = (spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    assert display == (DISPLAY.x, DISPLAY.y, DISPLAY.width, DISPLAY.height) == (0, 0, 1280, 720)
    assert tuple(spec.channelnames) == ("R", "G", "B", "depth.Z")
    assert [str(channel) for channel in spec.channelformats] == ["half", "half", "half", "float"]
    assert spec.getattribute("compression") == "zip" and spec.tile_width == 0


def test_metadata(plate: Path) -> None:
    for frame, code in ((1005, "01:00:00:04"), (1006, "01:00:00:05")):
        spec, _ = read(plate / f"plate.{frame}.exr")
        assert spec.get_string_attribute("smpte:TimeCode") == code
        assert spec.getattribute("chromaticities") == pytest.approx(AP1, abs=1e-6)
        assert spec.getattribute("FramesPerSecond") == (24, 1)
        assert spec.getattribute("colorInteropID") == "lin_ap1_scene"
        assert spec.getattribute("PixelAspectRatio") == 1.0 and spec.getattribute("isoSpeed") == 800.0
        assert spec.getattribute("cameraModel") == "Faceplate Demo Camera"
        assert "does not exist" in spec.getattribute("ImageDescription")


@pytest.mark.parametrize(
    ("frame", "code"), [(1001, 0x01000000), (1011, 0x01000010), (1025, 0x01000100), (1000, 0x00595923)]
)
def test_time_code_is_packed_decimal(frame: int, code: int) -> None:
    assert time_code(frame) == code


# Plate: the picture -------------------------------------------------------------------------------------------------


def test_values_of_a_scene(plate: Path) -> None:
    _, pixels = read(plate / "plate.1006.exr")
    light = pixels[..., :3]
    assert np.isfinite(pixels).all()
    assert 30 < light.max() < 45
    row, column = np.unravel_index(np.argmax(light[..., 0]), light.shape[:2])
    assert np.hypot(column + DATA.x - 1006, row + DATA.y - 222) < 25, "the brightest thing is the lamp"
    assert -0.05 < light.min() < 0 and 0.001 < (light < 0).mean() < 0.1
    face = face_of(pixels, 1006)[:, :3]
    assert 0.2 < np.median(face[:, 1]) < 0.6
    assert 0.005 < ((face.max(axis=1) > 1) & (face.max(axis=1) < 4)).mean() < 0.15


def test_catch_lights_are_in_the_eyes(plate: Path) -> None:
    _, pixels = read(plate / "plate.1006.exr")
    points = in_data(np.array(MEASURED["ada/performance/ada.1006.jpg"]["points"]))
    for iris in (468, 473):
        column, row = points[iris].astype(int)
        assert 5 < pixels[row - 10 : row + 10, column - 10 : column + 10, :3].max() < 14


def test_performance_lies_where_origin_and_scale_say(plate: Path) -> None:
    _, pixels = read(plate / "plate.1006.exr")
    picture = cv2.imdecode(np.frombuffer(performance()[5].read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    # Both convert between continuous coordinates and the whole-number pixel centres of OpenCV.
    shift = in_data(np.array([0.5, 0.5])) - 0.5
    placed = cv2.warpAffine(
        cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32),
        np.array([[SCALE, 0, shift[0]], [0, SCALE, shift[1]]]),
        (DATA.width, DATA.height),
    )
    face = (slice(200, 500), slice(200, 500))
    tone = np.log(np.maximum(pixels[..., 1], 1e-3)).astype(np.float32)[face]
    wanted = np.log(np.maximum(placed, 1) ** 2.2)[face].astype(np.float32)
    window = cv2.createHanningWindow(tone.shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(wanted - wanted.mean(), tone - tone.mean(), window)
    assert abs(x) < 0.15 and abs(y) < 0.15


def test_depth_is_float_and_the_head_is_in_front(plate: Path) -> None:
    _, pixels = read(plate / "plate.1006.exr")
    depth = pixels[..., 3]
    face = face_of(pixels, 1006)[:, 3]
    assert face.min() > 1.3 and face.max() < 1.7
    assert depth[300, 1250] > 4 and depth[300, 695] < 0.8
    assert (depth.astype(np.float16).astype(np.float32) != depth).mean() > 0.3


def test_grain_has_the_stated_variance(plate: Path, tmp_path: Path) -> None:
    make_plate(tmp_path, frames=1, first=1006, seed=8)
    ours, other = face_of(read(plate / "plate.1006.exr")[1], 1006), face_of(read(tmp_path / "plate.1006.exr")[1], 1006)
    mean = (ours[:, :3] + other[:, :3]) / 2
    level = (mean > 0.25) & (mean < 0.35)
    for channel in range(3):
        chosen = level[:, channel]
        variance = np.var(ours[chosen, channel] - other[chosen, channel]) / 2
        stated = GRAIN_SLOPE[channel] * mean[chosen, channel].mean() + GRAIN_FLOOR[channel]
        assert variance == pytest.approx(stated, rel=0.06)


# Plate: frames on their own -----------------------------------------------------------------------------------------


def test_a_frame_alone_equals_the_frame_in_its_run(plate: Path, tmp_path: Path) -> None:
    make_plate(tmp_path, frames=1, first=1006)
    assert [path.name for path in tmp_path.iterdir()] == ["plate.1006.exr"]
    alone, run = (read(folder / "plate.1006.exr")[1] for folder in (tmp_path, plate))
    assert np.array_equal(alone, run)
    assert not np.array_equal(run, read(plate / "plate.1005.exr")[1])


def test_a_long_shot_goes_there_and_back() -> None:
    indices = [demo_plate._performance_index(frame, 24) for frame in range(1001, 1001 + 94)]
    assert indices[:24] == list(range(24)) and indices[23:47] == list(range(23, -1, -1)) and indices[46] == indices[0]
    assert max(abs(b - a) for a, b in pairwise(indices)) == 1


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    make_plate(tmp_path / "new" / "folder", frames=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["plate.1001.exr", "plate.1002.exr"]


def test_no_half_written_frame_has_a_final_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def full_disk(_: int) -> None:
        seen.append([path.name for path in tmp_path.iterdir()])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(footage.os, "fsync", full_disk)
    with pytest.raises(RenderError, match="No space left") as refused:
        make_plate(tmp_path, frames=1)
    assert refused.value.code == "cannot-write"
    assert len(seen[0]) == 1 and not seen[0][0].endswith(".exr")
    assert list(tmp_path.iterdir()) == []


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as nothing:
        make_plate(tmp_path, frames=0)
    assert nothing.value.code == "no-frames"
    (tmp_path / "file").write_text("")
    with pytest.raises(RenderError) as blocked:
        make_plate(tmp_path / "file", frames=1)
    assert blocked.value.code == "cannot-write"
