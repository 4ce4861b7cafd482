"""Which pictures a source takes: stills, movies and sequences."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.source import read_source
from movies import write_movie
from pictures import ReadPicture
from plates import write_plate


def small(frame: Frame, side: int = 512) -> np.ndarray:
    """A picture's pixels made smaller, float32 (side, side, 3)."""
    return cv2.resize(frame.pixels, (side, side), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(
    ("space", "tags", "within"),
    [
        ("Rec.1886 Rec.709 - Display", (1, 1, 1, 1), 0.02),
        ("sRGB - Display", (1, 13, 1, 1), 0.02),
        ("Rec.2100-PQ - Display", (9, 16, 9, 1), 0.03),
    ],
)
def test_a_movie_is_read_by_its_tags_and_its_bits(
    space: str,
    tags: tuple[int, int, int, int],
    within: float,
    tmp_path: Path,
    read_picture: ReadPicture,
    color: ColorConfig,
    finder: FaceFinder,
) -> None:
    """Three views of bea as ProRes of ten bits: whatever the space, the linear pixels come back, finer than in 8 bits."""
    frames = [read_picture(f"bea/{view}.jpg") for view in ("front", "left", "open")]
    linear = [color.to_working(small(frame), frame.space) for frame in frames]
    coded = [np.clip(color.from_working(picture, space), 0, 1) for picture in linear]
    clip = write_movie(
        tmp_path / "shoot.mov", [np.round(picture * 65535).astype(np.uint16) for picture in coded], tags=tags
    )
    source = read_source(clip, color, finder)
    assert [view.name for view in source.views] == ["shoot.mov@0", "shoot.mov@1", "shoot.mov@2"]
    assert source.views[2].geometry.mouth > source.views[0].geometry.mouth
    for view, wanted in zip(source.views, linear, strict=True):
        part = wanted[view.frame.window.slices(Window(0, 0, 512, 512))]
        soft = [cv2.GaussianBlur(item, (0, 0), 4) for item in (view.pixels, part)]  # the codec's own noise aside
        assert np.abs(soft[0] - soft[1]).max() < within * part.max()
        assert len(np.unique(view.frame.pixels[..., 1])) > 300


def test_frames_of_a_sequence_are_a_source(
    tmp_path: Path, read_picture: ReadPicture, color: ColorConfig, finder: FaceFinder
) -> None:
    for number, view in enumerate(("front", "left", "open")):
        frame = read_picture(f"bea/{view}.jpg")
        linear = color.to_working(small(frame), frame.space).astype(np.float16)
        write_plate(tmp_path / f"turn.{1001 + number}.exr", linear)
    (tmp_path / "turn.1002.exr").rename(tmp_path / "turn.0999.exr")
    (tmp_path / "other.1001.exr").write_bytes(b"no picture")
    pattern = tmp_path / "turn.####.exr"
    source = read_source(pattern, color, finder)
    assert [view.name for view in source.views] == ["turn.0999.exr", "turn.1001.exr", "turn.1003.exr"]
    assert not source.skipped
    assert (tmp_path / ".turn.####.exr.faceplate.source.json").exists()
    assert [view.name for view in read_source(tmp_path / "turn.1001-1003####.exr", color, finder).views] == [
        "turn.1001.exr",
        "turn.1003.exr",
    ]
    for nothing in ("turn.#####.exr", "nobody.####.exr", "turn.1002.exr", "nobody"):
        with pytest.raises(UsageError) as refused:
            read_source(tmp_path / nothing, color, finder)
        assert refused.value.code == "source-missing"


def test_a_long_sequence_is_looked_at_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceplate.source.pictures import sampled_files, source_files

    for number in range(1, 1001):
        (tmp_path / f"turn.{number:04d}.exr").touch()
    files = sampled_files(tmp_path / "turn.####.exr")
    assert len(files) == 240 and files[0].name == "turn.0001.exr" and files[-1].name == "turn.1000.exr"
    assert len(source_files(tmp_path / "turn.####.exr")) == 1000
    assert len(sampled_files(tmp_path)) == 1000  # a folder of stills is the artist's own choice


def test_of_a_large_picture_only_the_face_is_kept(
    tmp_path: Path, read_picture: ReadPicture, color: ColorConfig, finder: FaceFinder
) -> None:
    frame = read_picture("bea/front.jpg")
    wide = np.full((1100, 2400, 3), 0.2, np.float16)
    wide[40:1064, 1200:2224] = color.to_working(frame.pixels, frame.space)
    write_plate(tmp_path / "wide.exr", wide)
    (view,) = read_source(tmp_path / "wide.exr", color, finder, "ACEScg").views
    assert view.frame.window.width < 1500 and view.pixels.shape == (*view.frame.pixels.shape[:2], 3)
    assert view.frame.pixels.base is None  # or the whole picture would stay in memory behind it
    np.testing.assert_array_equal(
        view.pixels, wide[view.frame.window.slices(Window(0, 0, 2400, 1100))].astype(np.float32)
    )
