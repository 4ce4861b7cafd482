"""The state of one run of the fake Nuke, and the rules that hold everywhere: threads, contexts, undo."""

from __future__ import annotations

import functools
import inspect
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

__all__ = ["Session", "current", "main_thread_only", "reset"]

_T = TypeVar("_T")


class Session:
    """What a running Nuke holds. `gui`: with a window; else `nuke -t` or `nuke -x`."""

    def __init__(self, gui: bool, version: str) -> None:
        self.gui = gui
        self.version = version
        self.main = threading.current_thread()
        self.root: Any = None
        self.frame = 1
        self.view = "main"
        self.clipboard = ""
        self.groups: list[Any] = []
        self.context: list[tuple[Any, Any]] = []
        self.executing: list[Any] = []
        self.requests: queue.Queue[tuple[Callable[..., Any], tuple, dict, threading.Event | None, list]] = queue.Queue()
        self.said: list[str] = []
        self.drawn: list[str] = []
        """What Text nodes have written into pictures."""
        self.printed: list[str] = []
        self.answers: dict[str, Any] = {}
        self.undo_steps: list[list[Callable[[], None]]] = []
        self.undo_open: list[Callable[[], None]] | None = None
        self.undo_off = 0
        self.loading = 0
        self.layers: dict[str, list[str]] = {
            "rgb": ["red", "green", "blue"],
            "rgba": ["red", "green", "blue", "alpha"],
            "alpha": ["alpha"],
            "depth": ["Z"],
        }
        self.callbacks: dict[str, dict[str, list[tuple]]] = {}
        self.log: list[tuple[str, str, int]] = []
        self.cancel_at: int | None = None
        self.tasks: list[Any] = []
        self.menus: dict[str, Any] = {}
        self.plugin_folders: list[str] = []
        self.running_script = ""
        self.group_comes_first = False
        """Whether `onCreate` of a pasted or loaded Group is called before its inside is there: no page says."""

    def remember(self, restore: Callable[[], None]) -> None:
        """Notes how to take a change back, unless undo is off."""
        if self.undo_off or self.loading:
            return
        if self.undo_open is not None:
            self.undo_open.append(restore)
        else:
            self.undo_steps.append([restore])

    @contextmanager
    def about(self, node: Any, knob: Any = None) -> Iterator[None]:
        """`thisNode` and `thisKnob` inside."""
        self.context.append((node, knob))
        try:
            yield
        finally:
            self.context.pop()

    @contextmanager
    def at(self, frame: int) -> Iterator[None]:
        """The frame that expressions and file names see inside."""
        before, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.frame = before

    def pump(self, until: Callable[[], bool] = lambda: False) -> None:
        """What Nuke's window loop does between events: runs what threads have left to the main thread."""
        while True:
            try:
                call, args, kwargs, event, result = self.requests.get(timeout=0.01)
            except queue.Empty:
                return
            result.append(call(*args, **kwargs))
            if event is not None:
                event.set()
            if until():
                return


_session: Session | None = None


def current() -> Session:
    """The running Session."""
    assert _session is not None, "fake_nuke.start() has not been called"
    return _session


def reset(session: Session) -> None:
    """Makes `session` the running one."""
    global _session
    _session = session


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def only_here(*args: Any, **kwargs: Any) -> Any:
        if _session is not None and threading.current_thread() is not _session.main:
            raise RuntimeError(f"nuke: {function.__qualname__} was called outside the main thread")
        return function(*args, **kwargs)

    return only_here


def main_thread_only(what: _T) -> _T:
    """Makes a function, or every public method of a class, refuse any other thread. Real Nuke crashes or hangs."""
    if not inspect.isclass(what):
        return cast(_T, _checked(cast(Callable[..., Any], what)))
    for name, member in list(vars(what).items()):
        if inspect.isfunction(member) and (not name.startswith("_") or name == "__getitem__"):
            setattr(what, name, _checked(member))
    return what
