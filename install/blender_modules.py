"""Blender as a Python module (`bpy`), for the tests: one environment for each version, made once.

An environment lies beside the project's own: `.venv-bpy45`, `.venv-bpy50`. Its state file says what it holds, or why it
could not be made, so that the tests can say which of them did not run. A failure is tried again after a day.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from install.children import Log, clean_variables
from install.lock import Lock
from install.settings import Settings

__all__ = ["STATE", "VERSIONS", "ensure_modules", "module_folder"]

VERSIONS = {"4.5": "4.5.15", "5.0": "5.0.1"}
"""Blender's versions by their first two numbers. The wheels are made for Python 3.11 alone."""

STATE = "faceplate-bpy.json"
_PYTHON = (3, 11)
_PATIENCE = 86400.0
# Debian's names of what the module links.
_LIBRARIES = "libx11-6 libxi6 libxrender1 libxfixes3 libxkbcommon0 libsm6 libice6 libgl1"


def module_folder(environment: Path, version: str) -> Path:
    """Where the environment of a version lies, beside the project's own `environment`."""
    return environment.with_name(f"{environment.name}-bpy{version.replace('.', '')}")


def ensure_modules(settings: Settings) -> dict[str, str]:
    """Makes what is missing. Returns for each version why it is not there; empty when it is."""
    return {version: _ensure(settings, version, exact) for version, exact in VERSIONS.items()}


def _ensure(settings: Settings, version: str, exact: str) -> str:
    folder = module_folder(settings.folder, version)
    if (why := _known(folder, exact)) is not None:
        return why
    with Lock(folder / "install.lock", lambda line: print(line, file=sys.stderr)) as lock:
        if (why := _known(folder, exact)) is not None:
            return why
        (folder / ".gitignore").write_text("*\n", "utf-8")
        print(f"installing Blender {exact} as a module (about 1 GB, once) …", end="", file=sys.stderr, flush=True)
        start = time.monotonic()
        why = _make(settings, folder, exact, Log(folder / "install.log", (lock.descriptor,)))
        print(f" {why or f'{time.monotonic() - start:.0f} s'}", file=sys.stderr)
        _write(folder, {"bpy": exact, "why": why, "time": time.time()})
    return why


def _known(folder: Path, exact: str) -> str | None:
    """What the state file says; None when there is none that still holds."""
    try:
        state = json.loads((folder / STATE).read_text("utf-8"))
        if state["bpy"] != exact or (state["why"] and time.time() - state["time"] > _PATIENCE):
            return None
        return str(state["why"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make(settings: Settings, folder: Path, exact: str, log: Log) -> str:
    python = _python()
    if python is None:
        return "no Python 3.11 was found, which its module needs"
    variables = clean_variables(os.environ)
    if not log.run([*python, "-m", "venv", "--clear", "--without-pip", str(folder / "env")], settings.root, variables):
        return f"no environment could be made (see {log.path})"
    inner = str(_inner(folder))
    words = [
        "install",
        "--no-input",
        "--progress-bar",
        "off",
        "--only-binary",
        ":all:",
        *settings.pip_arguments,
        f"bpy=={exact}",
    ]
    # The project's own pip, which is there whatever this system's Python lacks.
    pip = [str(settings.python), "-m", "pip", "--python", inner]
    if not log.run([*pip, *words], settings.root, variables):
        return f"pip could not install bpy {exact} (see {log.path})"
    question = "import bpy, os; os._exit(0 if bpy.app.version_string else 1)"
    if not log.run([inner, "-c", question], settings.root, variables):
        return f"bpy {exact} does not load: {log.tail(1)}; on Debian: apt install {_LIBRARIES}"
    return ""


def _inner(folder: Path) -> Path:
    return folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _python() -> list[str] | None:
    """A Python 3.11 that starts."""
    names = [["py", "-3.11"]] if os.name == "nt" else [["python3.11"], ["/usr/bin/python3.11"]]
    for command in [[sys.executable], *names]:
        try:
            answer = subprocess.check_output(
                [*command, "-c", "import sys, venv; print(*sys.version_info[:2])"], text=True
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        if tuple(map(int, answer.split())) == _PYTHON:
            return command
    return None


def _write(folder: Path, state: dict[str, object]) -> None:
    part = folder / f"{STATE}.part"
    part.write_text(json.dumps(state, indent=2) + "\n", "utf-8")
    part.replace(folder / STATE)
