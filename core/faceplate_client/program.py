"""The user's `engine.json`, which records the engine's Python, read by a client that carries no `engine.json`."""

from __future__ import annotations

import contextlib
import os

from . import paths
from .files import write_json

__all__ = ["forget_program", "note_program"]


def note_program(python: str, environ=None) -> str:
    """Write the user's `engine.json` for this `python`; return its path. Raises `HostError` as `write_json` does."""
    path = paths.program_file(paths.user_folder(environ))
    write_json(path, {"python": python})
    return path


def forget_program(python: str, environ=None) -> None:
    """Remove the user's `engine.json` if it names this `python`."""
    path = paths.program_file(paths.user_folder(environ))
    if (paths.read_json(path) or {}).get("python") == python:
        with contextlib.suppress(OSError):
            os.remove(path)
