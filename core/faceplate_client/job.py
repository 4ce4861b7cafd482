"""A job of the engine, followed by its event stream or by polling; it survives a restart of the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import EngineError
from .transport import LostError, events

if TYPE_CHECKING:
    from .engine import Engine, Shot

__all__ = ["FINISHED", "Job"]

FINISHED = ("done", "failed", "cancelled", "superseded")
_PATIENCE = 300.0
_POLL = 0.1


class Job:
    """A submitted job. `document` is its last known state, with the keys of ``GET /v1/jobs/{id}``."""

    def __init__(self, engine: Engine, shot: Shot, body: dict[str, Any]) -> None:
        self.engine = engine
        self.shot = shot
        self._body = body
        self._again = True
        self._last = 0
        self._streams = True
        self.document: dict[str, Any] = {}
        self._submit()

    @property
    def id(self) -> str:
        """The job's name in the engine."""
        return self.document["job"]

    @property
    def state(self) -> str:
        """The last known state: waiting, running, or one of `FINISHED`."""
        return self.document["state"]

    @property
    def finished(self) -> bool:
        """Whether the job had ended when it was last asked for."""
        return self.document["state"] in FINISHED

    def poll(self, wait: float = 0.0) -> dict[str, Any]:
        """Ask for the job's current document and return it. Raises `EngineError`.

        The engine answers at once, or as soon as the job has ended within `wait` seconds, at most 30.
        """
        if not self.finished:
            query = f"?wait={wait:g}" if wait > 0 else ""
            self.document = self._asked(lambda: self.engine.call("GET", "/v1/jobs/" + self.id + query))
        return self.document

    def cancel(self) -> dict[str, Any]:
        """Cancel the job and return its document; frames that are written stay."""
        self._again = False
        try:
            self.document = self.engine.call("DELETE", "/v1/jobs/" + self.id)
        except EngineError as error:
            if error.code != "unknown-job":
                raise
            self.document = {**self.document, "state": "cancelled"}
        return self.document

    def wait(
        self, on_event: Callable[[dict[str, Any]], Any] | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """Wait until the job ends and return its document.

        Parameters
        ----------
        on_event : callable, optional
            Called with each event.
        timeout : float, optional
            Seconds to wait.

        Raises
        ------
        EngineError
            The job's own code when it failed, ``cancelled``, ``superseded``, or ``timeout``; a job that timed out goes on.
        """
        for event in self.events(timeout):
            if on_event is not None:
                on_event(event)
        return self.result()

    def result(self) -> dict[str, Any]:
        """Return the document of the finished job. Raises as `wait` does."""
        document = self.poll()
        if document["state"] == "done":
            return document
        error = document.get("error") or {}
        code = document["state"] if document["state"] != "failed" else str(error.get("code", "failed"))
        raise EngineError(code, str(error.get("message") or "The job is {}.".format(document["state"])), document)

    def events(self, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """Yield the job's events up to its final state: ``{"event": "state" | "progress" | "frame" | "log", …}``.

        Polls when the event stream does not work. Raises `EngineError` ``timeout``.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self.finished:
            if self._streams:
                yield from self._streamed(end)
            else:
                yield from self._polled(end)

    def _streamed(self, end: float | None) -> Iterator[dict[str, Any]]:
        silence = 30.0 if end is None else max(min(30.0, end - time.monotonic()), 0.05)
        address = self.engine.reach()
        try:
            for event in events(address, f"/v1/jobs/{self.id}/events", self._last, silence):
                if event["event"] != "ping":
                    self._last = event["id"]
                    yield event
                _in_time(end)
            self.poll()
            if not self.finished:  # the stream ended before the job did
                self._streams = False
        except LostError:
            _in_time(end)
            before = self.id
            self.poll()
            # The engine answers but its stream does not: something between, such as a virus scanner, blocks streams.
            self._streams = self._streams and (self.id != before or self.finished)
        except EngineError as error:
            if error.code == "timeout":
                raise
            self.poll()
            self._streams = self._streams and error.code == "unknown-job"

    def _polled(self, end: float | None) -> Iterator[dict[str, Any]]:
        seen: dict[str, Any] = {}
        said = None
        while True:
            document = self.poll()
            for frame, entry in document["frames"].items():
                if seen.get(frame) != entry["state"]:
                    seen[frame] = entry["state"]
                    yield {"event": "frame", "id": 0, "frame": int(frame), **entry}
            news = (document["state"], document["done"], document["total"])
            if news != said:
                said = news
                yield {"event": "progress", "id": 0, "done": document["done"], "total": document["total"]}
                yield {"event": "state", "id": 0, "state": document["state"]}
            if self.finished:
                return
            _in_time(end)
            time.sleep(_POLL)

    def _asked(self, work: Callable[[], Any]) -> Any:
        """Return `work()`; when a new engine does not know the job, submit it again, once."""
        try:
            return work()
        except EngineError as error:
            if error.code != "unknown-job" or not self._again:
                raise
        self._again = False
        self._submit()
        return self.document

    def _submit(self) -> None:
        self._last = 0
        self.document = self.engine.with_shot(
            self.shot,
            lambda: self.engine.call("POST", "/v1/jobs", {**self._body, "shot": self.shot.key}, _PATIENCE),
        )


def _in_time(end: float | None) -> None:
    if end is not None and time.monotonic() > end:
        raise EngineError("timeout", "The wait timed out; the job is still running. Wait again or cancel it.")
