"""The order in which the engine works."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engines import until
from faceplate.errors import RenderError, UsageError
from faceplate.service.events import ended_within
from faceplate.service.job_queue import Job, JobQueue


class TestOrder:
    """The queue alone, with steps that the test lets go on one by one."""

    @pytest.fixture
    def queue(self) -> Iterator[JobQueue]:
        queue = JobQueue(waiting_limit=5, kept_limit=4)
        queue.start()
        yield queue
        queue.close(5)
        assert not [lane for lane in queue._lanes if lane.is_alive()]

    def test_interactive_goes_before_the_next_frame_of_a_batch(self, queue: JobQueue) -> None:
        said: list[str] = []
        gate = threading.Semaphore(0)

        def steps(name: str, count: int) -> Any:
            def work(job: Job) -> Iterator[None]:
                for _ in range(count):
                    gate.acquire()
                    said.append(name)
                    yield

            return work

        batch = queue.add(Job("render", steps("batch", 3), 3, "batch"))
        until(lambda: batch.state == "running")
        later = queue.add(Job("render", steps("later", 1), 1, "batch"))
        urgent = [queue.add(Job("render", steps(name, 2), 2)) for name in ("one", "two")]
        gate.release(10)
        until(lambda: later.finished)
        assert said == ["batch", "one", "one", "two", "two", "batch", "batch", "later"]
        assert {job.state for job in (batch, later, *urgent)} == {"done"}

    def test_newer_supersedes_older(self, queue: JobQueue) -> None:
        gate, closed = threading.Event(), threading.Event()

        def work(job: Job) -> Iterator[None]:
            try:
                while True:
                    gate.wait(0.01)
                    yield
            finally:
                closed.set()

        first = queue.add(Job("render", work, 9, supersede="node1"))
        other = queue.add(Job("render", lambda job: iter(()), 0, "batch", supersede="node2"))
        until(lambda: first.state == "running")
        second = queue.add(Job("render", work, 9, supersede="node1"))
        assert first.state == "superseded" and first.error == {
            "code": "superseded",
            "message": "A newer request took its place.",
        }
        assert closed.wait(5) and second.state in ("waiting", "running") and other.state == "waiting"
        third = queue.add(Job("render", lambda job: iter(()), 0, supersede="node1"))
        until(lambda: third.finished and other.finished)
        assert (second.state, third.state, other.state) == ("superseded", "done", "done")

    def test_cancel_lets_go_of_work_that_was_overtaken(self, queue: JobQueue) -> None:
        closed, gate = threading.Event(), threading.Event()

        def long(job: Job) -> Iterator[None]:
            try:
                while True:
                    yield
            finally:
                closed.set()

        def blocking(job: Job) -> Iterator[None]:
            gate.wait(10)
            yield

        batch = queue.add(Job("render", long, 9, "batch"))
        until(lambda: batch.state == "running")
        urgent = queue.add(Job("render", blocking, 1))
        until(lambda: urgent.state == "running")
        queue.cancel(batch)
        gate.set()
        assert closed.wait(5) and batch.state == "cancelled" and batch._steps is None

    def test_what_nobody_foresaw_fails_the_job_and_not_the_lane(
        self, queue: JobQueue, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(job: Job) -> Iterator[None]:
            yield
            raise ValueError("a surprise")

        def hopeless(job: Job) -> Iterator[None]:
            raise RenderError("disk-full", "The disk is full.")
            yield

        jobs = [queue.add(Job("render", work, 1)) for work in (broken, hopeless)]
        until(lambda: all(job.finished for job in jobs))
        assert [job.error and job.error["code"] for job in jobs] == ["internal-error", "disk-full"]
        assert "a surprise" in caplog.text and "Traceback" in caplog.text

    def test_tracking_does_not_hold_frames_up(self, queue: JobQueue) -> None:
        gate = threading.Event()

        def track(job: Job) -> Iterator[None]:
            while not job.stop.wait(0.01):
                pass
            raise KeyboardInterrupt
            yield

        tracking = queue.add(Job("track", track, 0, "batch", lane="tracks"))
        frame = queue.add(Job("render", lambda job: iter(()), 0))
        until(lambda: frame.finished)
        assert tracking.state == "running" and not gate.is_set()
        queue.cancel(tracking)
        until(lambda: tracking._steps is None)
        assert tracking.state == "cancelled"

    def test_memory_is_bounded(self, queue: JobQueue) -> None:
        gate = threading.Event()

        def held(job: Job) -> Iterator[None]:
            gate.wait(10)
            yield

        first = queue.add(Job("render", held, 1))
        until(lambda: first.state == "running")
        for _ in range(5):
            queue.add(Job("render", lambda job: iter(()), 0))
        with pytest.raises(UsageError) as refused:
            queue.add(Job("render", lambda job: iter(()), 0))
        assert refused.value.code == "engine-busy"
        gate.set()
        until(lambda: all(job.finished for job in tuple(queue.jobs.values())))
        until(lambda: all(job._steps is None for job in tuple(queue.jobs.values())))
        queue.add(Job("render", lambda job: iter(()), 0))
        assert len(queue.jobs) <= 5
        with pytest.raises(UsageError):
            queue.get(first.id)
        for _ in range(10_000):
            queue.log(first, "info", "line")
        assert len(first.events) < 5000

    def test_results_stay_for_a_while(self) -> None:
        queue = JobQueue(keep=0.05)
        queue.start()
        job = queue.add(Job("render", lambda job: iter(()), 0))
        until(lambda: job.finished)
        assert queue.get(job.id) is job
        time.sleep(0.1)
        with pytest.raises(UsageError, match="long ago"):
            queue.get(job.id)
        queue.close(5)

    def test_memory_goes_back_once_when_there_was_work_and_nothing_follows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        returned: list[float] = []
        monkeypatch.setattr(
            "faceplate.service.job_queue.return_freed_memory", lambda: returned.append(time.monotonic())
        )
        queue = JobQueue(quiet=0.1)
        queue.start()
        time.sleep(0.3)
        assert not returned, "nothing was done yet"
        queue.add(Job("render", lambda job: iter(()), 0))
        until(lambda: bool(returned))
        time.sleep(0.3)
        assert len(returned) == 1
        queue.close(5)


class TestEndedWithin:
    """The answer about a job that waits for its end."""

    def test_it_returns_when_the_job_ends(self) -> None:
        queue = JobQueue()
        queue.start()
        begun, go = time.monotonic(), threading.Event()

        def work(job: Job) -> Iterator[None]:
            go.wait(10)
            yield

        job = queue.add(Job("render", work, 1))

        async def follow() -> None:
            await ended_within(queue, job, 0.05)
            assert not job.finished
            go.set()
            await ended_within(queue, job, 20)

        asyncio.run(follow())
        assert job.finished and time.monotonic() - begun < 15 and not job.listeners
        asyncio.run(ended_within(queue, job, 20))  # at once: it has ended
        queue.close(5)
