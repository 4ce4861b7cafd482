"""Work in the background of a session: one thread a shot, Nuke's task window, results brought to the main thread."""

from __future__ import annotations

import threading
import traceback
from typing import Any, Callable

import nuke

from faceplate_client import ClientError, HostError, Progress

__all__ = ["Task", "Tasks"]


class Task:
    """Work that a thread does without Nuke. `work(progress)` may raise HostError; `finish(result)` and `failed(sentence)`
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
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faceplate " + title, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Asks it to stop; it does at the engine's next answer."""
        self._cancelled.set()

    @property
    def running(self) -> bool:
        """Whether its work has not ended."""
        return not self._ended.is_set()

    def _run(self) -> None:
        # Nuke's guide makes and moves a ProgressTask in the working thread, and nothing else of Nuke.
        window = nuke.ProgressTask(self._title)

        def progress(done: int, total: int) -> bool:
            window.setProgress(int(100 * done / total) if total else 0)
            window.setMessage(f"{done} of {total}")
            return not (self._cancelled.is_set() or window.isCancelled())

        call, answer = self._worked(progress)
        # Set first: what is called in the main thread may start the node's next task.
        self._ended.set()
        nuke.executeInMainThread(call, args=(answer,))

    def _worked(self, progress: Progress) -> tuple[Callable[[Any], None], Any]:
        try:
            return self._finish, self._work(progress)
        except ClientError as error:
            return self._failed, str(error)
        except Exception:
            # A mistake of ours must not vanish with its thread.
            return self._failed, traceback.format_exc()


class Tasks:
    """The tasks of a session, one a shot."""

    def __init__(self) -> None:
        self._of: dict[str, Task] = {}

    def start(self, shot: str, name: str, task: Task) -> None:
        """Starts `task`. Raises HostError, which calls the node `name`, while another one of this shot runs."""
        if self.busy(shot):
            raise HostError("busy", f"{name} is at work; wait, or press Cancel.")
        self._of[shot] = task
        task.start()

    def busy(self, shot: str) -> bool:
        """Whether a task of this shot runs."""
        return shot in self._of and self._of[shot].running

    def cancel(self, shot: str) -> None:
        """Stops the shot's task, if one runs."""
        if shot in self._of:
            self._of[shot].cancel()
