"""The clone, its environment, and the user's settings; the error of this program."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["InstallError", "Settings", "read_project", "read_settings"]


class InstallError(Exception):
    """One sentence for the user: what is wrong and what to do. `exit_code` is 2 when the request itself is wrong."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Settings:
    """`root`: the clone. `folder`: the environment. `pip_arguments`: appended to every installation of packages."""

    root: Path
    folder: Path
    pip_arguments: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_settings(root: Path, variables: Mapping[str, str]) -> Settings:
    """Read $FACEPLATE_ENV (default: .venv in the clone) and $FACEPLATE_PIP_ARGS. Raises InstallError."""
    folder = Path(variables.get("FACEPLATE_ENV") or root / ".venv").expanduser().absolute()
    if os.pathsep in str(folder):
        sentence = f"an environment cannot lie in a folder with '{os.pathsep}' in its name ({folder}); "
        raise InstallError(sentence + "set FACEPLATE_ENV to another folder.", exit_code=2)
    try:
        words = shlex.split(variables.get("FACEPLATE_PIP_ARGS", ""), posix=os.name != "nt")
    except ValueError as error:
        raise InstallError(f"FACEPLATE_PIP_ARGS cannot be read ({error}); check its quotes.", exit_code=2) from None
    return Settings(root, folder, tuple(words))


def read_project(root: Path) -> dict[str, Any]:
    """Read the clone's pyproject.toml. Raises InstallError when it is damaged."""
    try:
        return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InstallError(f"pyproject.toml cannot be read ({error}); get the file back from git.") from None
