"""The audit log: one JSON line for every render of a show, each carrying the hash of the line before.

Lines are only ever appended, under the operating system's lock, so that two renders cannot write into one another. A
line that was changed or taken out breaks the chain at that place.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from faceplate.errors import RenderError

__all__ = ["AUDIT_FILE", "append", "broken_line"]

AUDIT_FILE = "faceplate.audit.jsonl"
_START = "0" * 64


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Adds a line to the log at `path`: `entry`, who and where and when, and the chain.

    Raises `RenderError('audit-unwritable')`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as stream, _locked(stream):
            line = {"when": _now(), "who": _user(), "host": platform.node(), **entry, "before": _last_hash(stream)}
            stream.write(json.dumps(line, sort_keys=True, ensure_ascii=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise RenderError("audit-unwritable", f"The audit log {path} cannot be written: {error.strerror}.") from error


def broken_line(path: Path) -> int | None:
    """The number of the first line (from 1) that does not follow from the one before; None when all do."""
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
    """The hash of the last whole line; a torn one (a machine that lost power) is closed off and counts as it is."""
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


@contextmanager
def _locked(stream: BinaryIO) -> Iterator[None]:
    if os.name == "nt":  # appends of one write are whole there, and a second lock would need another library
        yield
        return
    import fcntl

    fcntl.flock(stream, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(stream, fcntl.LOCK_UN)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
