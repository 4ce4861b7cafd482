"""Locks between processes, by filelock: the operating system's own lock on an open file, so that a killed holder frees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

__all__ = ["exclusive", "take"]


def take(path: Path) -> BaseFileLock | None:
    """Take the lock at `path` without waiting, for as long as this process lives.

    Parameters
    ----------
    path : Path
        The lock file; it is made where it is missing, readable by its owner alone, and stays.

    Returns
    -------
    filelock.BaseFileLock or None
        The held lock; call its `release` to give it up. None where another process holds it.

    Raises
    ------
    OSError
        The file cannot be opened or locked.
    """
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock at `path` while the block runs; wait for it where another process or thread holds it.

    Raises
    ------
    OSError
        The file cannot be opened or locked.
    """
    with _lock(path):
        yield


def _lock(path: Path) -> BaseFileLock:
    return FileLock(path, mode=0o600, thread_local=False)
