"""The event stream of a job, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent

from faceplate.service.job_queue import Job, JobQueue

__all__ = ["ended_within", "event_stream"]

# Seconds between two pings. A client takes a stream for dead that stays silent much longer.
_PING_SECONDS = 2


def event_stream(queue: JobQueue, job: Job, after: int) -> EventSourceResponse:
    """Return the events of `job` with a number above `after`; the stream ends after the job's final state.

    Each event has `id` (a number that counts from 1), `event` (state, progress, frame, log) and `data` (a JSON object).
    While nothing happens there is a `ping` without a number.
    """
    return EventSourceResponse(
        _events(queue, job, after),
        ping=_PING_SECONDS,
        ping_message_factory=lambda: ServerSentEvent("{}", event="ping", sep="\n"),
    )


async def ended_within(queue: JobQueue, job: Job, seconds: float) -> None:
    """Return as soon as `job` has ended, and at the latest after `seconds`."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def wake() -> None:
        if job.finished:
            loop.call_soon_threadsafe(news.set)

    with queue.changed:
        job.listeners.add(wake)
        ended = job.finished
    try:
        if not ended and seconds > 0:
            async with asyncio.timeout(seconds):
                await news.wait()
    except TimeoutError:
        pass
    finally:
        with queue.changed:
            job.listeners.discard(wake)


async def _events(queue: JobQueue, job: Job, after: int) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(news.set)

    with queue.changed:
        job.listeners.add(wake)
    try:
        while True:
            news.clear()
            events, ended = queue.since(job, after)
            for after, event, data in events:
                yield ServerSentEvent(json.dumps(data), event=event, id=str(after), sep="\n")
            if ended:
                return
            await news.wait()
    finally:
        with queue.changed:
            job.listeners.discard(wake)
