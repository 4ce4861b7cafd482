"""Jobs, and the order in which they run.

A job runs in steps; a frame is one step. Before each step the most urgent job is chosen again, so that an interactive
request waits for one frame of a batch, never for the whole batch. Tracking has no such steps and a lane of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from faceplate.errors import FaceplateError, UsageError
from faceplate.system.memory import return_freed_memory

__all__ = ["FINISHED", "Job", "JobQueue", "error_entry"]

FINISHED = ("done", "failed", "cancelled", "superseded")
State = Literal["waiting", "running", "done", "failed", "cancelled", "superseded"]
_EVENTS = 4096
_log = logging.getLogger("faceplate.service")


@dataclass(eq=False)
class Job:
    """One request. `work(job)` yields after each of its steps; `total` is the number of steps.

    `not_rendered` counts the frames that were left out because the error of another frame ended the job. `label` says what the
    job does, `shot` is the path of its shot file, "" where it has none, and `listed` whether a list of jobs shows it. Every
    field is read and changed under the queue's lock, except `stop`, which any thread may ask.
    """

    kind: str
    work: Callable[[Job], Iterator[None]]
    total: int
    priority: str = "interactive"
    supersede: str | None = None
    owner: int | None = None
    lane: str = "frames"
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "waiting"
    done: int = 0
    not_rendered: int = 0
    frames: dict[int, dict[str, Any]] = field(default_factory=dict)
    result: Any = None
    error: dict[str, str] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    label: str = ""
    shot: str = ""
    listed: bool = True
    began: float = 0.0
    ended: float = 0.0
    events: deque[tuple[int, str, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=_EVENTS))
    listeners: set[Callable[[], None]] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _steps: Iterator[None] | None = None

    @property
    def finished(self) -> bool:
        """Whether the job has reached its final state."""
        return self.state in FINISHED

    def document(self) -> dict[str, Any]:
        """Return the answer of `GET /v1/jobs/{id}`."""
        return {
            "job": self.id,
            "kind": self.kind,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "frames": {str(frame): dict(entry) for frame, entry in self.frames.items()},
            "result": self.result,
            "error": self.error,
        }

    def tell(self, event: str, **data: Any) -> None:
        """Add an event and wake everyone who follows the job."""
        self.events.append((next(self._numbers), event, data))
        for wake in tuple(self.listeners):
            wake()


class JobQueue:
    """Every known job: those that wait and run, and for `keep` seconds those that have ended.

    `waiting_limit` bounds the number of waiting jobs, `kept_limit` the number of ended jobs that are remembered. After work, and
    `quiet` seconds without any, the memory that it left behind goes back to the system.
    """

    def __init__(
        self, keep: float = 900.0, waiting_limit: int = 1000, kept_limit: int = 256, quiet: float = 30.0
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.changed = threading.Condition()
        self.closed = False
        self._keep = keep
        self._waiting_limit = waiting_limit
        self._kept_limit = kept_limit
        self._quiet = quiet
        self._lanes = [
            threading.Thread(target=self._run, args=(lane,), name=f"faceplate-{lane}", daemon=True)
            for lane in ("frames", "tracks")
        ]

    def start(self) -> None:
        """Start the threads that run the jobs, one for each lane."""
        for lane in self._lanes:
            lane.start()

    def add(self, job: Job) -> Job:
        """Queue a job; it replaces those of the same `supersede`. Raises `UsageError` `engine-busy`, `engine-stopping`."""
        with self.changed:
            if self.closed:
                raise UsageError("engine-stopping", "The engine is stopping; ask again in a moment.")
            self._forget()
            if job.supersede is not None:
                for other in self.jobs.values():
                    if other.supersede == job.supersede and not other.finished:
                        self._end(other, "superseded")
            if sum(other.state == "waiting" for other in self.jobs.values()) >= self._waiting_limit:
                raise UsageError(
                    "engine-busy", f"{self._waiting_limit} jobs wait already; try again when some are done."
                )
            self.jobs[job.id] = job
            job.tell("state", state="waiting")
            self.changed.notify_all()
        return job

    def get(self, id_: str) -> Job:
        """Return the job called `id_`. Raises `UsageError('unknown-job')`."""
        with self.changed:
            self._forget()
            job = self.jobs.get(id_)
        if job is None:
            raise UsageError("unknown-job", f"The engine knows no job '{id_}'; it may have ended long ago.")
        return job

    def known(self) -> tuple[Job, ...]:
        """Return every job that a list shows, in the order in which they came."""
        with self.changed:
            return tuple(job for job in self.jobs.values() if job.listed)

    def drop(self, job: Job) -> None:
        """Forget a job whose result was taken; one that still runs is cancelled first."""
        with self.changed:
            if not job.finished:
                self._end(job, "cancelled")
            if job._steps is None:
                self.jobs.pop(job.id, None)
            self.changed.notify_all()

    def document(self, job: Job) -> dict[str, Any]:
        """Return the job as it is now, for a client."""
        with self.changed:
            return job.document()

    def revision(self, job: Job) -> int:
        """Return the number of the job's last event."""
        with self.changed:
            return job.events[-1][0] if job.events else 0

    def cancel(self, job: Job, state: Literal["cancelled", "superseded"] = "cancelled") -> None:
        """Cancel a job: at once while it waits, after its current frame while it runs. An ended job stays as it is."""
        with self.changed:
            if not job.finished:
                self._end(job, state)
            self.changed.notify_all()

    def cancel_of(self, owner: int) -> None:
        """Cancel the jobs of a process that has ended."""
        with self.changed:
            for job in self.jobs.values():
                if job.owner == owner and not job.finished:
                    self._end(job, "cancelled")

    def counts(self) -> dict[str, int]:
        """Return how many jobs wait and how many run."""
        with self.changed:
            states = [job.state for job in self.jobs.values()]
        return {"waiting": states.count("waiting"), "running": states.count("running")}

    def close(self, patience: float) -> None:
        """Cancel every job and wait up to `patience` seconds for the frames under way."""
        with self.changed:
            self.closed = True
            for job in self.jobs.values():
                if not job.finished:
                    self._end(job, "cancelled")
            self.changed.notify_all()
        end = time.monotonic() + patience
        for lane in self._lanes:
            if lane.is_alive():
                lane.join(max(end - time.monotonic(), 0.0))

    def since(self, job: Job, number: int) -> tuple[list[tuple[int, str, dict[str, Any]]], bool]:
        """Return the events after `number`, and whether no more will follow."""
        with self.changed:
            return [event for event in job.events if event[0] > number], job.finished

    def progress(self, job: Job, done: int, total: int | None = None) -> None:
        """Report how many steps of a job are done, out of `total` where that has changed."""
        with self.changed:
            job.done = done
            job.total = job.total if total is None else total
            if not job.finished:
                job.tell("progress", done=job.done, total=job.total)

    def frame(self, job: Job, frame: int, **entry: Any) -> None:
        """Report what became of a frame. Every frame that has ended counts as done, whether it failed or not."""
        with self.changed:
            if job.finished:
                return
            job.frames[frame] = {**job.frames.get(frame, {}), **entry}
            job.tell("frame", frame=frame, **job.frames[frame])
            if entry.get("state") in ("done", "failed", "skipped"):
                job.done += 1
                job.tell("progress", done=job.done, total=job.total)

    def log(self, job: Job, level: str, text: str) -> None:
        """Report a sentence for the artist; `level` is info, warning or error."""
        with self.changed:
            job.tell("log", level=level, text=text)

    def _next(self, lane: str) -> Job | None:
        """Return the most urgent job of a lane; among equals the one that came first."""
        mine = [job for job in self.jobs.values() if job.lane == lane and not job.finished]
        return min(mine, key=lambda job: job.priority != "interactive", default=None)

    def _run(self, lane: str) -> None:
        worked = False
        while True:
            with self.changed:
                job = self._ended(lane) or self._next(lane)
                while job is None:
                    if self.closed:
                        return
                    if not self.changed.wait(self._quiet if worked else None):
                        worked = False
                        return_freed_memory()
                    job = self._ended(lane) or self._next(lane)
                worked = True
                if job.state == "waiting":
                    job.state, job.began = "running", time.monotonic()
                    job.tell("state", state="running")
                if job._steps is None:
                    job._steps = job.work(job)
            if not job.finished:
                self._step(job)
            if job.finished:
                _drop(job)
            del job

    def _ended(self, lane: str) -> Job | None:
        """Return a job that was ended between two of its steps and whose steps must be closed."""
        return next((job for job in self.jobs.values() if job.lane == lane and job.finished and job._steps), None)

    def _step(self, job: Job) -> None:
        assert job._steps is not None
        try:
            next(job._steps)
        except StopIteration:
            self._finish(job)
        except KeyboardInterrupt:  # how tracking answers to `stop`
            self.cancel(job)
        except Exception as error:
            with self.changed:
                if not job.finished:
                    job.error = error_entry(error)
                    self._end(job, "failed")

    def _finish(self, job: Job) -> None:
        with self.changed:
            if job.finished:
                return
            failed = [(frame, entry) for frame, entry in sorted(job.frames.items()) if entry["state"] == "failed"]
            if failed:
                frame, entry = failed[0]
                rest = f" and {job.not_rendered} were not rendered" if job.not_rendered else ""
                many = f"{len(failed)} of {len(job.frames)} frames failed{rest}; " if len(job.frames) > 1 else ""
                job.error = {
                    "code": entry["error"]["code"],
                    "message": f"{many}frame {frame}: {entry['error']['message']}",
                }
            self._end(job, "failed" if failed else "done")

    def _end(self, job: Job, state: State) -> None:
        job.state = state
        job.ended = time.monotonic()
        if state in ("cancelled", "superseded"):
            why = "It was cancelled." if state == "cancelled" else "A newer request took its place."
            job.error = {"code": state, "message": why}
            job.stop.set()
            for entry in job.frames.values():
                if entry["state"] in ("waiting", "running"):
                    entry["state"] = state
        job.tell("state", state=state, error=job.error)

    def _forget(self) -> None:
        ended = sorted((job.ended, id_) for id_, job in self.jobs.items() if job.finished)
        old = time.monotonic() - self._keep
        surplus = len(ended) - self._kept_limit
        for index, (when, id_) in enumerate(ended):
            if (when < old or index < surplus) and self.jobs[id_]._steps is None:
                del self.jobs[id_]


def _drop(job: Job) -> None:
    """Close a job's steps; a batch pipeline ends its threads first."""
    close = getattr(job._steps, "close", None)
    with contextlib.suppress(Exception):
        if close is not None:
            close()
    job._steps = None


def error_entry(error: BaseException) -> dict[str, str]:
    """Return an error as the service answers it: a code and one sentence. An unexpected error goes into the log."""
    if isinstance(error, FaceplateError):
        return {"code": error.code, "message": str(error)}
    if isinstance(error, MemoryError):
        return {"code": "out-of-memory", "message": "The engine ran out of memory; try a proxy, or end other programs."}
    _log.error("Unexpected error", exc_info=error)
    return {
        "code": "internal-error",
        "message": f"Something failed inside the engine ({type(error).__name__}: {error}); its log says where.",
    }
