"""How the C library keeps the memory that pictures leave behind.

By default glibc returns a large block to the system as soon as it is freed. Every picture of the next frame then comes as new
pages, which the system clears first: on a UHD frame a third of all time. A program that works on one frame after another keeps
them.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

__all__ = ["keep_freed_memory", "return_freed_memory"]

# Of `mallopt`, in glibc's malloc.h: how much free memory is kept, from which size on a block is mapped by itself, number of heaps.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_NEVER = (1 << 31) - 1


def keep_freed_memory() -> bool:
    """Keep freed blocks of every size for the next use, in one heap for all threads; return whether the C library can.

    It holds for the whole process, so only a program of Faceplate's own calls it, never the library inside somebody's host. Several
    heaps would each hold the largest picture, and blocks above 64 MiB have no place in any but the first. Elsewhere than with glibc
    nothing changes.
    """
    library = _glibc()
    if library is None:
        return False
    settings = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _NEVER), (_TRIM_THRESHOLD, _NEVER))
    return all([library.mallopt(name, value) == 1 for name, value in settings])


def return_freed_memory() -> None:
    """Return to the system what is free now; the next frame takes new pages."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
