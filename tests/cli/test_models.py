"""`faceplate models`: listing, adding and checking models from the command line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import onnx_graphs as graphs
from faceplate.cli import models as cli
from faceplate.errors import UsageError


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    arcface = graphs.recogniser(tmp_path / "arc.onnx")
    monkeypatch.setenv("FACEPLATE_MODELS", str(tmp_path / "store"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(*words: str) -> str:
        cli.app(args=list(words), standalone_mode=False)
        return capsys.readouterr().out

    said = run(
        "add",
        str(arcface),
        "--name",
        "ours",
        "--family",
        "arcface_w600k_r50",
        "--licence",
        "CC0-1.0",
        "--noncommercial",
    )
    assert said.startswith("ours: arcface_w600k_r50, CC0-1.0, not for commercial use")
    listed = run("list")
    assert any(line.split()[:4] == ["ours", "identity", "arcface_w600k_r50", "no"] for line in listed.splitlines())
    assert "sface" in listed and str(tmp_path / "store") in listed
    assert "ours: whole" in run("verify", "ours")
    (tmp_path / "store" / "ours.onnx").write_bytes(b"x")
    assert cli.app(args=["verify", "ours"], standalone_mode=False) == 1
    capsys.readouterr()
    assert "removed" in run("remove", "ours") and "ours" not in run("list")
    with pytest.raises(UsageError):
        run("add", str(arcface))
