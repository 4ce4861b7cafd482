"""Renders with a track: the same files in any order, chunk and number of processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commands import ALL, chunks, command, hashes, listed, process
from faceplate.demo import person
from faceplate.demo.plate import PATTERN, make_plate
from faceplate.face import FaceFinder
from faceplate.render import plate_grain
from track_plates import path_matrix, performed, warped, write_frames

LONG = pytest.mark.skipif(not os.environ.get("FACEPLATE_LONG"), reason="minutes long: set FACEPLATE_LONG=1")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo performance on a small plate, 24 frames, with its track and a source of one picture."""
    folder = tmp_path_factory.mktemp("small")
    place = path_matrix(0, "still", 320, 180, 0.17)
    write_frames(folder, len(ALL), lambda i: warped(performed(i), place, 320, 180))
    shutil.copy(person("bea") / "front.jpg", folder / "bea.jpg")
    command("track", folder / PATTERN, "-o", folder / "shot.track.json")
    return folder


def same_in_every_way(folder: Path, source: Path, out: Path, ways: dict[str, list[tuple[int, ...]]]) -> None:
    """Renders forward in one process, then each of `ways` (chunks by name), and compares whole files.

    The command renders a way's chunks in four processes at a time where the name says so, else one after the other.
    """

    def render(name: str, frames: Sequence[int], call: Callable[..., None]) -> None:
        options = ("-s", source, "--track", folder / "shot.track.json", "--layers", "all")
        call("render", folder / PATTERN, *options, "-o", out / name / "swap.####.exr", "-f", listed(frames))

    render("forward", ALL, process)
    truth = hashes(out / "forward")
    assert len(truth) == len(ALL) and len(set(truth.values())) == len(ALL)
    for name, parts in ways.items():
        if "4 processes" in name:
            with ThreadPoolExecutor(4) as four:
                list(four.map(lambda frames, name=name: render(name, frames, process), parts))
        else:
            for frames in parts:
                render(name, frames, command)
        found = hashes(out / name)
        print(f"{name}: {sum(digest == truth[key] for key, digest in found.items())} of {len(found)} files identical")
        assert set(found) == {f"swap.{frame}.exr" for frames in parts for frame in frames}
        assert all(digest == truth[key] for key, digest in found.items()), name


def test_files_are_the_same_in_any_order_chunk_and_number_of_processes(small: Path, tmp_path: Path) -> None:
    ways = {
        "chunks of 5, each backward, 4 processes": [frames[::-1] for frames in chunks(5)],
        "chunks of 1": chunks(1)[3::7],
        "every fourth frame, backward": [ALL[::-4]],
    }
    same_in_every_way(small, small / "bea.jpg", tmp_path, ways)


@LONG
@pytest.mark.timeout(3000)
def test_files_are_the_same_at_full_size(tmp_path: Path) -> None:
    make_plate(tmp_path)
    source = Path(shutil.copytree(person("bea"), tmp_path / "bea"))
    command("track", tmp_path / PATTERN, "-o", tmp_path / "shot.track.json")
    ways = {
        "backward": [ALL[::-1]],
        "chunks of 5": chunks(5),
        "chunks of 5, 4 processes": chunks(5)[::-1],
        "chunks of 1, 4 processes": chunks(1),
    }
    same_in_every_way(tmp_path, source, tmp_path / "out", ways)


def test_with_a_track_nothing_is_searched_and_nothing_measured_again(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("looked or measured again")

    monkeypatch.setattr(FaceFinder, "find", never)
    monkeypatch.setattr(FaceFinder, "landmark_region", never)
    monkeypatch.setattr(plate_grain, "measure_grain", never)
    track = small / "shot.track.json"
    output = tmp_path / "swap.####.exr"
    command("render", small / PATTERN, "--generator", "null", "--track", track, "-o", output, "-f", "1005")
    assert (tmp_path / "swap.1005.exr").exists()
