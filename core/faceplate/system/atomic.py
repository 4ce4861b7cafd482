"""Files that appear whole or not at all: written under a hidden name in the same folder, flushed, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from faceplate.errors import RenderError

__all__ = ["publish", "temporary_beside", "write_bytes", "write_failed"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("no space left", "quota exceeded", "file too large")


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A hidden name of this process beside `path`, with its extension; whatever lies there at the end is removed."""
    name = f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.part{path.suffix}"
    temporary = path.with_name(name)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def publish(temporary: Path, path: Path) -> None:
    """Flush a finished file to the disk and give it its final name. Raises RenderError as `write_failed` gives it."""
    try:
        _sync(temporary)
        os.replace(temporary, path)  # noqa: PTH105  (the same call on every platform, and what tests interrupt)
        if os.name == "posix":  # only there can a folder be opened to flush its entry
            _sync(path.parent)
    except OSError as error:
        raise write_failed(path, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file at once, its folder made where it is missing. Raises RenderError as `write_failed` gives it."""
    with temporary_beside(path) as part:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
        except OSError as error:
            raise write_failed(path, error) from error
        publish(part, path)


def write_failed(path: Path, reason: OSError | str) -> RenderError:
    """The error for a file that could not be written: `disk-full` where there is no room, else `output-unwritable`.

    OpenImageIO does not always say that the disk is full, so the folder is tried when its message does not.
    """
    text = (reason.strerror or str(reason)) if isinstance(reason, OSError) else " ".join(reason.split()).rstrip(".")
    full = isinstance(reason, OSError) and reason.errno in _FULL
    if full or any(word in text.lower() for word in _FULL_WORDS) or _is_full(path):
        return RenderError("disk-full", f"{path} could not be written: the disk or the quota is full. Free some space.")
    return RenderError("output-unwritable", f"{path} could not be written ({text or 'no reason given'}).")


def _is_full(path: Path) -> bool:
    with temporary_beside(path) as probe:
        try:
            probe.write_bytes(bytes(1 << 16))
            _sync(probe)
        except OSError as error:
            return error.errno in _FULL
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
