"""`faceplate shot`, and `faceplate render` of a shot file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceplate.cli.main import run
from faceplate.color import ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder, person
from faceplate.face.align import resample
from faceplate.image.window import Window
from faceplate.shot import explain
from plates import read_file, write_plate


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        run([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


@pytest.fixture
def shot_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "sh010.shot.json"
    code, out, _ = call(capsys, "shot", "new", path, "plate=p.####.exr", "frames=1001", "grain=0.5", "multipart=true")
    assert (code, out.strip()) == (0, str(path))
    return path


def test_new_set_key_take_and_diff(shot_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = shot_file.with_name("other.shot.json")
    other.write_bytes(shot_file.read_bytes())
    for arguments in (
        ("set", shot_file, "grain=0.7", "source=people/bea", "multipart="),
        ("set", shot_file, "mouth=plate", "-f", "1003-1004", "--note", "teeth"),
        ("key", shot_file, "shape", "1001", "0.25", "-i", "smooth"),
        ("key", shot_file, "shape", "1010", "1"),
        ("key", shot_file, "shape", "1010", "--remove"),
        ("take", shot_file, "--note", "first"),
    ):
        code, _, err = call(capsys, "shot", *arguments)
        assert code == 0, err
    document = json.loads(call(capsys, "shot", "show", shot_file)[1])
    assert document["frames"] == "1001" and document["source"] == "people/bea" and "multipart" not in document
    assert document["parameters"] == {"shape": {"keys": [[1001, 0.25, "smooth"]]}, "grain": 0.7}
    assert document["overrides"] == [{"frames": "1003-1004", "parameters": {"mouth": "plate"}, "note": "teeth"}]
    code, out, _ = call(capsys, "shot", "diff", other, shot_file)
    assert code == 1 and "parameters.grain: 0.5 → 0.7" in out and "source: – → people/bea" in out
    assert call(capsys, "shot", "diff", shot_file, shot_file) == (0, "", "")
    assert "first" in call(capsys, "shot", "take", shot_file, "--list")[1]
    call(capsys, "shot", "set", shot_file, "grain=0.1")
    call(capsys, "shot", "take", shot_file, "--restore", "1")
    assert json.loads(call(capsys, "shot", "show", shot_file)[1])["parameters"]["grain"] == 0.7


def test_explain_prints_every_key_and_where_it_comes_from(shot_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shot_file.parent / "faceplate.show.json").write_text(
        '{"faceplate_show": 1, "root": true, "defaults": {"parameters": {"matte_feather": 0.1}}}', encoding="utf-8"
    )
    code, out, _ = call(capsys, "shot", "show", "--explain", shot_file)
    assert code == 0 and len(out.splitlines()) == len(explain(shot_file))
    line = next(line for line in out.splitlines() if line.startswith("parameters.matte_feather"))
    assert line.split()[1] == "0.1" and line.endswith("faceplate.show.json")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "absent.shot.json"), "cannot be read"),
        (("new", "{file}", "plate=x"), "is there already"),
        (("new", "x.json", "plate=x"), "end it in .shot.json"),
        (("set", "{file}", "grain=7"), "field parameters.grain"),
        (("set", "{file}", "grian=1"), "no key or parameter 'grian'"),
        (("set", "{file}", "grain"), "write key=value"),
        (("key", "{file}", "keep_regions", "1001", "1"), "cannot be keyed"),
        (("key", "{file}", "grain", "1001"), "--remove"),
        (("key", "{file}", "grain", "1001", "1", "-i", "bezier"), "hold, linear or smooth"),
        (("take", "{file}", "--restore", "4"), "no take 4"),
    ],
)
def test_refusals_are_one_line_and_leave_the_file(
    arguments: tuple[str, ...], says: str, shot_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shot_file.read_bytes()
    code, out, err = call(capsys, "shot", *(word.format(file=shot_file) for word in arguments))
    assert code == 2 and out == "" and says in err and len(err.strip().splitlines()) == 1
    assert shot_file.read_bytes() == before and len(list(shot_file.parent.iterdir())) == 1


def test_a_shot_file_renders_and_the_command_line_counts_first(
    tmp_path: Path, color: ColorConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = read_still(people_folder() / "ada" / "front.jpg", color)
    matrix = np.array([[0.25, 0, 0], [0, 0.25, 0]], np.float64)
    pixels = resample(frame.working(), frame.window, matrix, Window(0, 0, 256, 256))
    for number in (1001, 1002):
        write_plate(tmp_path / f"p.{number}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    monkeypatch.setenv("FACEPLATE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a.shot.json"
    call(
        capsys,
        "shot",
        "new",
        path,
        "plate=p.####.exr",
        f"source={person('bea')}",
        "output=o/a.####.exr",
        "frames=1002",
        "grain=0.5",
    )
    code, out, err = call(capsys, "render", path)
    assert code == 0 and "1 frame: " in out, err
    made = read_file(tmp_path / "o" / "a.1002.exr")[1]
    assert json.loads(made.getattribute("faceplate:parameters"))["grain"] == 0.5
    code, _, err = call(
        capsys,
        "render",
        path,
        "--grain",
        "1.0",
        "-f",
        "1001",
        "--mode",
        "over",
        "-o",
        tmp_path / "b.####.exr",
        "--no-track",
    )
    assert code == 0, err
    made = read_file(tmp_path / "b.1001.exr")[1]
    values = json.loads(made.getattribute("faceplate:parameters"))
    assert values["grain"] == 1.0, "an option at its default value, given, counts before the file"
    assert (made.width, made.height) == (256, 256)
    assert not (tmp_path / "o" / "a.1001.exr").exists()
    call(capsys, "shot", "set", path, "output=")
    code, _, err = call(capsys, "render", path)
    assert code == 2 and "names no output" in err
    assert call(capsys, "cache")[1].startswith(f"{tmp_path / 'cache'}: ") and list((tmp_path / "cache").glob("??/*"))
    assert ": 0 of " in call(capsys, "cache", "--clear")[1] and not list((tmp_path / "cache").glob("??/*"))
