"""`faceplate source show`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faceplate.cli.main import app
from faceplate.demo import person


def test_show_writes_a_sheet_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "bea"
    folder.mkdir()
    for name in ("front.jpg", "left.jpg"):
        shutil.copy(person("bea") / name, folder)
    monkeypatch.chdir(tmp_path)
    app(args=["source", "show", "bea"], standalone_mode=False)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "The sheet: bea.source.jpg" and (tmp_path / "bea.source.jpg").stat().st_size > 50_000
    assert any(line.startswith("No picture shows the right side of the face") for line in said)
    app(args=["source", "show", "bea", "--out", "other.png"], standalone_mode=False)
    assert (tmp_path / "other.png").exists()
