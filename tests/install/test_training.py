"""PyTorch for the tests: only a build for the CPU is installed without being asked for."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from install import training

LISTED = "torch (2.15.0)\nAvailable versions: 2.15.0, 2.14.1, 2.13.0+cpu, 2.12.0+cpu, 2.12.0\n  INSTALLED: none\n"


@pytest.mark.parametrize(
    ("listed", "platform", "wanted"),
    [
        (LISTED, "linux", "torch==2.13.0+cpu"),
        (LISTED, "darwin", "torch==2.15.0"),
        (LISTED.replace("+cpu", ""), "linux", None),
        ("", "win32", None),
        ("ERROR: No matching distribution found for torch", "linux", None),
    ],
)
def test_the_newest_cpu_build_is_chosen(listed: str, platform: str, wanted: str | None) -> None:
    assert training.cpu_build(listed, platform) == wanted


def test_without_one_nothing_is_installed_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[str]] = []

    def answer(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=1, stdout="")

    monkeypatch.setattr(subprocess, "run", answer)
    settings = SimpleNamespace(python="python", pip_arguments=("--no-index",), folder=None)
    monkeypatch.setattr(training, "environment_variables", lambda *_: {})
    assert not training.add_torch(settings)  # type: ignore[arg-type]
    assert [command[1:4] for command in commands[1:]] == [["-m", "pip", "index"]]
    assert "--no-index" in commands[-1]
    assert "tests of training are skipped" in capsys.readouterr().err
