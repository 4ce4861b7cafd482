"""Starts other programs: with a clean set of variables, with a log, and with Ctrl-C left to the child."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from install.settings import Settings

__all__ = ["Log", "call", "clean_variables", "environment_variables", "wait"]

# Each of these makes a Python import from, or pip write to, another place than the environment.
_LEAKS = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "__PYVENV_LAUNCHER__"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN"),
)


def clean_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return `variables` without those that mislead a child. Mirrors, proxies and certificates stay.

    The two PIP_ values are set, not dropped, because they must also override a pip.conf.
    """
    kept = {name: value for name, value in variables.items() if name not in _LEAKS}
    return {**kept, "PYTHONNOUSERSITE": "1", "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}


def environment_variables(settings: Settings, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an activated environment."""
    path = os.pathsep.join(part for part in (str(settings.python.parent), variables.get("PATH", "")) if part)
    return {**clean_variables(variables), "VIRTUAL_ENV": str(settings.folder), "PATH": path}


def call(command: list[str], folder: Path | None, variables: Mapping[str, str]) -> int:
    """Run `command` on the user's terminal, in `folder` (None: the user's folder). Return an exit code."""
    with subprocess.Popen(command, cwd=folder, env=dict(variables)) as child:
        return wait(child)


def wait(child: subprocess.Popen[Any]) -> int:
    """Wait for `child`, also through Ctrl-C: the child gets it too and decides how to stop. Return an exit code."""
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue
        return code if code >= 0 else 128 - code


class Log:
    """The environment's log: what each command printed.

    `keep_open` is a file descriptor that the children inherit: the lock of a killed installer lasts until its pip ends.
    """

    def __init__(self, path: Path, keep_open: int) -> None:
        self.path = path
        self._keep_open = () if os.name == "nt" else (keep_open,)
        path.write_bytes(b"")

    def run(self, command: list[str], folder: Path, variables: Mapping[str, str]) -> bool:
        """Run `command` with its output in the log. Return whether it ended with 0."""
        with self.path.open("ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=dict(variables),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=self._keep_open,
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return False
            with child:
                return child.wait() == 0

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of the last command's output."""
        text = self.path.read_text("utf-8", "replace").rpartition("\n$ ")[2]
        return "\n".join(text.strip().splitlines()[1:][-lines:])
