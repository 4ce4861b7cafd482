"""Shot documents, with the keys of a shot file, as adapters make them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from .files import write_json
from .parameter_list import parameters

__all__ = ["changed_values", "keyed", "new_id", "shot_document", "write_document"]


def new_id() -> str:
    """Return a new shot id: 32 random hexadecimal digits."""
    return uuid.uuid4().hex


def shot_document(plate: str, values: Mapping[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """Return a shot document.

    Parameters
    ----------
    plate : str
        File pattern of the plate.
    values : mapping, optional
        Parameters by name: constants, or curves as `keyed` returns them. Values at their default are left out, so that
        the show's defaults apply.
    **keys
        Other keys of the document; those that are None are left out.
    """
    document: dict[str, Any] = {"faceplate_shot": 1, "plate": plate}
    document.update((key, value) for key, value in keys.items() if value is not None)
    changed = changed_values(values or {})
    if changed:
        document["parameters"] = changed
    return document


def changed_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ from their parameter's default, in the list's order; unknown names are left out."""
    found = {}
    for entry in parameters():
        name = entry["name"]
        if name in values and values[name] != entry["default"]:
            found[name] = values[name]
    return found


def keyed(keys: Iterable[tuple[float, float, str]]) -> dict[str, Any]:
    """Return a curve from (frame, value, "hold" | "linear" | "smooth"); the word applies from this key to the next."""
    return {"keys": [list(key) for key in sorted(keys, key=lambda key: key[0])]}


def write_document(path: str, document: Mapping[str, Any]) -> str:
    """Write a shot file atomically and return its path. Raises `HostError` as `files.write_text` does."""
    write_json(path, document)
    return path
