"""Requests to the engine in a thread: the host's window is never blocked, and the newest request of a name wins."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any, Callable

from .engine import Engine, connect
from .errors import ClientError, EngineError, HostError
from .job import Job

__all__ = ["Answer", "Background"]


class Answer:
    """The outcome of a request, or an event on the way.

    Attributes
    ----------
    name : str
        The request's name.
    result
        What the request returned; a job's document when it returned a job.
    error : ClientError or None
        Why it failed.
    event : dict or None
        An event of a job that is still running; `result` and `error` are then None.
    """

    def __init__(self, name: str, result: Any = None, error: ClientError | None = None, event: Any = None) -> None:
        self.name = name
        self.result = result
        self.error = error
        self.event = event


class Background:
    """A thread that sends requests to the engine, one after the other.

    A request replaces a waiting one of the same name, and cancels a running one, which then gives no answer.

    Parameters
    ----------
    connected : callable
        Returns the engine; called before each request.
    """

    def __init__(self, connected: Callable[[], Engine] = connect) -> None:
        self._connected = connected
        self._waiting: dict[str, Callable[[Engine], Any]] = {}
        self._news = threading.Condition()
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._running: tuple[str, Job | None] | None = None
        self._unwanted = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, name: str, work: Callable[[Engine], Any]) -> None:
        """Run `work(engine)` in the thread. Returns at once; may be called from any thread.

        When `work` returns a `Job`, the job is followed to its end: its events are answers, and so is its document.
        """
        with self._news:
            self._waiting[name] = work
            stale = self._drop(name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="faceplate-client", daemon=True)
                self._thread.start()
            self._news.notify()
        _cancel(stale)

    def cancel(self, name: str) -> None:
        """Cancel a request; no answer of it follows."""
        with self._news:
            self._waiting.pop(name, None)
            stale = self._drop(name)
        _cancel(stale)

    def busy(self, name: str) -> bool:
        """Return whether a request of that name waits or runs."""
        with self._news:
            return name in self._waiting or (self._running is not None and self._running[0] == name)

    def answers(self) -> list[Answer]:
        """Return the answers since the last call, without waiting. For the host's timer."""
        found = []
        while True:
            try:
                found.append(self._answers.get_nowait())
            except queue.Empty:
                return found

    def close(self) -> None:
        """Cancel the running request and end the thread."""
        with self._news:
            self._closed = True
            self._waiting.clear()
            stale = self._drop(None)
            self._news.notify()
        _cancel(stale)

    def _drop(self, name: str | None) -> Job | None:
        if self._running is None or name not in (None, self._running[0]):
            return None
        self._unwanted = True
        return self._running[1]

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._closed:
                    self._news.wait()
                if self._closed:
                    return
                name = next(iter(self._waiting))
                work = self._waiting.pop(name)
                self._running, self._unwanted = (name, None), False
            answer = self._answer(name, work)
            with self._news:
                self._running = None
                if not self._unwanted:
                    self._answers.put(answer)

    def _answer(self, name: str, work: Callable[[Engine], Any]) -> Answer:
        try:
            result = work(self._connected())
            if isinstance(result, Job):
                with self._news:
                    self._running = (name, result)
                    late = self._unwanted
                if late:
                    _cancel(result)
                result = result.wait(lambda event: self._tell(name, event))
            return Answer(name, result)
        except ClientError as error:
            return Answer(name, error=error)
        except Exception as error:
            return Answer(name, error=HostError("host", f"{type(error).__name__}: {error}"))

    def _tell(self, name: str, event: Any) -> None:
        with self._news:
            if not self._unwanted:
                self._answers.put(Answer(name, event=event))


def _cancel(job: Job | None) -> None:
    """Cancel a job in a thread of its own: the caller may be the host's window."""
    if job is not None:
        threading.Thread(target=_quietly, args=(job,), daemon=True).start()


def _quietly(job: Job) -> None:
    with contextlib.suppress(EngineError):
        job.cancel()
