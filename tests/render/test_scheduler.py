"""The pipeline of stages: order, overlap, bounds, errors."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from faceplate.errors import RenderError
from faceplate.render.scheduler import Stage, pipelined


def test_pipeline_keeps_the_order() -> None:
    random = np.random.default_rng(0).uniform(0, 0.004, 40).tolist()
    stages = [lambda n: n, Stage(lambda n: (time.sleep(random[n]), n * 2)[1], workers=4), lambda n: n + 1]
    outcomes = list(pipelined(range(40), stages, ahead=8))
    assert [outcome.item for outcome in outcomes] == list(range(40))
    assert [outcome.value for outcome in outcomes] == [2 * n + 1 for n in range(40)]


def test_pipeline_stages_run_at_the_same_time() -> None:
    reading, writing = threading.Event(), threading.Event()

    def read(n: int) -> int:
        if n == 1:
            reading.set()
            assert writing.wait(10), "the second item was not read while the first was written"
        return n

    def write(n: int) -> int:
        if n == 0:
            writing.set()
            assert reading.wait(10), "the first item was not written while the second was read"
        return n

    assert [outcome.error for outcome in pipelined(range(3), [read, write])] == [None] * 3


def test_pipeline_is_bounded() -> None:
    """No more than `ahead` items have begun and not been handed out, however slow the last stage is."""
    begun, handed, most = 0, 0, 0

    def begin(n: int) -> int:
        nonlocal begun, most
        begun += 1
        most = max(most, begun - handed)
        return n

    for _ in pipelined(range(60), [begin, lambda n: time.sleep(0.001)], ahead=4):
        handed += 1
    assert 2 <= most <= 5


def test_pipeline_hands_on_an_error_and_goes_on() -> None:
    seen: list[int] = []

    def fail(n: int) -> int:
        if n in (2, 5):
            raise RenderError("plate-missing", f"{n} is missing.")
        return n

    outcomes = list(pipelined(range(8), [fail, lambda n: seen.append(n) or n]))
    assert [outcome.item for outcome in outcomes if outcome.error] == [2, 5]
    assert isinstance(outcomes[2].error, RenderError) and seen == [0, 1, 3, 4, 6, 7]
    late = TimeoutError("a stage's own")
    assert next(pipelined([1], [lambda _: (_ for _ in ()).throw(late)])).error is late


def test_pipeline_stops_cleanly() -> None:
    """A listener that leaves, as Ctrl-C makes it: begun work is finished, nothing else is begun, no thread stays."""
    before = threading.active_count()
    started: list[int] = []
    written: list[int] = []

    def read(n: int) -> int:
        started.append(n)
        return n

    def write(n: int) -> int:
        time.sleep(0.01)
        written.append(n)
        return n

    with pytest.raises(KeyboardInterrupt):
        for outcome in pipelined(range(1000), [read, write], ahead=4):
            if outcome.item == 5:
                raise KeyboardInterrupt
    count = len(started)
    time.sleep(0.05)
    assert len(started) == count <= 12 and written == list(range(len(written)))
    assert threading.active_count() == before
