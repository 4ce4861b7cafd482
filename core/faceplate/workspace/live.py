"""Frames that are rendered for the viewer alone: one at a time, before any batch, and only the newest request of a tab."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faceplate.errors import RenderError, UsageError
from faceplate.render import Rendered, Renderer
from faceplate.service.job_queue import Job, JobQueue
from faceplate.service.shots import OpenShot

__all__ = ["LiveFrames", "LiveRequest"]

# Rendered frames that are kept, so that another layer of a frame is shown without rendering it again.
_KEPT = 6


@dataclass(frozen=True)
class LiveRequest:
    """A frame to render with `values` over the shot's own, at a proxy; `tab` names the viewer that waits for it."""

    frame: int
    values: Mapping[str, Any] = field(default_factory=dict)
    proxy: int = 1
    tab: str = ""


class LiveFrames:
    """Renders frames through the job queue, and keeps the last few."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._kept: OrderedDict[str, Rendered] = OrderedDict()
        self._lock = threading.Lock()

    def key(self, opened: OpenShot, renderer: Renderer, request: LiveRequest) -> str:
        """Return the name of a frame's result. Raises `UsageError('no-track')` and what `Renderer.key` raises."""
        if not opened.tracked:
            raise UsageError("no-track", f"The track {opened.missing_track} is not there yet; track the shot.")
        return f"{renderer.key(request.frame, request.values, request.proxy)}/{request.proxy}"

    def frame(self, renderer: Renderer, request: LiveRequest, key: str) -> Rendered:
        """Return the frame called `key`, rendered now where it is not kept.

        Raises `UsageError('superseded')` where the tab has asked for another frame since, and what rendering raises.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made: list[Rendered] = []

        def work(job: Job) -> Iterator[None]:
            made.append(renderer.render(request.frame, values=request.values, proxy=request.proxy))
            yield

        job = Job("picture", work, 1, supersede=f"picture {request.tab}" if request.tab else None, listed=False)
        self._finish(job)
        if job.error is not None:
            kind = UsageError if job.state in ("superseded", "cancelled") else RenderError
            raise kind(job.error["code"], job.error["message"])
        with self._lock:
            self._kept[key] = made[0]
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made[0]

    def _finish(self, job: Job) -> None:
        """Run a job in the queue and wait for its end."""
        woken = threading.Event()
        job.listeners.add(woken.set)
        self._queue.add(job)
        while not job.finished:
            woken.wait(1.0)
            woken.clear()
        self._queue.drop(job)
