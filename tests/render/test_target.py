"""The choice of the person to replace, with a track and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from commands import command, refused
from faceplate.demo import person
from faceplate.demo.plate import PATTERN
from plates import read_file
from track_plates import background, over, portrait, write_frames


@pytest.fixture(scope="module")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames: ada left, eve right; the track calls eve Eve."""
    folder = tmp_path_factory.mktemp("couple")
    wall = background(640, 360, 5)
    both = over(over(wall, portrait("ada"), (190, 180), 290), portrait("eve"), (450, 180), 290)
    write_frames(folder, 2, lambda i: both)
    command("track", folder / PATTERN, "-o", folder / "t.json")
    command("tracks", "rename", folder / "t.json", "1002:450,180", "Eve")
    return folder


def middle(path: Path) -> float:
    """Where the element lies across the plate."""
    pixels, spec = read_file(path)
    return float(spec.x + np.flatnonzero(pixels[..., 3].any(axis=0)).mean())


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("1", 190), ("Eve", 450), ("1001:200,100", 190), ("460,300", 450), (str(person("eve") / "left.jpg"), 450),
    ],
)  # fmt: skip
def test_the_target_is_chosen_in_a_track(target: str, place: float, two_people: Path, tmp_path: Path) -> None:
    options = ("--generator", "null", "--track", two_people / "t.json", "-f", "1002", "--target", target)
    command("render", two_people / PATTERN, *options, "-o", tmp_path / "s.####.exr")
    assert middle(tmp_path / "s.1002.exr") == pytest.approx(place, abs=20)


@pytest.mark.parametrize(("target", "place"), [("2", 450), ("1002:200,100", 190)])
def test_the_target_is_chosen_in_a_frame_alone(target: str, place: float, two_people: Path, tmp_path: Path) -> None:
    options = ("--generator", "null", "-f", "1002", "--target", target)
    command("render", two_people / PATTERN, *options, "-o", tmp_path / "s.####.exr")
    assert middle(tmp_path / "s.1002.exr") == pytest.approx(place, abs=20)


def test_targets_that_nobody_is_are_told(two_people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, words in (
        (("-f", "1002", "--target", "1001:200,100"), "give a track with --track"),
        (("-f", "1002", "--target", "Eve"), "a name needs a track"),
        (("--track", two_people / "t.json", "--target", "3"), "the track holds 2"),
        (("--track", two_people / "t.json"), "choose one by number, name"),
        (("--track", two_people / "t.json", "--target", person("cal") / "front.jpg"), "No person of the track is like"),
    ):
        asked = ("render", two_people / PATTERN, "--generator", "null", "-o", tmp_path / "s.####.exr", *options)
        assert words in refused(capsys, *asked)
    assert not list(tmp_path.glob("*.exr"))
