"""Tracks and renders through the real command: the same files in any order, chunk and process; a range tracked first;
the grain that a track keeps; the person that `--target` means."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceplate.cli.main import run
from faceplate.comp.grain import Grain, measure_grain
from faceplate.demo import person
from faceplate.demo.plate import PATTERN, make_plate
from faceplate.face import FaceFinder
from faceplate.plate import Sequence as PlateSequence
from faceplate.render import stages
from faceplate.track import Track, auto_track_path, track_shot
from faceplate.track.analyse import Analyser
from faceplate.track.grain import grain_at, grain_models, pack_grain, unpack_grain
from plates import read_file
from track_plates import FLOOR, GRAIN, background, over, path_matrix, performed, portrait, shoot, warped

LONG = pytest.mark.skipif(not os.environ.get("FACEPLATE_LONG"), reason="minutes long: set FACEPLATE_LONG=1")
ALL = tuple(range(1001, 1025))


def command(*arguments: object) -> None:
    """The command in this process."""
    with pytest.raises(SystemExit) as left:
        run([str(argument) for argument in arguments])
    assert not left.value.code


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as left:
        run([str(argument) for argument in arguments])
    assert left.value.code
    return next(line for line in capsys.readouterr().err.splitlines() if line.startswith("faceplate: "))


def process(*arguments: object) -> None:
    """The command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "faceplate.cli.main", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def listed(frames: Sequence[int]) -> str:
    return ",".join(map(str, frames))


def chunks(size: int) -> list[tuple[int, ...]]:
    return [ALL[k : k + size] for k in range(0, len(ALL), size)]


def hashes(folder: Path) -> dict[str, str]:
    """Whole files: pixels and headers. Nothing in them tells the time."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.exr"))}


# Any frame, alone ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo performance on a small plate, 24 frames, with its track and a source of one picture."""
    folder = tmp_path_factory.mktemp("small")
    place = path_matrix(0, "still", 320, 180, 0.17)
    shoot(folder, len(ALL), lambda i: warped(performed(i), place, 320, 180))
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
    monkeypatch.setattr(FaceFinder, "_pass", never)
    monkeypatch.setattr(stages, "measure_grain", never)
    track = small / "shot.track.json"
    output = tmp_path / "swap.####.exr"
    command("render", small / PATTERN, "--generator", "null", "--track", track, "-o", output, "-f", "1005")
    assert (tmp_path / "swap.1005.exr").exists()


# A range without a track -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of one who moves."""
    folder = tmp_path_factory.mktemp("walk")
    wall = background(480, 270, 3)
    shoot(folder, 4, lambda i: over(wall, portrait("eve"), (180 + 5 * i, 135), 220))
    return folder


