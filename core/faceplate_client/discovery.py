"""Find a running engine, or start one and wait until it answers."""

from __future__ import annotations

import os
import time
from typing import Any

from . import paths
from .errors import EngineError
from .launcher import launch, log_tail
from .transport import Address, LostError, request
from .version import __version__

__all__ = ["find_engine", "start_engine"]

_PAUSE = 0.05


def find_engine(folder: str, bound: bool = False) -> Address | None:
    """Return the address of a running engine, or None. State files of engines that have ended are ignored.

    With `bound` the engine drops this process's jobs when this process ends.
    """
    for path in paths.state_files(folder, __version__):
        state = paths.read_json(path)
        if state is None or state.get("api") != paths.API or paths.why_unsafe(path):
            continue
        address = _address(state, bound)
        if address is not None and _answers(address):
            return address
    return None


def start_engine(folder: str, wait: float, parent: bool | int, idle: float | None = None) -> Address:
    """Start an engine and wait for an answer: from the new engine, or from one that another process started first.

    Parameters
    ----------
    folder : str
        The run folder.
    wait : float
        Seconds to wait.
    parent : bool or int
        Whether the engine ends with this process, or the id of another process to end with.
    idle : float, optional
        Seconds without work after which the engine ends.

    Raises
    ------
    EngineError
        ``engine-not-started``, with the end of the engine's log.
    """
    arguments = ["--parent", str(os.getpid() if parent is True else parent)] if parent else []
    if idle is not None:
        arguments += ["--idle", str(idle)]
    process = launch(arguments, folder)
    end = time.monotonic() + wait
    while True:
        # Polled first: an engine that yields to another one ends after the other's state file exists.
        code = process.poll()
        address = find_engine(folder, bool(parent))
        if address is not None:
            return address
        if code not in (None, 0):
            raise EngineError("engine-not-started", f"The engine did not start: {_why(folder, code)}")
        if time.monotonic() > end:
            raise EngineError(
                "engine-not-started", f"The engine did not answer within {wait:g} s: {_why(folder, code)}"
            )
        if code == 0:  # it yielded to another engine, which has ended since
            process = launch(arguments, folder)
        time.sleep(_PAUSE)


def _address(state: dict[str, Any], bound: bool) -> Address | None:
    try:
        return Address(int(state["port"]), str(state["token"]), bound)
    except (KeyError, TypeError, ValueError):
        return None


def _answers(address: Address) -> bool:
    try:
        return not request(address, "GET", "/v1/status", timeout=10.0)["stopping"]
    except (LostError, EngineError, KeyError, TypeError):
        return False


def _why(folder: str, code: int | None) -> str:
    said = log_tail(folder)
    ended = "" if code is None else f" (exit code {code})"
    return "{}{}".format(said or "it printed nothing", ended)
