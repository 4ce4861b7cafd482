"""Work in the background of a session: one thread a node, Nuke's task window, results brought to the main thread."""

from __future__ import annotations

import threading
import traceback
from typing import Any, Callable

import nuke

from .link import Progress
from .refusal import Refusal

__all__ = ["Task", "Tasks"]


class Task:
    """Work that a thread does without Nuke. `work(progress)` may raise Refusal; `finish(result)` and `failed(sentence)`
    are called in the main thread."""

    def __init__(
        self,
        title: str,
        work: Callable[[Progress], Any],
        finish: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        self._title = title
        self._work = work
        self._finish = finish
        self._failed = failed
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faceplate " + title, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Asks it to stop; it does at the engine's next answer."""
        self._cancelled.set()

    def join(self, timeout: float) -> None:
        """Waits for the thread, not for what it leaves to the main thread."""
        self._thread.join(timeout)

    @property
    def running(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    def _run(self) -> None:
        # Nuke's guide makes and moves a ProgressTask in the working thread, and nothing else of Nuke.
        window = nuke.ProgressTask(self._title)

        def progress(done: int, total: int) -> bool:
            window.setProgress(int(100 * done / total) if total else 0)
            window.setMessage(f"{done} of {total}")
            return not (self._cancelled.is_set() or window.isCancelled())

        try:
            result = self._work(progress)
        except Refusal as refusal:
            nuke.executeInMainThread(self._failed, args=(str(refusal),))
        except Exception:
            # A mistake of ours must not vanish with its thread.
            nuke.executeInMainThread(self._failed, args=(traceback.format_exc(),))
        else:
            nuke.executeInMainThread(self._finish, args=(result,))


class Tasks:
    """The tasks of a session, one a node."""

    def __init__(self) -> None:
        self._of: dict[str, Task] = {}

    def start(self, node: str, task: Task) -> None:
        """Starts `task`. Raises Refusal while another one of this node runs."""
        if self.busy(node):
            raise Refusal(f"{node} is at work; wait, or press Cancel.")
        self._of[node] = task
        task.start()

    def busy(self, node: str) -> bool:
        """Whether a task of this node runs."""
        return node in self._of and self._of[node].running

    def cancel(self, node: str) -> None:
        """Stops the node's task, if one runs."""
        if node in self._of:
            self._of[node].cancel()

    def join(self, timeout: float = 60.0) -> None:
        """Waits for every thread."""
        for task in list(self._of.values()):
            task.join(timeout)