def null(folder: Path, output: Path, *more: object) -> None:
    command(
        "render", folder / PATTERN, "--generator", "null", "--layers", "parts", "-o", output / "swap.####.exr", *more
    )


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames that the tracker looked at."""
    seen: list[int] = []
    for name in ("first", "step"):
        plain = getattr(Analyser, name)

        def counted(self: Analyser, *rest: object, plain=plain) -> object:
            seen.append(next(item for item in rest if isinstance(item, int)))
            return plain(self, *rest)

        monkeypatch.setattr(Analyser, name, counted)
    return seen


def test_a_range_is_tracked_first_once_and_whole(
    walk: Path, tmp_path: Path, looks: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    null(walk, tmp_path / "a", "-f", "1002-1003")
    kept = tmp_path / "a" / "swap.track.json"
    assert sorted(set(looks)) == list(range(1001, 1005)) and str(kept) in capsys.readouterr().err.replace("\n", "")
    two = hashes(tmp_path / "a")
    before = kept.read_bytes()
    looks.clear()
    null(walk, tmp_path / "a")
    assert looks == [] and kept.read_bytes() == before and "kept as" not in capsys.readouterr().err
    whole = hashes(tmp_path / "a")
    assert len(whole) == 4 and all(whole[name] == digest for name, digest in two.items())
    null(walk, tmp_path / "b", "--track", kept)
    assert hashes(tmp_path / "b") == whole and not (tmp_path / "b" / "swap.track.json").exists()
    (tmp_path / "a" / "swap.1004.exr").unlink()
    null(walk, tmp_path / "a", "-f", "1004")
    assert hashes(tmp_path / "a") == whole


def test_a_frame_alone_and_no_track_look_at_each_frame(walk: Path, tmp_path: Path, looks: list[int]) -> None:
    null(walk, tmp_path, "-f", "1004")
    alone = hashes(tmp_path)
    null(walk, tmp_path, "--no-track", "-f", "1003-1004")
    assert looks == [] and [path.name for path in tmp_path.glob("*.json")] == ["swap.manifest.json"]
    assert hashes(tmp_path)["swap.1004.exr"] == alone["swap.1004.exr"]


def test_a_kept_track_goes_with_its_plate_and_its_corrections_stay(
    walk: Path, tmp_path: Path, looks: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    plate = Path(shutil.copytree(walk, tmp_path / "plate"))
    null(plate, tmp_path)
    kept = tmp_path / "swap.track.json"
    command("tracks", "rename", kept, "1", "Eve")
    command("tracks", "span", kept, "Eve", "1002-1003")
    looks.clear()
    null(plate, tmp_path, "--target", "Eve")
    assert looks == []
    assert not read_file(tmp_path / "swap.1001.exr")[0].any() and read_file(tmp_path / "swap.1003.exr")[0].any()
    os.utime(plate / "plate.1004.exr", ns=(1, 1))
    null(plate, tmp_path, "--target", "Eve")
    assert set(looks) == set(range(1001, 1005))
    assert Track.load(kept).people[0].name == "Eve" and Track.load(kept).sidecar.corrections.spans
    looks.clear()
    null(plate, tmp_path, "--search", "40,0,400,270")
    assert set(looks) == set(range(1001, 1005))
    kept.write_text('{"faceplate_track": 2}')
    line = refused(capsys, "render", plate / PATTERN, "--generator", "null", "-o", tmp_path / "swap.####.exr")
    assert "swap.track.json" in line and "move it away" in line
    assert kept.read_text() == '{"faceplate_track": 2}'


def test_a_frame_outside_the_track_is_told(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("track", walk / PATTERN, "-o", tmp_path / "t.json", "-f", "1001-1002")
    options = ("--generator", "null", "--track", tmp_path / "t.json", "-f", "1004")
    line = refused(capsys, "render", walk / PATTERN, *options, "-o", tmp_path / "s.####.exr")
    assert "Frame 1004 is not in the track (1001-1002)" in line


@pytest.mark.parametrize(
    ("output", "name"),
    [("swap.####.exr", "swap.track.json"), ("####.exr", "track.json"), ("s_%04d.exr", "s.track.json")],
)
def test_the_kept_track_is_named_after_the_output(output: str, name: str, tmp_path: Path) -> None:
    assert auto_track_path(PlateSequence.parse(tmp_path / output)) == tmp_path / name


# Grain -----------------------------------------------------------------------------------------------------------------


def grain_of(factor: float) -> Grain:
    return Grain(
        GRAIN.astype(np.float64) * factor, np.full(3, FLOOR) * factor, Grain.none().kernel, np.eye(3, dtype=np.float32)
    )


def test_a_track_keeps_the_grain_of_its_plate(tmp_path: Path) -> None:
    wall = background(640, 360, 3)
    plate = shoot(tmp_path, 3, lambda i: over(wall, portrait("bea"), (320, 180), 300), strength=4.0)
    track = track_shot(plate, tmp_path / "t.json")
    assert track.sidecar.plate.working == "ACEScg"
    grain = track.grain(1002)
    assert grain is not None
    signal = np.array([[[0.05] * 3, [0.2] * 3]], np.float32)
    truth = 4 * (signal * GRAIN + FLOOR)
    assert np.allclose(grain.variance(signal), truth, rtol=0.25)
    assert track.grain(999) is None
    again = Track.load(tmp_path / "t.json").grain(1002)
    assert again is not None and np.array_equal(again.kernel, grain.kernel) and np.array_equal(again.slope, grain.slope)


def test_views_have_their_own_grain_and_what_varies_is_followed() -> None:
    steady = [(frame, 0.2, grain_of(1 + 0.05 * (-1) ** frame)) for frame in range(1001, 1100, 12)]
    fading = [(frame, 0.2, grain_of(8 * 2.0 ** ((frame - 1100) / 24))) for frame in range(1100, 1200, 12)]
    first, second = grain_models(steady + fading, (1100,), 1001, 1199)
    assert (first.first, first.last, second.first, second.last) == (1001, 1099, 1100, 1199)
    assert first.amounts == () and np.allclose(first.slope, GRAIN, rtol=0.06)
    for frame in (1112, 1136, 1160, 1180):
        found = grain_at((first, second), frame)
        assert found is not None
        assert np.allclose(found.slope, GRAIN * 8 * 2.0 ** ((frame - 1100) / 24), rtol=0.08)


def test_a_sample_survives_the_work_file() -> None:
    noise = np.random.default_rng(2).standard_normal((96, 96, 3)).astype(np.float32)
    grain = measure_grain(0.2 + 0.01 * cv2.GaussianBlur(noise, (0, 0), 0.6), np.ones((96, 96), bool))
    back = unpack_grain(json.loads(json.dumps(pack_grain(grain))))
    for name in ("slope", "floor", "kernel", "mixing"):
        assert np.array_equal(getattr(back, name), getattr(grain, name)) and not grain.empty
        assert getattr(back, name).dtype == getattr(grain, name).dtype


def test_a_track_of_version_1_is_read_and_its_grain_measured_on_the_fly(walk: Path, tmp_path: Path) -> None:
    track = track_shot(str(walk / PATTERN), tmp_path / "t.json")
    item = json.loads((tmp_path / "t.json").read_text())
    item["faceplate_track"] = 1
    del item["grain"], item["plate"]["working"], item["plate"]["search"], item["plate"]["state"]
    (tmp_path / "old.json").write_text(json.dumps(item))
    old = Track.load(tmp_path / "old.json")
    assert old.grain(1002) is None and track.grain(1002) is not None
    assert old.sidecar.people == track.sidecar.people
    null(walk, tmp_path / "old", "--track", tmp_path / "old.json", "-f", "1002")
    old.rename("p1", "Eve").save()
    assert json.loads((tmp_path / "old.json").read_text())["faceplate_track"] == 2


# The person that is meant ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def couple(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames: ada left, eve right; the track calls eve Eve."""
    folder = tmp_path_factory.mktemp("couple")
    wall = background(640, 360, 5)
    both = over(over(wall, portrait("ada"), (190, 180), 290), portrait("eve"), (450, 180), 290)
    shoot(folder, 2, lambda i: both)
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
def test_the_target_is_chosen_in_a_track(target: str, place: float, couple: Path, tmp_path: Path) -> None:
    options = ("--generator", "null", "--track", couple / "t.json", "-f", "1002", "--target", target)
    command("render", couple / PATTERN, *options, "-o", tmp_path / "s.####.exr")
    assert middle(tmp_path / "s.1002.exr") == pytest.approx(place, abs=20)


@pytest.mark.parametrize(("target", "place"), [("2", 450), ("1002:200,100", 190)])
def test_the_target_is_chosen_in_a_frame_alone(target: str, place: float, couple: Path, tmp_path: Path) -> None:
    options = ("--generator", "null", "-f", "1002", "--target", target)
    command("render", couple / PATTERN, *options, "-o", tmp_path / "s.####.exr")
    assert middle(tmp_path / "s.1002.exr") == pytest.approx(place, abs=20)


def test_targets_that_nobody_is_are_told(couple: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, words in (
        (("-f", "1002", "--target", "1001:200,100"), "only a track knows"),
        (("-f", "1002", "--target", "Eve"), "a name needs a track"),
        (("--track", couple / "t.json", "--target", "3"), "the track holds 2"),
        (("--track", couple / "t.json"), "choose one by number, name"),
        (("--track", couple / "t.json", "--target", person("cal") / "front.jpg"), "Nobody in the track is like"),
    ):
        asked = ("render", couple / PATTERN, "--generator", "null", "-o", tmp_path / "s.####.exr", *options)
        assert words in refused(capsys, *asked)
    assert not list(tmp_path.glob("*.exr"))
