"""Starting other programs: with a clean set of variables, a log, and Ctrl-C left to the child."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from install.settings import Settings

__all__ = ["Log", "call", "clean_variables", "environment_variables", "wait"]

# Each of these makes a Python import, or a pip write, somewhere else than in the environment.
_LEAKS = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONDONTWRITEBYTECODE",
    "__PYVENV_LAUNCHER__",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "PIP_DRY_RUN",
)


def clean_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without what would lead a child astray. Mirrors, proxies and certificates stay.

    The two PIP_ values are set, not dropped, because they must also win over a pip.conf.
    """
    kept = {name: value for name, value in variables.items() if name not in _LEAKS}
    return {**kept, "PYTHONNOUSERSITE": "1", "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}


def environment_variables(settings: Settings, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of an activated environment."""
    path = os.pathsep.join(part for part in (str(settings.python.parent), variables.get("PATH", "")) if part)
    return {**clean_variables(variables), "VIRTUAL_ENV": str(settings.folder), "PATH": path}


def call(command: list[str], folder: Path | None, variables: Mapping[str, str]) -> int:
    """Runs `command` on the person's terminal, in `folder` (None: where the person is). Returns an exit code."""
    with subprocess.Popen(command, cwd=folder, env=dict(variables)) as child:
        return wait(child)


def wait(child: subprocess.Popen[Any]) -> int:
    """Waits for `child`, also through Ctrl-C: the child got it too, and decides how to stop. Returns an exit code."""
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue
        return code if code >= 0 else 128 - code


class Log:
    """The environment's log: what each command printed, and how the last one ended.

    `keep_open` are file descriptors that the children hold too: a killed installer's lock lasts until its pip ends.
    """

    def __init__(self, path: Path, keep_open: tuple[int, ...] = ()) -> None:
        self.path = path
        self._keep_open = keep_open
        path.write_bytes(b"")

    def run(
        self,
        command: list[str],
        folder: Path,
        variables: Mapping[str, str],
        on_line: Callable[[str], None] = lambda line: None,
    ) -> bool:
        """Runs `command` with its output in the log; `on_line` sees each line. Returns whether it exited with 0."""
        with self.path.open("ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                child = self._start(command, folder, variables)
            except OSError as error:
                log.write(f"{error}\n".encode())
                return False
            with child:
                assert child.stdout is not None
                for line in child.stdout:
                    log.write(line)
                    log.flush()
                    on_line(line.decode("utf-8", "replace").rstrip())
                return child.wait() == 0

    def tail(self, lines: int = 15) -> str:
        """The last lines of the last command's output."""
        text = self.path.read_text("utf-8", "replace").rpartition("\n$ ")[2]
        return "\n".join(text.strip().splitlines()[1:][-lines:])

    def _start(self, command: list[str], folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=() if os.name == "nt" else self._keep_open,
        )
