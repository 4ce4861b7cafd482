"""Whether other processes are alive, without a signal that could hurt them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["alive", "birth"]


def birth(pid: int) -> str:
    """What tells a process from a later one with its number; "" where the system does not say, or it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    # Fields 3 and 22 of proc(5): the state, and when it started. A zombie is dead: nobody has buried it yet.
    return "" if fields[0] in ("Z", "X") else fields[19]


def alive(pid: int, born: str = "") -> bool:
    """Whether process `pid` lives, and is still the one that was `born` then."""
    if sys.platform == "win32":
        return _alive_windows(pid)
    if Path("/proc/self/stat").exists():
        now = birth(pid)
        return bool(now) and born in ("", now)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _alive_windows(pid: int) -> bool:
    import ctypes

    synchronize, waiting = 0x00100000, 0x00000102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return kernel.WaitForSingleObject(handle, 0) == waiting
    finally:
        kernel.CloseHandle(handle)
