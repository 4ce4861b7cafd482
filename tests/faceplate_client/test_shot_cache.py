"""The cache of open shots."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from faceplate_client import Engine, EngineError, Shot, ShotCache


class CountingEngine:
    """Stands for an engine, and counts what is asked of it."""

    def __init__(self) -> None:
        self.opened: list[tuple[dict[str, Any], str | None]] = []
        self.stopped = 0

    def open_shot(self, document: dict[str, Any], base: str | None = None) -> Shot:
        self.opened.append((document, base))
        return Shot({}, {"shot": str(len(self.opened))})

    def stop(self) -> None:
        self.stopped += 1


class Connections:
    """Makes engines when asked, and keeps them."""

    def __init__(self) -> None:
        self.engines: list[CountingEngine] = []

    def __call__(self) -> Engine:
        self.engines.append(CountingEngine())
        return self.engines[-1]  # type: ignore[return-value]


def test_a_document_is_opened_once() -> None:
    connections = Connections()
    cache = ShotCache(connections)
    first = cache.open({"a": 1, "b": 2}, "/x")
    assert cache.open({"b": 2, "a": 1}, "/x") is first
    assert cache.open({"a": 1, "b": 2}, "/y") is not first and len(connections.engines) == 1
    assert connections.engines[0].opened == [({"a": 1, "b": 2}, "/x"), ({"a": 1, "b": 2}, "/y")]


def test_the_first_shot_is_dropped_when_there_are_too_many() -> None:
    cache = ShotCache(Connections(), limit=2)
    shots = [cache.open({"number": number}) for number in range(3)]
    assert cache.open({"number": 2}) is shots[2] and cache.open({"number": 1}) is shots[1]
    assert cache.open({"number": 0}) is not shots[0]


def test_forget_connects_again_and_stop_ends_the_engine() -> None:
    connections = Connections()
    cache = ShotCache(connections)
    cache.stop()
    assert connections.engines == []
    shot = cache.open({})
    cache.forget()
    assert cache.open({}) is not shot and len(connections.engines) == 2
    cache.stop()
    assert [engine.stopped for engine in connections.engines] == [0, 1]


def test_an_engine_that_is_not_there_is_asked_for_again() -> None:
    answers = [EngineError("engine-not-found", "Not found."), CountingEngine()]

    def connected() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, EngineError):
            raise answer
        return answer

    cache = ShotCache(connected)
    with pytest.raises(EngineError):
        cache.engine()
    assert cache.engine() is not None


def test_threads_share_one_connection() -> None:
    connections = Connections()
    cache = ShotCache(connections)
    shots: list[Shot] = []
    threads = [threading.Thread(target=lambda: shots.append(cache.open({"a": 1}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(connections.engines) == 1 and len({id(shot) for shot in shots}) == 1
