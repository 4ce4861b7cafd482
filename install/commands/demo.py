"""`python3 install demo`: the environment, then `faceplate demo` in it, where the person stands."""

from __future__ import annotations

import os

from install.children import call, environment_variables
from install.environment import ensure
from install.settings import Settings

__all__ = ["SUMMARY", "run"]

SUMMARY = "render the demo shot and say where it lies (--out FOLDER, --frames N)"


def run(settings: Settings, arguments: list[str]) -> int:
    """Every argument goes to `faceplate demo`."""
    python = ensure(settings)
    # -P: a stray numpy.py in the person's folder must not be imported.
    command = [str(python), "-P", "-m", "faceplate.cli.main", "demo", *arguments]
    return call(command, None, environment_variables(settings, os.environ))
