"""A path that the system refuses is one sentence with the right exit code, for every option and key that names a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faceplate.cli import main
from plates import write_plate

LONG, NULL = "x" * 100_000, "nul\0l"

pytestmark = pytest.mark.usefixtures("nobody_found")


@pytest.fixture
def plate(tmp_path: Path) -> str:
    pixels = np.full((32, 32, 3), 0.2, np.float32)
    write_plate(tmp_path / "p.1001.exr", pixels, colorInteropID="lin_ap1_scene")
    return str(tmp_path / "p.####.exr")


def one_sentence(capsys: pytest.CaptureFixture[str], words: list[str]) -> int:
    code = main._run(words)
    err = capsys.readouterr().err
    lines = [line for line in err.splitlines() if line.startswith("faceplate: ")]
    assert code in (1, 2) and lines and "Traceback" not in err and len(err) < 6000, err[:2000]
    return code


@pytest.mark.parametrize("path", [LONG, NULL, "folder/" * 20_000 + "x.exr"], ids=["long", "null", "deep"])
@pytest.mark.parametrize("option", ["plate", "source", "track", "ocio", "output", "holdout-matte", "target"])
def test_options(plate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, path: str) -> None:
    usual = {"output": str(tmp_path / "o.####.exr"), "generator": "null", "no-face": "pass", "occlusion": "0"}
    named = {**usual, option: path} if option != "plate" else usual
    if option == "source":
        named["generator"] = "mesh"
    words = [path if option == "plate" else plate]
    words += [word for name, value in named.items() for word in (f"--{name}", value)]
    # Mattes are read beside a face alone, so a frame without one needs none.
    if option == "holdout-matte":
        assert main._run(["render", *words]) in (0, 1, 2)
        assert "Traceback" not in capsys.readouterr().err
        return
    one_sentence(capsys, ["render", *words])


@pytest.mark.parametrize("path", [LONG, NULL], ids=["long", "null"])
def test_keys_of_a_shot_file(plate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    usual = {"faceplate_shot": 1, "plate": plate, "output": str(tmp_path / "o.####.exr")}
    for key in ("plate", "source", "track", "ocio", "output"):
        file = tmp_path / "sh010.shot.json"
        file.write_text(json.dumps({**usual, key: path}))
        assert one_sentence(capsys, ["render", str(file)]) == 2 or key == "output", key
        one_sentence(capsys, ["check", str(file)])


@pytest.mark.parametrize("path", [LONG, NULL], ids=["long", "null"])
def test_files_that_commands_read(plate: str, capsys: pytest.CaptureFixture[str], path: str) -> None:
    for words in (
        ["render", f"{path}.shot.json"],
        ["check", f"{path}.shot.json"],
        ["farm", "bundle", f"{path}.shot.json"],
        ["shot", "show", f"{path}.shot.json"],
        ["tracks", "show", path],
        ["track", path, "-o", "t.track.json"],
        ["track", plate, "-o", f"{path}/t.track.json"],
        ["stmap", path, "-o", "u.####.exr"],
    ):
        one_sentence(capsys, words)
