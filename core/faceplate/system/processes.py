"""Whether other processes are alive (psutil)."""

from __future__ import annotations

import psutil

__all__ = ["alive", "birth"]

_DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def birth(pid: int) -> str:
    """Return the start time of process `pid` as text, which tells it from a later process with the same number.

    Returns
    -------
    str
        Seconds, since boot on Linux and since the epoch elsewhere; "" where the process is dead (a zombie counts as
        dead) or the system does not say.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in _DEAD:
            return ""
        started = process.create_time()
    except (psutil.Error, ValueError):
        return ""
    # On Linux psutil adds the time of boot, which moves when the clock is set; without it the value stays the same.
    return f"{started - (psutil.boot_time() if psutil.LINUX else 0.0):.2f}"


def alive(pid: int, born: str = "") -> bool:
    """Return whether process `pid` is alive.

    Parameters
    ----------
    pid : int
        The number of the process.
    born : str
        What `birth` returned for it; a later process with the same number then does not count. "" accepts any.
    """
    now = birth(pid)
    if now:
        return born in ("", now)
    # A process of another user may refuse to say when it started.
    return psutil.pid_exists(pid) and not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in _DEAD
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
