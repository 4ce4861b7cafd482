"""The container's recipe, held to what a test can hold it to: its steps are the installation that everybody has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faceplate import __version__

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "install" / "docker"
STEPS = DOCKER / "steps.sh"

posix = pytest.mark.skipif(os.name != "posix", reason="a shell script")


def instructions() -> list[tuple[str, str]]:
    lines = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    return [
        (word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and not line.startswith("#"))
    ]


def test_the_recipe() -> None:
    """Two bases from one file, no step but those of the script, nobody's weights inside, and not as root."""
    found = instructions()
    words = [word for word, _ in found]
    assert words[0] == "ARG" and [rest for word, rest in found if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    steps = {step for word, rest in found if word == "RUN" for step in re.findall(r"steps\.sh (\w+)", rest)}
    assert steps == {"system", "engine"}
    for word, rest in found:
        if word == "RUN":
            assert re.fullmatch(r"sh \S*/steps\.sh \w+( && rm /tmp/steps\.sh)?|useradd .*", rest), rest
        if word == "COPY" and "--from" not in rest:
            assert (ROOT / rest.split()[0]).exists()
    assert "ADD" not in words
    users = [rest for word, rest in found if word == "USER"]
    assert users == ["faceplate"] and words.index("USER") < words.index("ENTRYPOINT")
    assert any("FACEPLATE_MODELS=/models" in rest for word, rest in found if word == "ENV")


def test_what_the_build_does_not_get() -> None:
    """What is left out is nothing that the package is built of."""
    left_out = set((ROOT / ".dockerignore").read_text().split())
    assert {".git", ".venv"} <= left_out
    assert not left_out & {"core", "install", "pyproject.toml", "README.md", "LICENSE", "NOTICE"}


@posix
def test_the_engine_step(tmp_path: Path) -> None:
    """The image's own step, run here: it makes this environment, or a new one with FACEPLATE_LONG=1."""
    long = bool(os.environ.get("FACEPLATE_LONG"))
    here = Path(sys.prefix)
    if not long and not (here / "faceplate-environment.json").exists():
        pytest.skip("this environment was not made by the installation; FACEPLATE_LONG=1 makes one")
    folder = tmp_path / "env" if long else here
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    variables = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "FACEPLATE_ENV": str(folder),
    }
    done = subprocess.run(["sh", str(STEPS), "engine"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    for program, said in (("faceplate", f"faceplate {__version__}"), ("faceplate-farm", "")):
        path = folder / "bin" / program
        word = "--version" if said else "--help"
        ran = subprocess.run([path, word], capture_output=True, text=True, check=False)
        assert ran.returncode == 0 and said in ran.stdout


@posix
def test_a_wrong_step() -> None:
    done = subprocess.run(["sh", str(STEPS), "else"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "system or engine" in done.stderr
