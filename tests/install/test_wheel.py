"""The package as users get it: a fresh clone, and a wheel in an empty environment, used from outside the clone.

The long tests make whole environments: `FACEPLATE_LONG=1 pytest -s tests/install/test_wheel.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceplate import __version__
from faceplate.hosts import HOSTS
from install_stage import ROOT

BASE = getattr(sys, "_base_executable", sys.executable)
SCRIPTS = "Scripts" if os.name == "nt" else "bin"

long = pytest.mark.skipif(not os.environ.get("FACEPLATE_LONG"), reason="makes whole environments; FACEPLATE_LONG=1")


class Machine:
    """A clone with the files that git knows or would add, a new home, and a folder outside the clone to work in."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.home, self.work = folder / "clone", folder / "home", folder / "work"
        self.home.mkdir()
        self.work.mkdir()
        words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(words, capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.clone / name)

    def run(self, *command: str | Path, place: Path | None = None) -> str:
        """Run a command with the new home, outside the clone. Return what it printed, and print it."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("FACEPLATE_", "PYTHON", "XDG_"))}
        variables = {**kept, "HOME": str(self.home), "USERPROFILE": str(self.home), "LOCALAPPDATA": str(self.home)}
        done = subprocess.run(
            list(map(str, command)),
            cwd=place or self.work,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = done.stdout + done.stderr
        print(f"$ {' '.join(map(str, command))}\n{said}".replace(str(self.clone.parent), "…"))
        assert done.returncode == 0, said
        return done.stdout

    def packages(self) -> Path:
        """Build the wheel of the clone and return it."""
        self.run(sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-w", "dist", place=self.clone)
        (wheel,) = (self.clone / "dist").iterdir()
        return wheel


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    yield Machine(folder)
    shutil.rmtree(folder, ignore_errors=True)


def test_the_package_names_every_adapter() -> None:
    """setup.py runs before anything is installed, so it has a list of its own."""
    assert f"HOSTS = {HOSTS!r}".replace("'", '"') in (ROOT / "setup.py").read_text()


@long
@pytest.mark.timeout(1800)
def test_the_demo_in_a_fresh_clone(machine: Machine) -> None:
    said = machine.run(BASE, machine.clone / "install", "demo", "--frames", "2")
    assert "2 frames: " in said
    assert len(list((machine.work / "demo_out" / "swap").glob("swap.*.exr"))) == 2
    program = machine.clone / ".venv" / SCRIPTS / "faceplate"
    assert machine.run(program, "host", "list").startswith("No adapter")


@long
@pytest.mark.timeout(1800)
def test_a_wheel_in_an_empty_environment(machine: Machine) -> None:
    wheel = machine.packages()
    assert wheel.name == f"faceplate-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    for host in HOSTS:
        for path in (machine.clone / "plugins" / host).rglob("*"):
            if path.is_file():
                assert f"faceplate/hosts/plugins/{path.relative_to(machine.clone / 'plugins').as_posix()}" in names
    machine.run(BASE, "-m", "venv", machine.work / "env")
    machine.run(machine.work / "env" / SCRIPTS / "python", "-m", "pip", "install", "--quiet", wheel)
    shutil.rmtree(machine.clone)
    faceplate = machine.work / "env" / SCRIPTS / "faceplate"
    assert f"faceplate {__version__}" in machine.run(faceplate, "--version")
    assert "2 frames: " in machine.run(faceplate, "demo", "--frames", "2", "--out", "out")
    places = {"nuke": "dot_nuke/faceplate", "blender": "user_default/faceplate", "resolve": "Fusion/Faceplate"}
    for host, place in places.items():
        machine.run(faceplate, "host", "install", host, "--dir", machine.work / Path(place).parent)
        assert (machine.work / place / "faceplate_client" / "engine.json").is_file()
    listed = machine.run(faceplate, "host", "list").splitlines()
    assert len(listed) == 4 and all(__version__ in line and "this one" in line for line in listed[1:])
    assert (machine.work / "user_default" / "faceplate" / "LICENSE").is_file()
    for host, place in places.items():
        machine.run(faceplate, "host", "install", host, "--dir", machine.work / Path(place).parent, "--remove")
        assert not (machine.work / place).exists()
