"""Tracking before the first frame of a range, and the track that is kept beside the output."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from commands import command, hashes, refused, render_null
from faceplate.demo.plate import PATTERN
from faceplate.plate import Sequence as PlateSequence
from faceplate.track import Track, auto_track_path
from faceplate.track.follower import FaceFollower
from plates import read_file


@pytest.fixture
def tracked_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames that the tracker looked at."""
    seen: list[int] = []
    for name in ("first", "step"):
        plain = getattr(FaceFollower, name)

        def counted(self: FaceFollower, *rest: object, plain=plain) -> object:
            seen.append(next(item for item in rest if isinstance(item, int)))
            return plain(self, *rest)

        monkeypatch.setattr(FaceFollower, name, counted)
    return seen


def test_a_range_is_tracked_first_once_and_whole(
    walking_frames: Path, tmp_path: Path, tracked_frames: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    render_null(walking_frames, tmp_path / "a", "-f", "1002-1003")
    kept = tmp_path / "a" / "swap.track.json"
    assert sorted(set(tracked_frames)) == list(range(1001, 1005)) and str(kept) in capsys.readouterr().err.replace(
        "\n", ""
    )
    two = hashes(tmp_path / "a")
    before = kept.read_bytes()
    tracked_frames.clear()
    render_null(walking_frames, tmp_path / "a")
    assert tracked_frames == [] and kept.read_bytes() == before and "kept as" not in capsys.readouterr().err
    whole = hashes(tmp_path / "a")
    assert len(whole) == 4 and all(whole[name] == digest for name, digest in two.items())
    render_null(walking_frames, tmp_path / "b", "--track", kept)
    assert hashes(tmp_path / "b") == whole and not (tmp_path / "b" / "swap.track.json").exists()
    (tmp_path / "a" / "swap.1004.exr").unlink()
    render_null(walking_frames, tmp_path / "a", "-f", "1004")
    assert hashes(tmp_path / "a") == whole


def test_a_frame_alone_and_no_track_look_at_each_frame(
    walking_frames: Path, tmp_path: Path, tracked_frames: list[int]
) -> None:
    render_null(walking_frames, tmp_path, "-f", "1004")
    alone = hashes(tmp_path)
    render_null(walking_frames, tmp_path, "--no-track", "-f", "1003-1004")
    assert tracked_frames == [] and [path.name for path in tmp_path.glob("*.json")] == ["swap.manifest.json"]
    assert hashes(tmp_path)["swap.1004.exr"] == alone["swap.1004.exr"]


def test_a_kept_track_goes_with_its_plate_and_its_corrections_stay(
    walking_frames: Path, tmp_path: Path, tracked_frames: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    plate = Path(shutil.copytree(walking_frames, tmp_path / "plate"))
    render_null(plate, tmp_path)
    kept = tmp_path / "swap.track.json"
    command("tracks", "rename", kept, "1", "Eve")
    command("tracks", "span", kept, "Eve", "1002-1003")
    tracked_frames.clear()
    render_null(plate, tmp_path, "--target", "Eve")
    assert tracked_frames == []
    assert not read_file(tmp_path / "swap.1001.exr")[0].any() and read_file(tmp_path / "swap.1003.exr")[0].any()
    os.utime(plate / "plate.1004.exr", ns=(1, 1))
    render_null(plate, tmp_path, "--target", "Eve")
    assert set(tracked_frames) == set(range(1001, 1005))
    assert Track.load(kept).people[0].name == "Eve" and Track.load(kept).sidecar.corrections.spans
    tracked_frames.clear()
    render_null(plate, tmp_path, "--search", "40,0,400,270")
    assert set(tracked_frames) == set(range(1001, 1005))
    kept.write_text('{"faceplate_track": 2}')
    line = refused(capsys, "render", plate / PATTERN, "--generator", "null", "-o", tmp_path / "swap.####.exr")
    assert "swap.track.json" in line and "move it away" in line
    assert kept.read_text() == '{"faceplate_track": 2}'


def test_a_frame_outside_the_track_is_told(
    walking_frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("track", walking_frames / PATTERN, "-o", tmp_path / "t.json", "-f", "1001-1002")
    options = ("--generator", "null", "--track", tmp_path / "t.json", "-f", "1004")
    line = refused(capsys, "render", walking_frames / PATTERN, *options, "-o", tmp_path / "s.####.exr")
    assert "Frame 1004 is not in the track (1001-1002)" in line


@pytest.mark.parametrize(
    ("output", "name"),
    [("swap.####.exr", "swap.track.json"), ("####.exr", "track.json"), ("s_%04d.exr", "s.track.json")],
)
def test_the_kept_track_is_named_after_the_output(output: str, name: str, tmp_path: Path) -> None:
    assert auto_track_path(PlateSequence.parse(tmp_path / output)) == tmp_path / name
