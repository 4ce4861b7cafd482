"""Short names for values and files, by which a change is recognised. Imports no `nuke`."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

__all__ = ["digest", "file_identity"]


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
