"""PyTorch for the tests of training: installed where pip finds a build for the CPU, because the usual one on Linux is huge.

The environment's other packages do not need it. Where it is missing the tests of training are skipped, with a red line.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

from install.children import Log, environment_variables
from install.environment import LOCK, LOG
from install.lock import locked
from install.settings import Settings

__all__ = ["add_torch", "cpu_build"]

_HOW = "'python3 install env train' installs the build that pip prefers; docs/install.md says how to get the small one"


def add_torch(settings: Settings) -> bool:
    """Install PyTorch into the environment if it is missing and a CPU build is found; return whether it is there."""
    python = str(settings.python)
    variables = environment_variables(settings, os.environ)
    if _run(
        [python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"], variables
    ):
        return True
    options = ["--no-input", "--retries", "0", "--timeout", "15", *settings.pip_arguments]
    listed = subprocess.run(
        [python, "-m", "pip", "index", "versions", "torch", *options],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    wanted = cpu_build(listed.stdout, sys.platform)
    if wanted is None:
        _say(f"PyTorch: pip finds no build for the CPU alone, so the tests of training are skipped; {_HOW}.")
        return False
    _say(f"installing {wanted} for the tests of training …")
    command = [python, "-m", "pip", "install", "--no-input", "--only-binary", ":all:", *settings.pip_arguments, wanted]
    with locked(settings.folder / LOCK, _say) as descriptor:
        done = Log(settings.folder / LOG, descriptor).run(command, settings.root, variables)
    if not done:
        _say(f"PyTorch could not be installed, so the tests of training are skipped ({settings.folder / LOG}).")
    return done


def cpu_build(listed: str, platform: str) -> str | None:
    """Return the requirement of the newest CPU build in what `pip index versions torch` printed, or None.

    On Linux only versions labelled `+cpu` are free of CUDA; elsewhere every build is.
    """
    found = re.search(r"^Available versions:(.*)$", listed, re.MULTILINE)
    versions = [word.strip() for word in found.group(1).split(",")] if found else []
    if platform.startswith("linux"):
        versions = [version for version in versions if version.endswith("+cpu")]
    return f"torch=={versions[0]}" if versions else None


def _run(command: list[str], variables: dict[str, str]) -> bool:
    return subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
