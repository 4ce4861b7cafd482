"""Follow a job to its end, and report the first frame that failed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

from .errors import EngineError

if TYPE_CHECKING:
    from .job import Job

__all__ = ["Progress", "completed_job", "follow_job", "frame_path_of"]

Progress = Callable[[int, int], bool]
"""Called with (frames done, frames in total); returns whether to continue."""

# Seconds that the engine may wait for the job's end before it answers: a cancel is seen after that. Long jobs are asked seldom.
_FIRST_WAIT, _LONGEST_WAIT = 0.03, 0.1


def follow_job(job: Job, progress: Progress | None = None) -> dict[str, Any]:
    """Ask for a job until it ends and return its document; cancel it when `progress` returns False.

    Each question is answered when the job has ended, or after a tenth of a second at most, so that an end is seen at once
    and a cancel soon. Call it in a worker thread: it blocks.

    Raises
    ------
    EngineError
        As `completed_job` does.
    """
    wait, cancelled = _FIRST_WAIT, False
    while not job.finished:
        begun = time.monotonic()
        document = job.poll(wait)
        wanted = progress is None or progress(int(document["done"]), int(document["total"]))
        if not wanted and not cancelled:
            cancelled = True
            job.cancel()
        left = wait - (time.monotonic() - begun)
        if not job.finished and left > 0:
            time.sleep(left)  # the engine did not wait
        wait = min(1.5 * wait, _LONGEST_WAIT)
    return completed_job(job)


def completed_job(job: Job) -> dict[str, Any]:
    """Wait for a job to end and return its document, in which no frame failed.

    Raises
    ------
    EngineError
        With the code and the sentence of the first failed frame, which the sentence names; else ``cancelled``,
        ``superseded``, or the job's own error.
    """
    try:
        document = job.result() if job.finished else job.wait()
    except EngineError as error:
        if error.code == "cancelled":
            raise EngineError("cancelled", "Cancelled; the frames that are done stay.", error.job) from error
        _raise_failed_frame(job.document)
        raise
    _raise_failed_frame(document)
    return document


def frame_path_of(document: Mapping[str, Any], frame: int) -> str:
    """Return the file of a rendered frame from a job's document.

    Raises
    ------
    EngineError
        With the frame's own code and sentence, or ``no-frame``, when the engine wrote no file for it.
    """
    entry = (document.get("frames") or {}).get(str(frame)) or {}
    if not entry.get("path"):
        raise _frame_error(entry, f"The engine rendered no frame {frame}.")
    return str(entry["path"])


def _raise_failed_frame(document: Mapping[str, Any]) -> None:
    for number, entry in sorted((document.get("frames") or {}).items(), key=lambda item: int(item[0])):
        if entry.get("error") or entry.get("state") == "failed":
            error = _frame_error(entry, "The engine gave no reason.")
            raise EngineError(error.code, f"Frame {number}: {error.message}", dict(document))


def _frame_error(entry: Mapping[str, Any], otherwise: str) -> EngineError:
    found = entry.get("error") or {}
    return EngineError(str(found.get("code") or "no-frame"), str(found.get("message") or otherwise))
