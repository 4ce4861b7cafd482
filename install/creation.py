"""Making the empty environment, by the first way that the person's Python has.

1. `venv`, which brings its own pip.
2. `venv` without pip (Debian splits ensurepip off), and the outer Python's pip puts pip in.
3. `virtualenv`, when it is there.
4. `virtualenv`, fetched by the outer Python's pip into a folder of its own inside the environment. Debian forbids pip
   to touch the system's packages (PEP 668); `--target` is exempt, because it writes only into the folder it names.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from install.children import Log, clean_variables, environment_variables
from install.errors import InstallError
from install.settings import Settings
from install.words import get_pip, pip_failure, system_families

__all__ = ["create", "empty"]

_BOOTSTRAP = "bootstrap"


def create(settings: Settings, log: Log, keep: frozenset[str]) -> None:
    """Makes an environment with a working pip in `settings.folder`; `keep` names the files there that stay.

    Raises InstallError when no way works.
    """
    for way in (_venv, _venv_and_outer_pip, _virtualenv, _fetched_virtualenv):
        empty(settings.folder, keep)
        if way(settings, log) and _has_pip(settings, log):
            return
    if not _outer(settings, log, ["-m", "pip", "--version"]):
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallError(get_pip(system_families(), sys.executable, version))
    raise InstallError(
        f"no environment could be made in {settings.folder}: {pip_failure(log.path.read_text('utf-8', 'replace'))} "
        f"(all of it: {log.path})."
    )


def empty(folder: Path, keep: frozenset[str]) -> None:
    """Removes what lies in `folder`, except the names in `keep`."""
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def outer_python(settings: Settings) -> str:
    """The Python that makes the environment: this one, or, when this is the environment's own, the one behind it."""
    inside = Path(sys.executable).absolute().is_relative_to(settings.folder)
    return getattr(sys, "_base_executable", sys.executable) if inside else sys.executable


def _venv(settings: Settings, log: Log) -> bool:
    return _outer(settings, log, ["-m", "venv", str(settings.folder)])


def _venv_and_outer_pip(settings: Settings, log: Log) -> bool:
    if not _outer(settings, log, ["-m", "venv", "--without-pip", str(settings.folder)]):
        return False
    words = ["install", "--no-input", *settings.pip_arguments, "pip"]
    if _outer(settings, log, ["-m", "pip", "--python", str(settings.python), *words]):
        return True
    # pip before 22.3 has no --python.
    return _outer(settings, log, ["-m", "pip", *words, "--target", str(_site_packages(settings))])


def _virtualenv(settings: Settings, log: Log) -> bool:
    return _outer(settings, log, ["-m", "virtualenv", str(settings.folder)])


def _fetched_virtualenv(settings: Settings, log: Log) -> bool:
    target = settings.folder / _BOOTSTRAP
    words = ["install", "--no-input", *settings.pip_arguments, "virtualenv", "--target", str(target)]
    if not _outer(settings, log, ["-m", "pip", *words]):
        return False
    made = _outer(settings, log, ["-m", "virtualenv", str(settings.folder)], {"PYTHONPATH": str(target)})
    shutil.rmtree(target)
    return made


def _outer(settings: Settings, log: Log, words: list[str], more: dict[str, str] | None = None) -> bool:
    variables = {**clean_variables(os.environ), **(more or {})}
    return log.run([outer_python(settings), *words], settings.root, variables)


def _has_pip(settings: Settings, log: Log) -> bool:
    variables = environment_variables(settings, os.environ)
    return log.run([str(settings.python), "-m", "pip", "--version"], settings.root, variables)


def _site_packages(settings: Settings) -> Path:
    if os.name == "nt":
        return settings.folder / "Lib" / "site-packages"
    return settings.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
