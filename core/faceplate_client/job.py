"""A job of the engine: followed by its events, or by asking, through a restart of the engine."""

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
    """Work that was asked for. `id` names it, `document` is what was last heard of it."""

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
        return self.document["job"]

    @property
    def state(self) -> str:
        return self.document["state"]

    @property
    def finished(self) -> bool:
        return self.document["state"] in FINISHED

    def poll(self) -> dict[str, Any]:
        """The job's document as it is now."""
        if not self.finished:
            self.document = self._asked(lambda: self.engine.call("GET", "/v1/jobs/" + self.id))
        return self.document

    def cancel(self) -> dict[str, Any]:
        """Cancels the job; a frame that is written already stays."""
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
        """Follows the job to its end and answers its document. `on_event` gets each event.

        Raises `EngineError` (with the document as `job`) when it failed, was `cancelled` or `superseded`, and `timeout`
        when `timeout` seconds were not enough; the job then goes on.
        """
        for event in self.events(timeout):
            if on_event is not None:
                on_event(event)
        return self.result()

    def result(self) -> dict[str, Any]:
        """The document of the finished job. Raises as `wait` does."""
        document = self.poll()
        if document["state"] == "done":
            return document
        error = document.get("error") or {}
        code = document["state"] if document["state"] != "failed" else str(error.get("code", "failed"))
        raise EngineError(code, str(error.get("message") or "The job is {}.".format(document["state"])), document)

    def events(self, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """What happens, as it happens: `{"event": "state" | "progress" | "frame" | "log", …}`, up to the final state.

        Falls back to asking when the stream does not work. Raises `EngineError` `timeout`.
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
            # The same engine answers and the stream does not: something between them eats it.
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
        """`work()`; when a new engine does not know the job it is submitted again, once."""
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
        raise EngineError("timeout", "The engine is not done yet; the job goes on, or cancel it.")
