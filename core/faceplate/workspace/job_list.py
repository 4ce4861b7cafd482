"""Jobs as the page lists them: with their pace, the time left, and whether they can be repeated."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from faceplate.errors import UsageError
from faceplate.service.job_queue import Job, JobQueue

__all__ = ["JobList", "Repeat"]

_MOST = 512


@dataclass(frozen=True)
class Repeat:
    """What the page asked for when it submitted a job: the shot file and the request."""

    shot: str
    request: dict[str, Any]


class JobList:
    """The queue's jobs as documents, and the requests of those that the page has submitted."""

    def __init__(self, queue: JobQueue) -> None:
        self.queue = queue
        self._requests: OrderedDict[str, Repeat] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, job: Job, request: Repeat) -> None:
        """Keep the request of a job, so that it can be repeated."""
        with self._lock:
            self._requests[job.id] = request
            while len(self._requests) > _MOST:
                self._requests.popitem(last=False)

    def request_of(self, job: str) -> Repeat:
        """Return the request of a job. Raises `UsageError('not-repeatable')` for a job of a host."""
        with self._lock:
            found = self._requests.get(job)
        if found is None:
            raise UsageError(
                "not-repeatable", "This job was not started from a page; start it again where it came from."
            )
        return found

    def documents(self) -> list[dict[str, Any]]:
        """Return every job that a list shows, the newest first, without frames."""
        return [self.document(job) for job in reversed(self.queue.known())]

    def document(self, job: Job) -> dict[str, Any]:
        """Return one job without its frames, with its pace; of two documents the one of the higher `revision` is newer."""
        revision = self.queue.revision(job)  # read first: the document may be newer than its revision, never older
        document = {**self.queue.document(job), "frames": {}}
        until = job.ended if job.finished else time.monotonic()
        spent = until - job.began if job.began else 0.0
        pace = job.done / spent if spent > 0 and job.done else None
        running = job.state == "running"
        started = datetime.now(UTC) - timedelta(seconds=time.monotonic() - job.began) if job.began else None
        own = job.id in self._requests
        return {
            **document,
            "revision": revision,
            "label": job.label or job.kind,
            "shot": job.shot or None,
            "fps": round(pace, 3) if pace and job.total > 1 else None,
            "left_s": round((job.total - job.done) / pace, 1) if running and pace and job.total > job.done else None,
            "started": started.isoformat(timespec="seconds").replace("+00:00", "Z") if started else None,
            "priority": job.priority,
            "own": own,
            "retry": own and job.finished,
        }
