"""Makes the empty environment by the first way that works with the user's Python.

1. `uv venv`, where uv is there and may be used.
2. `venv`, which brings its own pip.
3. `virtualenv`, fetched by the outer Python's pip into a folder inside the environment, for a Python whose distribution
   packages venv or ensurepip apart. PEP 668 forbids pip to touch the system's packages; `--target` is exempt.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from install.children import Log, clean_variables, environment_variables
from install.messages import get_pip, pip_failure, system_families
from install.settings import InstallError, Settings

__all__ = ["create", "empty", "find_uv"]

_PIP_SETTINGS = re.compile(
    r"\.(index-url|extra-index-url|find-links|no-index|cert|client-cert|proxy|trusted-host|constraint)="
)


def find_uv(settings: Settings) -> str | None:
    """Return uv's program, or None if there is none or if it may not be used.

    uv does not read pip's settings (pip.conf, PIP_…). Where these name an index, a certificate or a proxy, pip is used.
    """
    uv = shutil.which("uv")
    if uv is None:
        return None
    command = [_outer_python(settings), "-m", "pip", "config", "list"]
    asked = subprocess.run(command, env=clean_variables(os.environ), capture_output=True, text=True, check=False)
    named = [f".{name[4:].lower().replace('_', '-')}=" for name in os.environ if name.startswith("PIP_")]
    return None if _PIP_SETTINGS.search("\n".join([asked.stdout, *named])) else uv


def create(settings: Settings, log: Log, keep: frozenset[str], uv: str | None) -> None:
    """Make an environment with a working pip in `settings.folder`; `keep` names the files there that stay.

    Raises InstallError when no way works.
    """
    for way in (_uv, _venv, _fetched_virtualenv):
        empty(settings.folder, keep)
        if way(settings, log, uv) and _has_pip(settings, log):
            return
    if not _outer(settings, log, ["-m", "pip", "--version"]):
        raise InstallError(get_pip(system_families(), sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}"))
    cause = pip_failure(log.path.read_text("utf-8", "replace"))
    raise InstallError(f"no environment could be made in {settings.folder}: {cause} (all of it: {log.path}).")


def empty(folder: Path, keep: frozenset[str]) -> None:
    """Remove what lies in `folder`, except the names in `keep`."""
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _outer_python(settings: Settings) -> str:
    """Return the Python that makes the environment: this one, or, if this is the environment's own, the one behind it."""
    inside = Path(sys.executable).absolute().is_relative_to(settings.folder)
    return getattr(sys, "_base_executable", sys.executable) if inside else sys.executable


def _uv(settings: Settings, log: Log, uv: str | None) -> bool:
    if uv is None:
        return False
    words = ["venv", "--seed", "--allow-existing", "--python", _outer_python(settings), str(settings.folder)]
    return log.run([uv, *words], settings.root, clean_variables(os.environ))


def _venv(settings: Settings, log: Log, _: str | None) -> bool:
    return _outer(settings, log, ["-m", "venv", str(settings.folder)])


def _fetched_virtualenv(settings: Settings, log: Log, _: str | None) -> bool:
    target = settings.folder / "bootstrap"
    words = ["install", "--no-input", *settings.pip_arguments, "virtualenv", "--target", str(target)]
    if not _outer(settings, log, ["-m", "pip", *words]):
        return False
    made = _outer(settings, log, ["-m", "virtualenv", str(settings.folder)], {"PYTHONPATH": str(target)})
    shutil.rmtree(target)
    return made


def _outer(settings: Settings, log: Log, words: list[str], more: dict[str, str] | None = None) -> bool:
    variables = {**clean_variables(os.environ), **(more or {})}
    return log.run([_outer_python(settings), *words], settings.root, variables)


def _has_pip(settings: Settings, log: Log) -> bool:
    command = [str(settings.python), "-m", "pip", "--version"]
    return log.run(command, settings.root, environment_variables(settings, os.environ))
