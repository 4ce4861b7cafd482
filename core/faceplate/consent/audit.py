"""The audit log: one JSON line for every render of a show, each with the hash of the line before.

Lines are only ever appended, under a lock, so that two renders cannot mix theirs. A line that was changed or taken out
breaks the chain at that place.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from faceplate.errors import RenderError
from faceplate.system.locks import exclusive

__all__ = ["AUDIT_FILE", "append", "broken_line"]

AUDIT_FILE = "faceplate.audit.jsonl"
_START = "0" * 64


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Add a line to the log: an entry, who, where and when, and the hash of the line before.

    Parameters
    ----------
    path : Path
        The log; it is made where it is missing. A lock file lies beside it.
    entry : mapping
        What happened, as plain JSON.

    Raises
    ------
    RenderError
        `audit-unwritable`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is a file of its own: a library that opens the log to lock it could truncate it.
        with exclusive(path.with_name(f".{path.name}.lock")), path.open("ab+") as stream:
            line = {"when": _now(), "who": _user(), "host": platform.node(), **entry, "before": _last_hash(stream)}
            stream.write(json.dumps(line, sort_keys=True, ensure_ascii=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise RenderError("audit-unwritable", f"The audit log {path} cannot be written: {error.strerror}.") from error


def broken_line(path: Path) -> int | None:
    """Return the number of the first line (from 1) that does not follow from the one before; None when all do."""
    before = _START
    for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            line = json.loads(raw)
        except ValueError:
            return number
        if not isinstance(line, dict) or line.get("before") != before:
            return number
        before = hashlib.sha256(raw).hexdigest()
    return None


def _last_hash(stream: BinaryIO) -> str:
    """Return the hash of the last line, 64 zeros for an empty log.

    A line that a power failure cut short is ended with a line break and counts as it is.
    """
    size = stream.seek(0, os.SEEK_END)
    if size == 0:
        return _START
    reach = 1 << 16
    while True:
        stream.seek(max(size - reach, 0))
        tail = stream.read()
        if tail.rstrip(b"\n").count(b"\n") or reach >= size:
            break
        reach *= 4
    if not tail.endswith(b"\n"):
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n")
    return hashlib.sha256(tail.rstrip(b"\n").rsplit(b"\n", 1)[-1]).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
