"""Short names for values and files, by which a change is recognised. Imports no `nuke`."""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from typing import Any

__all__ = ["digest", "file_content", "file_identity", "folder_content"]


def digest(value: Any) -> str:
    """Return a short name for a JSON value: the first 32 hexadecimal digits of the SHA-256 of its sorted text."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def file_identity(path: str) -> str:
    """Return a file's size and modification time as one word; empty when there is no such file."""
    try:
        facts = os.stat(path)
    except OSError:
        return ""
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def file_content(path: str) -> str:
    """Return a digest of a file's bytes, the same on every machine; empty when there is no such file."""
    return _content(path, file_identity(path))


@lru_cache(maxsize=64)
def _content(path: str, identity: str) -> str:
    """Return the digest; `identity` is there so that a file is read again only when it has changed."""
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()[:32]
    except OSError:
        return ""


def folder_content(path: str) -> str:
    """Return a digest of the names and sizes of the pictures in a folder, or of a picture; empty when there are none."""
    if not path:
        return ""
    try:
        found = [(path, os.path.getsize(path))] if os.path.isfile(path) else _entries(path)
    except OSError:
        return ""
    # What the engine has worked out about a source lies beside its pictures as JSON, and is no change of the source.
    return digest(sorted((os.path.basename(name), size) for name, size in found if not name.endswith(".json")))


def _entries(folder: str) -> list[tuple[str, int]]:
    with os.scandir(folder) as entries:
        return [(entry.name, entry.stat().st_size) for entry in entries if entry.is_file()]
