"""The command line: renders, refusals, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from faceplate.cli.main import run
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder, person
from faceplate.demo.plate import make_plate
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.shot.parameters import PARAMETERS
from plates import read_file, write_plate


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames of the demo plate."""
    folder = tmp_path_factory.mktemp("plate")
    make_plate(folder, frames=2)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, color: ColorConfig) -> Path:
    """A folder with small plates: p.1001–1004, one of them damaged on request by a test."""
    folder = tmp_path_factory.mktemp("small")
    frame = read_still(people_folder() / "ada" / "front.jpg", color)
    matrix = np.array([[0.3, 0, 0], [0, 0.3, 0]], np.float64)
    pixels = resample(frame.working(), frame.window, matrix, Window(0, 0, 307, 307))
    for number in range(1001, 1005):
        write_plate(folder / f"p.{number}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        run([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    """The one line of a refusal."""
    got, _, err = call(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("faceplate: ")]
    assert got == code, err
    assert lines and "Traceback" not in err
    return lines[0]


def test_renders_a_range_and_says_where(plates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    code, out, err = call(
        capsys, "render", plates / "plate.####.exr", "-s", person("bea"), "-o", tmp_path / "new" / "swap.%04d.exr",
        "--frames", "1001-1002", "--contact-sheet", sheet,
    )  # fmt: skip
    assert code == 0, err
    assert "2 frames" in out and "fps" in err and "2/2" in err
    for frame in (1001, 1002):
        pixels, spec = read_file(tmp_path / "new" / f"swap.{frame}.exr")
        assert spec.channelnames == ("R", "G", "B", "A", "matte") and pixels[..., 3].max() == 1
        plate = read_file(plates / f"plate.{frame}.exr")[1]
        for name in ("smpte:TimeCode", "chromaticities", "colorInteropID"):
            assert spec.getattribute(name) == plate.getattribute(name)
        assert (spec.full_width, spec.full_height) == (plate.full_width, plate.full_height)
    assert sheet.read_bytes()[:4] == b"\x89PNG"
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == [".faceplate", "swap.1001.exr", "swap.1002.exr", "swap.manifest.json", "swap.track.json"]


@pytest.mark.parametrize("pattern", ["p.####.exr", "p.@@@@.exr", "p.%04d.exr", "p.$F4.exr", "p.1001-1003.exr"])
def test_patterns_and_frames(pattern: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(
        capsys, "render", small / pattern, "-o", tmp_path / "o.####.exr", "--generator", "null", "-f", "1001-1003x2",
        "--no-track",
    )  # fmt: skip
    assert code == 0, err
    assert sorted(path.name for path in tmp_path.glob("*.exr")) == ["o.1001.exr", "o.1003.exr"]


def test_a_failed_frame_does_not_cost_the_others(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1001, 1003, 1004):
        (tmp_path / f"p.{number}.exr").write_bytes((small / f"p.{number}.exr").read_bytes())
    whole = (small / "p.1002.exr").read_bytes()
    (tmp_path / "p.1002.exr").write_bytes(whole[: len(whole) // 2])
    code, _, err = call(capsys, "render", tmp_path / "p.####.exr", "-o", tmp_path / "o.####.exr", "--generator", "null")
    assert code == 1
    assert "frame 1002: p.1002.exr" in err.replace(str(tmp_path) + "/", "") and "1 of 4 frames failed" in err
    assert sorted(path.name for path in tmp_path.glob("o.*.exr")) == ["o.1001.exr", "o.1003.exr", "o.1004.exr"]


BAD = [
    (2, "no frame of", ("{small}/none.####.exr", "-o", "{out}", "--generator", "null")),
    (2, "acescg", ("{plate}", "-o", "{out}", "-s", "{bea}", "--space", "ACEScgg")),
    (2, "ten-twenty", ("{plate}", "-o", "{out}", "-s", "{bea}", "-f", "ten-twenty")),
    (2, "would overwrite the plate", ("{plate}", "-o", "{plate}", "-s", "{bea}")),
    (2, "holds no picture", ("{plate}", "-o", "{out}", "-s", "{empty}")),
    (2, "shows a face", ("{plate}", "-o", "{out}", "-s", "{faceless}")),
    (2, "no source at", ("{plate}", "-o", "{out}", "-s", "{small}/nobody")),
    (2, "needs a source", ("{plate}", "-o", "{out}")),
    (2, "--mode is 'both'", ("{plate}", "-o", "{out}", "-s", "{bea}", "--mode", "both")),
    (2, "matte-feather", ("{plate}", "-o", "{out}", "-s", "{bea}", "--matte-feather", "3")),
    (2, "nor a picture that exists", ("{plate}", "-o", "{out}", "-s", "{bea}", "--target", "the-tall-one")),
    (2, "--output", ("{plate}",)),
    (2, "ocio", ("{plate}", "-o", "{out}", "-s", "{bea}", "--ocio", "{small}/none.ocio")),
    (2, "whole pixels", ("{plate}", "-o", "{out}", "-s", "{bea}", "--search", "1,2,x,4")),
    (1, "cannot be made", ("{plate}", "-o", "{file}/below/o.####.exr", "--generator", "null")),
    (1, "p.9999.exr", ("{plate}", "-o", "{out}", "--generator", "null", "-f", "9999")),
    (1, "shows 1", ("{plate}", "-o", "{out}", "--generator", "null", "-f", "1001", "--target", "3")),
    (1, "is like", ("{plate}", "-o", "{out}", "--generator", "null", "-f", "1001", "--target", "{fox}")),
]


@pytest.mark.parametrize(("code", "words", "arguments"), BAD, ids=[item[1] for item in BAD])
def test_bad_input_gets_one_line(
    code: int, words: str, arguments: tuple[str, ...], small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "faceless").mkdir()
    write_plate(tmp_path / "faceless" / "wall.png", np.full((80, 80, 3), 0.5, np.float32), "uint8")
    (tmp_path / "file").write_text("not a folder")
    places = {
        "small": small, "plate": small / "p.####.exr", "out": tmp_path / "o" / "o.####.exr", "bea": person("bea"),
        "fox": person("fox") / "front.jpg", "empty": tmp_path / "empty", "faceless": tmp_path / "faceless",
        "file": tmp_path / "file",
    }  # fmt: skip
    line = refused(capsys, code, "render", *[argument.format(**places) for argument in arguments])
    assert any(word in line.lower() for word in words.lower().split("|"))
    assert not (tmp_path / "o").exists() or not any((tmp_path / "o").iterdir())


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"not a picture at all", "picture"), (None, "missing|no such|not there")]
)
def test_plates_that_are_no_pictures(
    content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "p.1001.exr").write_bytes(content)
    line = refused(
        capsys, 1, "render", tmp_path / "p.####.exr", "-o", tmp_path / "o.####.exr", "--generator", "null", "-f", "1001"
    )
    assert "p.1001.exr" in line and line.endswith(".")


def test_several_faces_must_be_chosen(tmp_path: Path, color: ColorConfig, capsys: pytest.CaptureFixture[str]) -> None:
    halves = [read_still(people_folder() / name / "front.jpg", color).working() for name in ("ada", "dot")]
    matrix = np.array([[0.3, 0, 0], [0, 0.3, 0]], np.float64)
    small = [resample(item, Window(0, 0, 1024, 1024), matrix, Window(0, 0, 307, 307)) for item in halves]
    write_plate(tmp_path / "p.1001.exr", np.concatenate(small, axis=1), "half", colorInteropID="lin_ap1_scene")
    arguments = ("render", tmp_path / "p.1001.exr", "-o", tmp_path / "o.1001.exr", "--generator", "null")
    assert "choose one with --target" in refused(capsys, 1, *arguments)
    places = []
    for target in ("leftmost", "2", person("dot") / "smile.jpg"):
        assert call(capsys, *arguments, "--target", target)[0] == 0
        places.append(read_file(tmp_path / "o.1001.exr")[1].x)
    assert places[0] < 250 < places[1] == places[2]


def test_read_only_output(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:  # root writes anywhere, so a file stands where the folder should be
        (tmp_path / "o.1001.exr").mkdir()
        target = tmp_path / "o.####.exr"
    else:
        (tmp_path / "locked").mkdir(mode=0o500)
        target = tmp_path / "locked" / "o.####.exr"
    line = refused(capsys, 1, "render", small / "p.####.exr", "-o", target, "--generator", "null", "-f", "1001")
    assert "could not be written" in line or "cannot be" in line


def test_interrupt_leaves_only_whole_files(plates: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a long range: exit code 130, and what lies under a final name can be read."""
    for number in range(1001, 1021):
        (tmp_path / f"plate.{number}.exr").symlink_to(plates / "plate.1001.exr")
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "faceplate.cli.main", "render", str(tmp_path / "plate.####.exr"), "-s",
         str(person("bea") / "front.jpg"), "-o", str(out / "o.####.exr"), "--mode", "over"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(out.glob("o.*.exr")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in err and "each is whole" in err
    beside = {"o.track.json", "o.manifest.json", ".faceplate"}
    written = [path for path in out.iterdir() if path.name not in beside]
    assert written and all(path.name.startswith("o.") for path in written)
    for path in written:
        assert np.isfinite(read_file(path)[0]).all()


def test_every_parameter_is_an_option(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = call(capsys, "render", "--help")
    assert code == 0
    for parameter in PARAMETERS:
        assert f"--{parameter.name.replace('_', '-')}" in out
        assert parameter.about.help.split(",")[0].split(";")[0].split(":")[0][:25] in " ".join(out.split())


def test_quiet_start(small: Path, tmp_path: Path) -> None:
    """ONNX Runtime and OpenCV say nothing of their own, GPU or not."""
    done = subprocess.run(
        [sys.executable, "-m", "faceplate.cli.main", "render", str(small / "p.1001.exr"), "-o",
         str(tmp_path / "o.1001.exr"), "-s", str(person("bea") / "front.jpg")],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert all(line.startswith(("render", "1 frame:", "source:", "frame 1001:")) for line in lines), lines


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--version")
    assert code == 0 and out.startswith("faceplate ")
