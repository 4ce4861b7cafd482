"""Rollback that can be taken back: when one fails, those before it are undone, last first, and the message says which."""

from __future__ import annotations

from types import TracebackType
from typing import Callable

from faceplate_client import ClientError, EngineError, HostError

__all__ = ["Rollback"]


class Rollback:
    """Used in a `with` block: `step` names what comes next, `done` says how to take back what just happened.

    An exception that leaves the block undoes everything; a `HostError` or `EngineError` leaves as a `HostError` that
    tells what was undone. Without one nothing is undone.
    """

    def __init__(self) -> None:
        self._step = ""
        self._undo: list[tuple[str, Callable[[], object]]] = []

    def step(self, what: str) -> None:
        """`what` completes "While …"."""
        self._step = what

    def done(self, what: str, undo: Callable[[], object]) -> None:
        """`undo` gives False, or raises, when it could not."""
        self._undo.append((what, undo))

    def __enter__(self) -> Rollback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        undone, left = self._take_back()
        if not isinstance(error, (ClientError, OSError)):
            return
        told = error if isinstance(error, HostError) else _as_host_error(error)
        told.step = told.step or self._step
        told.undone += undone
        told.left += left
        if told is not error:
            raise told from error

    def _take_back(self) -> tuple[list[str], list[str]]:
        undone: list[str] = []
        left: list[str] = []
        while self._undo:
            what, undo = self._undo.pop()
            try:
                worked = undo() is not False
            except Exception:  # the first failure is the one to tell about
                worked = False
            (undone if worked else left).append(what)
        return undone, left


def _as_host_error(error: BaseException) -> HostError:
    if isinstance(error, EngineError):
        return HostError(error.code, error.message)
    name = getattr(error, "filename", None) or ""
    reason = getattr(error, "strerror", None) or str(error)
    return HostError("disk", f"{name}: {reason}." if name else f"{reason}.")
