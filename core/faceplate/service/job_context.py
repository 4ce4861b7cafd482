"""What a job needs in addition to its request."""

from __future__ import annotations

from dataclasses import dataclass

from faceplate.service.job_queue import JobQueue
from faceplate.service.roots import Roots
from faceplate.service.shared import SharedPixels

__all__ = ["JobContext"]


@dataclass(frozen=True)
class JobContext:
    """The queue that a job reports to, the shared memory for its pixels, and the folders that it may use."""

    queue: JobQueue
    shared: SharedPixels
    roots: Roots
