"""Which versions of Blender run every test, and which the smoke tests alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from bpy_modules import STATE, USUAL, VERSIONS, module_folder, whole_versions


def state(environment: Path, version: str, why: str) -> None:
    folder = module_folder(environment, version)
    folder.mkdir()
    (folder / STATE).write_text(json.dumps({"bpy": VERSIONS[version], "why": why, "time": time.time()}))


def test_the_newest_that_is_there_runs_every_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEPLATE_BLENDERS", raising=False)
    environment = tmp_path / ".venv"
    assert whole_versions(environment) == (USUAL[-1],)
    state(environment, "4.5", "")
    state(environment, "5.0", "pip could not install it")
    assert whole_versions(environment) == ("4.5",)


def test_versions_that_are_named_run_every_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPLATE_BLENDERS", "4.2, 5.3")
    assert whole_versions(tmp_path / ".venv") == ("4.2", "5.3")
    monkeypatch.setenv("FACEPLATE_BLENDERS", "all")
    assert whole_versions(tmp_path / ".venv") == tuple(VERSIONS)
