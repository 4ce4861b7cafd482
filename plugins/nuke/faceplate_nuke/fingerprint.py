"""Small files, whole or not at all: written beside, flushed, renamed. No Nuke here."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import Any

from .refusal import Refusal

__all__ = ["digest", "identity", "make_folder", "read_text", "write_text"]


def write_text(path: str, text: str) -> None:
    """Raises Refusal when it cannot be written."""
    part = ""
    try:
        make_folder(os.path.dirname(path))
        handle, part = tempfile.mkstemp(prefix="." + os.path.basename(path), dir=os.path.dirname(path))
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes a file for its owner alone; a shot file is for the show.
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, path)
    except OSError as error:
        if part and os.path.exists(part):
            os.remove(part)
        raise Refusal(f"{path} cannot be written: {error.strerror or error}.") from error


def read_text(path: str) -> str:
    """The file's text, empty when there is none."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, ValueError):
        return ""


def make_folder(folder: str) -> None:
    """Raises Refusal when it cannot be made."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise Refusal(f"The folder {folder} cannot be made: {error.strerror or error}.") from error


def digest(value: Any) -> str:
    """One short name for a JSON value; equal values give equal names on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def identity(path: str) -> str:
    """What tells one version of a file from another: its size and its time of change; empty without the file."""
    try:
        facts = os.stat(path)
    except OSError:
        return ""
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
