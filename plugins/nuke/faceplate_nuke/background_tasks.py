"""Background tasks of a session: one thread per shot, Nuke's progress window, results in the main thread."""

from __future__ import annotations

import threading
import traceback
from typing import Any, Callable

import nuke

from faceplate_client import ClientError, HostError, Progress

__all__ = ["Task", "Tasks"]


class Task:
    """A task whose `work(progress)` runs in a thread without Nuke and may raise `ClientError`.

    `finish(result)` or `failed(sentence)` is then called in the main thread. A `live` task is one that nobody asked for: it
    has no progress window, and any other task may take its place.
    """

    def __init__(
        self,
        title: str,
        work: Callable[[Progress], Any],
        finish: Callable[[Any], None],
        failed: Callable[[str], None],
        live: bool = False,
    ) -> None:
        self.live = live
        self._title = title
        self._work = work
        self._finish = finish
        self._failed = failed
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faceplate " + title, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the task to stop; it does at the engine's next answer."""
        self._cancelled.set()

    @property
    def running(self) -> bool:
        """Whether the task has not ended."""
        return not self._ended.is_set()

    def _run(self) -> None:
        # Nuke's guide allows a ProgressTask in the worker thread, and no other call of Nuke.
        window = None if self.live else nuke.ProgressTask(self._title)

        def progress(done: int, total: int) -> bool:
            if window is None:
                return not self._cancelled.is_set()
            window.setProgress(int(100 * done / total) if total else 0)
            window.setMessage(f"{done} of {total}")
            return not (self._cancelled.is_set() or window.isCancelled())

        call, answer = self._worked(progress)
        # Set before the call: the call may start the node's next task.
        self._ended.set()
        nuke.executeInMainThread(call, args=(answer,))

    def _worked(self, progress: Progress) -> tuple[Callable[[Any], None], Any]:
        try:
            return self._finish, self._work(progress)
        except ClientError as error:
            overtaken = self.live and self._cancelled.is_set()
            return self._failed, "" if overtaken else str(error)
        except Exception:
            # A programming error must be shown, not lost with the thread.
            return self._failed, traceback.format_exc()


class Tasks:
    """The tasks of a session, one per shot."""

    def __init__(self) -> None:
        self._of: dict[str, Task] = {}

    def start(self, shot: str, name: str, task: Task) -> None:
        """Start `task` of the node `name`; it takes the place of a live one.

        Raises HostError `busy` while another task of this shot runs.
        """
        self.cancel(shot, only_live=True)
        if self.busy(shot) and not self._of[shot].live:
            raise HostError("busy", f"{name} is busy; wait, or press Cancel.")
        self._of[shot] = task
        task.start()

    def busy(self, shot: str) -> bool:
        """Return whether a task of this shot runs."""
        return shot in self._of and self._of[shot].running

    def cancel(self, shot: str, only_live: bool = False) -> None:
        """Cancel the shot's task, if one runs; with `only_live` a task that the user started goes on."""
        task = self._of.get(shot)
        if task is not None and (task.live or not only_live):
            task.cancel()
