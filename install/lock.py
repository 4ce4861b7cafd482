"""Allows one installation at a time in one environment.

The operating system holds the lock on an open file, so it frees the lock when the owner ends in any way. A lock file left
behind by a crash blocks nobody.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from install.settings import InstallError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["locked", "try_lock"]

_PAUSE = 0.2
# Windows forbids others to read locked bytes; one far behind the end leaves the owner's number readable.
_FAR_BYTE = 1 << 30


@contextmanager
def locked(path: Path, say: Callable[[str], None], patience: float = 1800.0) -> Iterator[int]:
    """Hold the lock on `path` and yield its file descriptor; `say` gets one line if another process holds it.

    Raises InstallError after `patience` seconds of waiting.
    """
    end = time.monotonic() + patience
    told = False
    while (descriptor := _take(path)) is None:
        if not told:
            say(f"Another installation ({_owner(path)}) is at work in {path.parent}; waiting for it …")
            told = True
        if time.monotonic() > end:
            raise InstallError(f"{_owner(path)} still holds {path}; end it, then try again.")
        time.sleep(_PAUSE)
    try:
        yield descriptor
    finally:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone, or return False at once."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _take(path: Path) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except FileNotFoundError:  # another run removes the folder at this moment
        return None
    if not (try_lock(descriptor) and _is_still(path, descriptor)):
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _is_still(path: Path, descriptor: int) -> bool:
    """Return whether `path` still names the opened file: its former owner may have removed it in the meantime."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _owner(path: Path) -> str:
    try:
        return f"process {path.read_text('ascii').strip() or 'unknown'}"
    except (OSError, ValueError):
        return "another process"
