"""Where the clone and its environment lie, and what the person's variables ask for."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from install.errors import InstallError

__all__ = ["Settings", "read_settings"]


@dataclass(frozen=True)
class Settings:
    """`root`: the clone. `folder`: the environment. `pip_arguments`: appended to every `pip install`."""

    root: Path
    folder: Path
    pip_arguments: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_settings(root: Path, variables: Mapping[str, str]) -> Settings:
    """Settings from $FACEPLATE_ENV (default: .venv in the clone) and $FACEPLATE_PIP_ARGS.

    Raises InstallError when a value cannot be used.
    """
    folder = Path(variables.get("FACEPLATE_ENV") or root / ".venv").expanduser().absolute()
    if os.pathsep in str(folder):
        raise InstallError(
            f"an environment cannot lie in a folder with '{os.pathsep}' in its name ({folder}); "
            "set FACEPLATE_ENV to another folder.",
            exit_code=2,
        )
    try:
        words = shlex.split(variables.get("FACEPLATE_PIP_ARGS", ""), posix=os.name != "nt")
    except ValueError as error:
        raise InstallError(f"FACEPLATE_PIP_ARGS cannot be read ({error}); check its quotes.", exit_code=2) from None
    return Settings(root, folder, tuple(words))
