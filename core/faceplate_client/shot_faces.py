"""The faces of a shot file, for an adapter whose node or clip swaps several people in one pass."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from .errors import HostError
from .parameter_list import parameters, with_current_names

__all__ = ["faces_of_shot_file"]


def faces_of_shot_file(path: str) -> list[dict[str, Any]]:
    """Return the faces that a shot file lists, with absolute paths, for the key `faces` of another document.

    Raises `HostError` with code `shot-gone` where the file cannot be read, `no-faces` where it lists none.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise HostError("shot-gone", f"The shot file {path} cannot be read ({error}).") from error
    faces = document.get("faces") if isinstance(document, Mapping) else None
    if not faces:
        raise HostError("no-faces", f"The shot file {path} lists no faces; add one with: faceplate shot face.")
    return [_absolute(face, os.path.dirname(os.path.abspath(path))) for face in faces]


def _absolute(face: Mapping[str, Any], base: str) -> dict[str, Any]:
    paths = [entry["name"] for entry in parameters() if entry["type"] == "path"]
    found = {**face, **{key: _joined(base, face[key]) for key in ("source", "track") if face.get(key)}}
    values = with_current_names(face.get("parameters") or {})
    for name in paths:
        if values.get(name):
            values[name] = _joined(base, values[name])
    target = values.get("target")
    if isinstance(target, str) and os.path.isfile(os.path.join(base, target)):
        values["target"] = os.path.join(base, target)
    if values:
        found["parameters"] = values
    return found


def _joined(base: str, path: str) -> str:
    """Return the path from `base`; one that begins with a variable, or is an address, is left as it is."""
    return path if path.startswith(("$", "~")) or "://" in path else os.path.join(base, path)
