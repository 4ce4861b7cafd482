"""How many threads OpenCV takes while other work runs beside it.

OpenCV gives every large enough call to all cores. Where the stages of several frames run side by side those are taken already, and
its threads wait for each other longer than they work. The number holds for the whole process, so a limit is set only where nothing
else runs in it. Pixels do not depend on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2

__all__ = ["limited_opencv_threads"]


@dataclass
class _Limits:
    """The limits that hold now; OpenCV has one number of threads for the whole process, and `usual` is that without a limit."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: list[int] = field(default_factory=list)
    usual: int = 0


_LIMITS = _Limits()


@contextmanager
def limited_opencv_threads(count: int) -> Iterator[None]:
    """Let OpenCV take `count` threads at most, 1 or more, in the whole process; of several limits at a time the least holds."""
    with _LIMITS.lock:
        if not _LIMITS.held:
            _LIMITS.usual = cv2.getNumThreads()
        _LIMITS.held.append(max(count, 1))
        _apply()
    try:
        yield
    finally:
        with _LIMITS.lock:
            _LIMITS.held.remove(max(count, 1))
            _apply()


def _apply() -> None:
    cv2.setNumThreads(min([_LIMITS.usual, *_LIMITS.held]))
