"""Rollback of completed steps: when a step fails, those before it are undone, last first, and the message lists them."""

from __future__ import annotations

from types import TracebackType
from typing import Callable

from faceplate_client import ClientError, EngineError, HostError

__all__ = ["Rollback"]


class Rollback:
    """A `with` block: `step` names the next step, `done` registers how to undo the last one.

    An exception that leaves the block undoes every step. A `ClientError` or `OSError` leaves as a `HostError` that lists
    what was undone.
    """

    def __init__(self) -> None:
        self._step = ""
        self._undo: list[tuple[str, Callable[[], object]]] = []

    def step(self, what: str) -> None:
        """Name the next step; `what` completes "While …"."""
        self._step = what

    def done(self, what: str, undo: Callable[[], object]) -> None:
        """Register a completed step; `undo` returns False, or raises, when it fails."""
        self._undo.append((what, undo))

    def __enter__(self) -> Rollback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        undone, left = self._undo_all()
        if not isinstance(error, (ClientError, OSError)):
            return
        told = error if isinstance(error, HostError) else _as_host_error(error)
        told.step = told.step or self._step
        told.undone += undone
        told.left += left
        if told is not error:
            raise told from error

    def _undo_all(self) -> tuple[list[str], list[str]]:
        undone: list[str] = []
        left: list[str] = []
        while self._undo:
            what, undo = self._undo.pop()
            try:
                worked = undo() is not False
            except Exception:  # the first failure is the one to report
                worked = False
            (undone if worked else left).append(what)
        return undone, left


def _as_host_error(error: BaseException) -> HostError:
    if isinstance(error, EngineError):
        return HostError(error.code, error.message)
    name = getattr(error, "filename", None) or ""
    reason = getattr(error, "strerror", None) or str(error)
    return HostError("disk", f"{name}: {reason}." if name else f"{reason}.")
