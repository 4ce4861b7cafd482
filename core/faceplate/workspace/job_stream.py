"""One stream of events for a page: every job, and what changes on disk of the shot that it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent

from faceplate.service.app import Service
from faceplate.workspace.job_list import JobList

__all__ = ["Watched", "page_stream"]

# Seconds between two looks at the queue, between two looks at the files, and between two pings.
_LOOK, _LOOK_AT_FILES, _PING = 0.15, 1.0, 2.0

Marks = dict[str, tuple[str, str]]
"""A file that a page watches: what it is → its path, and a text that changes with it."""


@dataclass
class Watched:
    """The files of a page's shot; `marks()` gives them as they are now."""

    marks: Callable[[], Marks] = dict
    known: Marks = field(default_factory=dict)

    def changed(self) -> list[dict[str, str]]:
        """Return the files that have changed since the last call."""
        now = self.marks()
        found = [
            {"what": what, "path": path, "etag": mark}
            for what, (path, mark) in now.items()
            if what in self.known and self.known[what] != (path, mark)
        ]
        self.known = now
        return found


def page_stream(service: Service, jobs: JobList, watched: Watched, started: str) -> EventSourceResponse:
    """Return the stream: `jobs` once, then `job`, `frame`, `log`, `file` and `ping`. While it is open the engine stays."""
    return EventSourceResponse(_events(service, jobs, watched, started), ping=3600)


async def _events(service: Service, jobs: JobList, watched: Watched, started: str) -> AsyncIterator[ServerSentEvent]:
    service.open_pages += 1
    try:
        seen = {job.id: service.queue.revision(job) for job in service.queue.known()}
        yield _event("jobs", {"jobs": jobs.documents()})
        await asyncio.to_thread(watched.changed)
        looks, pings = _LOOK_AT_FILES, _PING
        while not service.stopping:
            await asyncio.sleep(_LOOK)
            for event, data in _news(jobs, seen):
                yield _event(event, data)
            looks, pings = looks - _LOOK, pings - _LOOK
            if looks <= 0:
                looks = _LOOK_AT_FILES
                for change in await asyncio.to_thread(watched.changed):
                    yield _event("file", change)
            if pings <= 0:
                pings = _PING
                yield _event("ping", {"started": started})
    finally:
        service.open_pages -= 1


def _news(jobs: JobList, seen: dict[str, int]) -> list[tuple[str, dict[str, Any]]]:
    """Return what happened since the last look: frames and sentences one by one, a job once."""
    found: list[tuple[str, dict[str, Any]]] = []
    known = jobs.queue.known()
    for job in known:
        events, _ = jobs.queue.since(job, seen.get(job.id, 0))
        if not events:
            continue
        seen[job.id] = events[-1][0]
        for _, event, data in events:
            if event in ("frame", "log"):
                found.append((event, {"job": job.id, "shot": job.shot or None, **data}))
        found.append(("job", jobs.document(job)))
    for gone in seen.keys() - {job.id for job in known}:
        del seen[gone]
    return found


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data, default=_plain), event=name, sep="\n")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else repr(value)
