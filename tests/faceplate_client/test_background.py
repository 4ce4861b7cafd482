"""Requests in the background: the latest wins, errors are answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engines import until
from faceplate_client import Background, Engine, EngineError, job


class _Job(job.Job):
    """A job that ends when the test says so."""

    def __init__(self, name: str) -> None:
        self.document = {"job": name, "state": "running"}
        self.gate = threading.Event()
        self.cancelled = False

    def wait(self, on_event: Any = None, timeout: float | None = None) -> dict[str, Any]:
        on_event({"event": "progress", "of": self.id})
        assert self.gate.wait(10)
        if self.cancelled:
            raise EngineError("cancelled", "It was cancelled.")
        return self.document

    def cancel(self) -> dict[str, Any]:
        self.cancelled = True
        self.gate.set()
        return self.document


class TestBackground:
    @pytest.fixture
    def background(self) -> Iterator[Background]:
        background = Background(lambda: None)  # type: ignore[arg-type, return-value]
        yield background
        background.close()

    def test_the_latest_wins(self, background: Background) -> None:
        jobs = [_Job(str(number)) for number in range(4)]
        background.ask("node", lambda _: jobs[0])
        until(background.answers)
        for wanted in jobs[1:]:
            began = time.monotonic()
            background.ask("node", lambda _, wanted=wanted: wanted)
            assert time.monotonic() - began < 1, "a window would have stood still"
        jobs[3].gate.set()
        answers = collected(background)
        assert [answer.result["job"] for answer in answers] == ["3"] and jobs[0].cancelled
        assert not background.busy("node")

    def test_others_are_left_alone(self, background: Background) -> None:
        first, second = _Job("first"), _Job("second")
        background.ask("one", lambda _: first)
        until(background.answers)
        background.ask("two", lambda _: second)
        assert not first.cancelled and background.busy("two")
        background.cancel("two")
        first.gate.set()
        assert [answer.name for answer in collected(background)] == ["one"]

    def test_errors_are_answers(self, background: Background) -> None:
        def refused(_: Engine) -> None:
            raise EngineError("no-face", "No face.")

        background.ask("a", refused)
        background.ask("b", lambda _: {}["missing"])
        until(lambda: not background.busy("a") and not background.busy("b"))
        codes = {answer.name: answer.error and answer.error.code for answer in background.answers()}
        assert codes == {"a": "no-face", "b": "host"}

    def test_close_ends_the_thread(self, background: Background) -> None:
        held = _Job("held")
        background.ask("node", lambda _: held)
        until(background.answers)
        background.close()
        assert background._thread is not None
        background._thread.join(5)
        assert not background._thread.is_alive() and held.cancelled and background.answers() == []


def collected(background: Background) -> list[Any]:
    """The final answers, once there is one."""
    found: list[Any] = []

    def some() -> bool:
        found.extend(answer for answer in background.answers() if answer.event is None)
        return bool(found)

    until(some)
    return found
