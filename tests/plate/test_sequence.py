"""Frame sequences: patterns, frame ranges, and the paths they give."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.errors import UsageError
from faceplate.plate import (
    Sequence,
    missing_frames,
    parse_frames,
    same_target,
)


@pytest.mark.parametrize(
    ("pattern", "frame", "name", "declared"),
    [
        ("plate.####.exr", 7, "plate.0007.exr", None),
        ("plate.##.exr", 7, "plate.07.exr", None),
        ("plate.@@@@.exr", 7, "plate.0007.exr", None),
        ("plate.%04d.exr", 7, "plate.0007.exr", None),
        ("plate.%d.exr", 7, "plate.7.exr", None),
        ("plate.$F4.exr", 7, "plate.0007.exr", None),
        ("plate.$F.exr", 7, "plate.7.exr", None),
        ("plate.1001-1003.exr", 7, "plate.0007.exr", (1001, 1002, 1003)),
        ("plate.1001-1003####.exr", 1002, "plate.1002.exr", (1001, 1002, 1003)),
        ("plate.1001-1005x2%04d.exr", 1003, "plate.1003.exr", (1001, 1003, 1005)),
        ("plate.1001,1004-1005####.exr", 1004, "plate.1004.exr", (1001, 1004, 1005)),
        ("plate.-2-1####.exr", -2, "plate.-002.exr", (-2, -1, 0, 1)),
        ("plate.1001.exr", 1001, "plate.1001.exr", (1001,)),
        ("A001C002_220101_R1AB.0087361.dpx", 87361, "A001C002_220101_R1AB.0087361.dpx", (87361,)),
        ("plate_####_L.exr", 7, "plate_0007_L.exr", None),
        ("take_2####.exr", 7, "take_20007.exr", None),
        ("plate.####.exr", 123456, "plate.123456.exr", None),
        ("plate.####.exr", -5, "plate.-005.exr", None),
        ("plate.####.exr", -12345, "plate.-12345.exr", None),
        ("sh010.v002.exr", 7, "sh010.v002.exr", None),
        ("plate.exr", 7, "plate.exr", None),
        ("plate_1001.exr", 7, "plate_1001.exr", None),
        ("IMG_1234.JPG", 7, "IMG_1234.JPG", None),
    ],
)
def test_patterns(pattern, frame, name, declared):
    sequence = Sequence.parse(Path("/show/C#/shot.1001") / pattern)
    assert sequence.path(frame) == Path("/show/C#/shot.1001") / name
    assert sequence.declared == declared
    assert str(sequence) == f"/show/C#/shot.1001/{pattern}"
    assert sequence.is_still == (name == pattern and declared is None)


@given(
    prefix=st.from_regex(r"[A-Za-z][A-Za-z_]{0,5}[._]", fullmatch=True),
    width=st.integers(1, 8),
    frame=st.integers(-(10**9), 10**9),
    style=st.sampled_from(("#", "@", "%", "$F")),
)
def test_a_path_parses_back_to_its_frame(prefix, width, frame, style):
    token = {"#": "#" * width, "@": "@" * width, "%": f"%0{width}d", "$F": f"$F{width}"}[style]
    path = Sequence.parse(f"/a/{prefix}{token}.exr").path(frame)
    number = path.name.removeprefix(prefix).removesuffix(".exr")
    assert int(number) == frame
    assert len(number) == max(width, len(str(frame)))
    if prefix.endswith("."):
        again = Sequence.parse(path)
        assert again.declared == (frame,)
        assert again.path(frame) == path


def test_variables_and_home_are_expanded(monkeypatch):
    monkeypatch.setenv("SHOW", "/shows/demo")
    monkeypatch.setenv("F4", "wrong")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    monkeypatch.delenv("NOT_SET", raising=False)
    assert Sequence.parse("$SHOW/${SHOW}x/plate.$F4.exr").path(7) == Path("/shows/demo//shows/demox/plate.0007.exr")
    assert Sequence.parse("~/plate.####.exr").path(7) == Path("/home/ada/plate.0007.exr")
    assert Sequence.parse("/$NOT_SET/plate.####.exr").path(7) == Path("/$NOT_SET/plate.0007.exr")


@pytest.mark.parametrize("pattern", ["", "/show/", "/show/####/plate.####.exr"])
def test_bad_patterns(pattern):
    with pytest.raises(UsageError) as caught:
        Sequence.parse(pattern)
    assert caught.value.code == "bad-pattern"


def test_frames_on_disk(tmp_path):
    names = "p.1002.exr p.1001.exr p.-003.exr p.12345.exr p.01003.exr p.1004.exr.tmp p.1005.dpx xp.1006.exr p.7.exr"
    for name in names.split():
        (tmp_path / name).touch()
    assert Sequence.parse(tmp_path / "p.####.exr").on_disk() == (-3, 1001, 1002, 12345)
    assert Sequence.parse(tmp_path / "p.%d.exr").on_disk() == (7, 1001, 1002, 12345)
    assert Sequence.parse(tmp_path / "p.1002-1010####.exr").on_disk() == (1002,)
    assert Sequence.parse(tmp_path / "nowhere/p.####.exr").on_disk() == ()
    wanted = (1003, 1001, 1004)
    assert missing_frames(wanted, Sequence.parse(tmp_path / "p.####.exr")) == (1003, 1004)
    (tmp_path / "still.exr").touch()
    assert missing_frames(wanted, Sequence.parse(tmp_path / "still.exr")) == ()
    assert missing_frames(wanted, Sequence.parse(tmp_path / "none.exr")) == wanted
    assert Sequence.parse(tmp_path / "still.exr").on_disk() == ()


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1001-1006x2", (1001, 1003, 1005)),
        ("1005,1001,1003-1005", (1005, 1001, 1003, 1004)),
        ("3-1", (3, 2, 1)),
        ("-2-1", (-2, -1, 0, 1)),
        ("7", (7,)),
        (" 1 - 3 , 9", (1, 2, 3, 9)),
    ],
)
def test_frame_ranges(text, frames):
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    "text", ["", "abc", "1-", "1.5", "1-10x0", "1e9", "1-99999999999", "1001 1005", "1,,2", ",1", "1,", "1-2-3"]
)
def test_rubbish_is_no_frame_range(text):
    with pytest.raises(UsageError) as caught:
        parse_frames(text)
    assert caught.value.code == "bad-frames"
    assert text in str(caught.value)


def test_same_target(tmp_path):
    plate = Sequence.parse(tmp_path / "plate.####.exr")
    for frame in (1001, 1002):
        plate.path(frame).touch()

    def same(pattern, frames=(1001, 1002)):
        return same_target(plate, Sequence.parse(pattern), frames)

    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "comp.1002.exr").symlink_to(tmp_path / "plate.1002.exr")
    (tmp_path / "out" / "hard.1002.exr").hardlink_to(tmp_path / "plate.1002.exr")
    assert same(tmp_path / "out" / "hard.####.exr")
    assert same(tmp_path / "plate.%d.exr")
    assert same(tmp_path / "link" / "plate.####.exr")
    assert same(tmp_path / "out" / ".." / "plate.####.exr")
    assert same(tmp_path / "PLATE.####.exr")
    assert same(tmp_path / "out" / "comp.####.exr")
    assert same(tmp_path / "plate.1002.exr")
    assert not same(tmp_path / "out" / "comp.####.exr", (1001,))
    assert not same(tmp_path / "element.####.exr")
