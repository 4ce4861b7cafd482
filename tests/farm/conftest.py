"""Fixtures of the farm tests: a shot of 24 small frames, and the program that a node runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from farm_shots import small_shot


@pytest.fixture(scope="session")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 small frames and a source."""
    return small_shot(tmp_path_factory.mktemp("farm"))


@pytest.fixture
def runs() -> Callable[..., tuple[int, str]]:
    """Runs the node's program in a folder: exit code and output."""

    def run(folder: Path, *words: object) -> tuple[int, str]:
        command = [sys.executable, "-m", "faceplate_client.farm", *map(str, words)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run
