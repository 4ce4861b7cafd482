"""Puts a copy of `faceplate_client` into an installed adapter, with the file that names the engine's Python."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import faceplate_client
from faceplate.hosts.files import replaced_folder, unwritable

__all__ = ["CLIENT", "copy_client"]

CLIENT = "faceplate_client"


def copy_client(target: Path, python: str = sys.executable) -> Path:
    """Copy the client, its parameter list and `engine.json` into `target`/faceplate_client; return that folder.

    `python` is the interpreter that runs the engine; without one there is no `engine.json`. An existing copy is replaced
    whole. Raises `RenderError` `host-unwritable`.
    """
    final = target / CLIENT
    with unwritable(final), replaced_folder(final) as part:
        for path in sorted(Path(faceplate_client.__file__).parent.iterdir()):
            if path.suffix == ".py" or path.name == "parameters.json":
                shutil.copyfile(path, part / path.name)
        if python:
            (part / "engine.json").write_text(json.dumps({"python": python}, indent=2) + "\n", "utf-8")
    return final
