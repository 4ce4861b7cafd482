"""Frames in flight: reading, network, comp and writing of neighbouring frames overlap, bounded and in order.

Each stage is a callable that takes what the one before gave. NumPy, OpenCV, OpenImageIO and ONNX Runtime let go of
Python's lock while they work, so threads are enough. What waits is bounded, so memory does not grow with the length
of a shot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

__all__ = ["Outcome", "Stage", "pipelined"]

# How often the main thread looks up, so that Ctrl-C is heard on every platform.
_LOOK = 0.2


@dataclass(frozen=True)
class Stage:
    """One step of the work: what it does, and on how many items at once. One worker keeps the items' order."""

    work: Callable[[Any], Any]
    workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """What became of one item: what the last stage gave, or the exception that a stage raised."""

    item: Any
    value: Any = None
    error: Exception | None = None


def pipelined(
    items: Iterable[Any], stages: Iterable[Callable[[Any], Any] | Stage], ahead: int = 3
) -> Iterator[Outcome]:
    """Sends every item through all stages and yields an `Outcome` for each, in the order of `items`.

    At most `ahead` items are under way at any time (1 is no overlap at all). An item whose stage raises skips the
    rest of its stages and yields the exception; the others go on. When the caller stops listening, or Ctrl-C comes,
    items that have begun a stage finish it, nothing else starts, and the threads are gone before control returns.
    """
    steps = [stage if isinstance(stage, Stage) else Stage(stage) for stage in stages]
    flight: deque[tuple[Any, Future]] = deque()
    with ExitStack() as stack:
        pools = [ThreadPoolExecutor(step.workers, f"faceplate-{index}") for index, step in enumerate(steps)]
        for pool in pools:
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        coming = iter(items)
        try:
            while True:
                while len(flight) < max(ahead, 1):
                    try:
                        item = next(coming)
                    except StopIteration:
                        break
                    flight.append((item, _start(item, steps, pools)))
                if not flight:
                    return
                item, future = flight[0]
                outcome = _outcome(item, future)
                flight.popleft()
                yield outcome
        finally:
            for pool in pools:
                pool.shutdown(wait=False, cancel_futures=True)
            for _, future in flight:
                future.cancel()


def _start(item: Any, steps: list[Stage], pools: list[ThreadPoolExecutor]) -> Future:
    future: Future = Future()
    future.set_result(item)
    for step, pool in zip(steps, pools, strict=True):
        future = pool.submit(_after, future, step.work)
    return future


def _after(before: Future, work: Callable[[Any], Any]) -> Any:
    # The stages are threads of their own and take items in one order, so waiting for the stage before cannot lock.
    return work(before.result())


def _outcome(item: Any, future: Future) -> Outcome:
    while True:
        try:
            return Outcome(item, future.result(timeout=_LOOK))
        except NotYet:
            if future.done() and isinstance(future.exception(), NotYet):
                return Outcome(item, error=future.exception())  # type: ignore[arg-type]
        except CancelledError as error:
            return Outcome(item, error=RuntimeError(str(error)))
        except Exception as error:
            return Outcome(item, error=error)
