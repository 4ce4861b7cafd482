"""The command line called in this process and in one of its own, for renders of a demo performance."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from faceplate.cli.main import run
from faceplate.demo.plate import PATTERN

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


def render_null(folder: Path, output: Path, *more: object) -> None:
    command(
        "render", folder / PATTERN, "--generator", "null", "--layers", "parts", "-o", output / "swap.####.exr", *more
    )
