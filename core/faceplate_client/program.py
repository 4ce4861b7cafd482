"""Writes down which Python runs the engine, in the user's own folder, where a client without an `engine.json` looks."""

from __future__ import annotations

import contextlib
import json
import os

from . import places

__all__ = ["forget_program", "note_program"]


def note_program(python: str, environ=None) -> str:
    """Write the user's `engine.json` for this `python`; return the file's path. Raises `OSError`."""
    path = places.program_file(places.user_folder(environ))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = os.path.join(os.path.dirname(path), f".engine.json.{os.getpid()}.part")
    with open(part, "w", encoding="utf-8") as file:
        file.write(json.dumps({"python": python}, indent=2) + "\n")
    os.replace(part, path)
    return path


def forget_program(python: str, environ=None) -> None:
    """Remove the user's `engine.json` if it names this `python`."""
    path = places.program_file(places.user_folder(environ))
    if (places.read_json(path) or {}).get("python") == python:
        with contextlib.suppress(OSError):
            os.remove(path)
