"""One installation at a time in one environment.

The lock is the operating system's, on an open file, so the system itself frees it when its owner dies: a lock file that
was left behind, by a crash or a power cut, holds nobody up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from install.errors import InstallError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["Lock", "try_lock"]

_PAUSE = 0.2
# Windows forbids others to read locked bytes; one far behind the end leaves the owner's number readable.
_FAR_BYTE = 1 << 30


class Lock:
    """A context manager: `path` is locked inside it. `say` gets one line when there is somebody to wait for.

    Raises InstallError after `patience` seconds of waiting.
    """

    def __init__(self, path: Path, say: Callable[[str], None], patience: float = 1800.0) -> None:
        self.path = path
        self.descriptor = -1
        self._say = say
        self._patience = patience

    def __enter__(self) -> Lock:
        end = time.monotonic() + self._patience
        told = False
        while not self._take():
            if not told:
                self._say(f"Another installation ({self._owner()}) is at work in {self.path.parent}; waiting for it …")
                told = True
            if time.monotonic() > end:
                raise InstallError(f"{self._owner()} still holds {self.path}; end it, then try again.")
            time.sleep(_PAUSE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.platform == "win32":
            os.lseek(self.descriptor, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(self.descriptor, msvcrt.LK_UNLCK, 1)
        os.close(self.descriptor)
        self.descriptor = -1

    def _take(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # another run is just removing the folder
            return False
        if not (try_lock(descriptor) and self._is_still(descriptor)):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self.descriptor = descriptor
        return True

    def _is_still(self, descriptor: int) -> bool:
        """Whether `path` still names the opened file: its former owner may have removed it while this one waited."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def _owner(self) -> str:
        try:
            number = self.path.read_text("ascii", "replace").strip()
        except OSError:
            number = ""
        return f"process {number}" if number else "another process"


def try_lock(descriptor: int) -> bool:
    """Locks an open file for this process alone, or returns False at once."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
