"""Finds a running engine, or starts one and waits until it answers."""

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
    """The address of an engine that answers, or None. What a killed engine left behind is passed over."""
    for path in paths.state_files(folder, __version__):
        state = paths.read_json(path)
        if state is None or state.get("api") != paths.API or paths.why_unsafe(path):
            continue
        address = _address(state, bound)
        if address is not None and _answers(address):
            return address
    return None


def start_engine(folder: str, wait: float, parent: bool | int, idle: float | None = None) -> Address:
    """Starts an engine and waits up to `wait` seconds for one that answers: the new one, or one that another process
    started first. `parent` may name another process than this one to end with. Raises `EngineError` `engine-not-started`
    with the end of its log."""
    arguments = ["--parent", str(os.getpid() if parent is True else parent)] if parent else []
    if idle is not None:
        arguments += ["--idle", str(idle)]
    process = launch(arguments, folder)
    end = time.monotonic() + wait
    while True:
        # Asked before looking: an engine that yields to another one ends after that one's state file is there.
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
        if code == 0:  # it yielded to another one, which has ended since
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
    return "{}{}".format(said or "it said nothing", ended)
