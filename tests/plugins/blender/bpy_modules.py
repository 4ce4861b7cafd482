"""Makes the environments with Blender as a Python module (`bpy`) that the tests use: one for each version, once.

An environment lies beside the project's own: `.venv-bpy45`, `.venv-bpy50`. Its state file says what it holds, or why it
could not be made, so that the tests can say which of them did not run. A failure is tried again after a day.
`tests/checks.py` runs this file with the project's Python; `python3 install clean` removes what it made.

The versions of `USUAL` are made and tested: the newest that is there by every test, the others by those that are marked `smoke`.
`FACEPLATE_BLENDERS` names versions that are tested whole: `4.2,5.3`, or `all`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock

__all__ = ["STATE", "USUAL", "VERSIONS", "chosen_versions", "ensure_modules", "module_folder", "whole_versions"]

VERSIONS = {"4.2": "4.2.23", "4.5": "4.5.15", "5.0": "5.0.1", "5.2": "5.2.3", "5.3": "5.3.0"}
"""Blender's versions by their first two numbers."""

USUAL = ("4.5", "5.0")
"""The versions that are tested unless `FACEPLATE_BLENDERS` says otherwise. A module takes 1 GB, and all its tests minutes."""

STATE = "faceplate-bpy.json"
# Each wheel is made for one version of Python.
_PYTHONS = {"4.2": "3.11", "4.5": "3.11", "5.0": "3.11", "5.2": "3.13", "5.3": "3.13"}
_RETRY = 86400.0  # seconds until a failed installation is tried again
# Debian's packages of the libraries that the module links.
_LIBRARIES = "libx11-6 libxi6 libxrender1 libxfixes3 libxkbcommon0 libsm6 libice6 libgl1"


def module_folder(environment: Path, version: str) -> Path:
    """Return the folder for a version, beside the project's own `environment`."""
    return environment.with_name(f"{environment.name}-bpy{version.replace('.', '')}")


def chosen_versions() -> tuple[str, ...]:
    """Return the versions to test, from `FACEPLATE_BLENDERS`. Raises `ValueError` for a version that is not listed."""
    text = os.environ.get("FACEPLATE_BLENDERS", "").strip()
    if not text:
        return USUAL
    if text == "all":
        return tuple(VERSIONS)
    chosen = tuple(part.strip() for part in text.split(","))
    unknown = [version for version in chosen if version not in VERSIONS]
    if unknown:
        raise ValueError(f"FACEPLATE_BLENDERS names {unknown[0]}; the versions are {', '.join(VERSIONS)}, or all.")
    return chosen


def whole_versions(environment: Path) -> tuple[str, ...]:
    """Return those of the chosen versions that every test runs on: all that are named, or the newest usual one that is there."""
    chosen = chosen_versions()
    if os.environ.get("FACEPLATE_BLENDERS", "").strip():
        return chosen
    there = [version for version in chosen if _known(module_folder(environment, version), VERSIONS[version]) == ""]
    return (max(there or chosen),)


def ensure_modules(environment: Path) -> dict[str, str]:
    """Make what is missing. Return for each chosen version why it is not there; an empty reason means that it is."""
    return {version: _ensure(module_folder(environment, version), version) for version in chosen_versions()}


def _ensure(folder: Path, version: str) -> str:
    exact = VERSIONS[version]
    if (why := _known(folder, exact)) is not None:
        return why
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "install.lock"):
        if (why := _known(folder, exact)) is not None:
            return why
        (folder / ".gitignore").write_text("*\n", "utf-8")
        print(f"installing Blender {exact} as a module (about 1 GB, once) …", end="", file=sys.stderr, flush=True)
        start = time.monotonic()
        why = _make(folder, version)
        print(f" {why or f'{time.monotonic() - start:.0f} s'}", file=sys.stderr)
        part = folder / f"{STATE}.part"
        part.write_text(json.dumps({"bpy": exact, "why": why, "time": time.time()}, indent=2) + "\n", "utf-8")
        part.replace(folder / STATE)
    return why


def _known(folder: Path, exact: str) -> str | None:
    """Return what the state file says; None if there is none that is still valid."""
    try:
        state = json.loads((folder / STATE).read_text("utf-8"))
        if state["bpy"] != exact or (state["why"] and time.time() - state["time"] > _RETRY):
            return None
        return str(state["why"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make(folder: Path, version: str) -> str:
    """Make the environment and install the module. Return why that was not possible, or ""."""
    exact, wanted = VERSIONS[version], _PYTHONS[version]
    python = _python(wanted)
    if python is None:
        return f"no Python {wanted} was found, which its module needs; uv can install one: uv python install {wanted}"
    log = folder / "install.log"
    log.write_bytes(b"")
    if not _run([*python, "-m", "venv", "--clear", "--without-pip", str(folder / "env")], log):
        return f"no environment could be made (see {log})"
    inner = str(folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    # The project's own pip, which is there whatever this system's Python lacks.
    pip = [sys.executable, "-m", "pip", "--python", inner, "install", "--no-input", "--progress-bar", "off"]
    more = shlex.split(os.environ.get("FACEPLATE_PIP_ARGS", ""), posix=os.name != "nt")
    if not _run([*pip, "--only-binary", ":all:", *more, f"bpy=={exact}"], log):
        return f"pip could not install bpy {exact} (see {log})"
    if not _run([inner, "-c", "import bpy, os; os._exit(0 if bpy.app.version_string else 1)"], log):
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1]
        return f"bpy {exact} does not load: {last}; on Debian: apt install {_LIBRARIES}"
    return ""


def _run(command: list[str], log: Path) -> bool:
    with log.open("ab") as file:
        file.write(f"\n$ {' '.join(command)}\n".encode())
        file.flush()
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False).returncode == 0


def _python(wanted: str) -> list[str] | None:
    """Return the command of a Python of that version that starts: on PATH, of pyenv, or one that uv knows."""
    question = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    for command in _candidates(wanted):
        try:
            answer = subprocess.check_output([*command, "-c", question], text=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            continue
        if answer.strip() == wanted:
            return command
    return None


def _candidates(wanted: str) -> list[list[str]]:
    names = [["py", f"-{wanted}"]] if os.name == "nt" else [[f"python{wanted}"], [f"/usr/bin/python{wanted}"]]
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{wanted}.*/bin/python"))
    uv = shutil.which("uv")
    if uv:
        said = subprocess.run([uv, "python", "find", wanted], capture_output=True, text=True, check=False)
        names += [[line] for line in said.stdout.split("\n")[:1] if line]
    return [[sys.executable], *names, *([str(path)] for path in kept)]


if __name__ == "__main__":
    ensure_modules(Path(sys.prefix))
