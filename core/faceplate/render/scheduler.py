"""Runs items through a chain of stages that overlap, bounded and in order.

Each stage is a callable that takes the result of the one before. NumPy, OpenCV, OpenImageIO and ONNX Runtime release
Python's interpreter lock while they work, so threads are enough. The number of items under way is bounded, so memory
does not grow with the length of a shot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

__all__ = ["Outcome", "Stage", "pipelined"]

# Seconds between two moments at which the main thread can receive Ctrl-C; waiting without a limit blocks it on Windows.
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Stage:
    """One stage: its work, and the number of items it works on at once. With one worker the items keep their order."""

    work: Callable[[Any], Any]
    workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """What became of one item: the last stage's result, or the exception that a stage raised."""

    item: Any
    value: Any = None
    error: Exception | None = None


def pipelined(
    items: Iterable[Any], stages: Iterable[Callable[[Any], Any] | Stage], ahead: int = 3
) -> Generator[Outcome, None, None]:
    """Send every item through all stages and yield an `Outcome` for each, in the order of `items`.

    At most `ahead` items are under way at any time; 1 means no overlap. An item whose stage raises skips the rest of
    its stages and yields the exception; the other items continue. When the caller stops iterating, or Ctrl-C comes,
    items that have begun a stage finish it, no other stage starts, and the threads have ended before control returns.
    """
    steps = [stage if isinstance(stage, Stage) else Stage(stage) for stage in stages]
    under_way: deque[tuple[Any, Future]] = deque()
    with ExitStack() as stack:
        pools = [ThreadPoolExecutor(step.workers, f"faceplate-{index}") for index, step in enumerate(steps)]
        for pool in pools:
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        coming = iter(items)
        try:
            while True:
                while len(under_way) < max(ahead, 1):
                    try:
                        item = next(coming)
                    except StopIteration:
                        break
                    under_way.append((item, _start(item, steps, pools)))
                if not under_way:
                    return
                item, future = under_way[0]
                outcome = _outcome(item, future)
                under_way.popleft()
                yield outcome
        finally:
            for pool in pools:
                pool.shutdown(wait=False, cancel_futures=True)
            for _, future in under_way:
                future.cancel()


def _start(item: Any, steps: list[Stage], pools: list[ThreadPoolExecutor]) -> Future:
    future: Future = Future()
    future.set_result(item)
    for step, pool in zip(steps, pools, strict=True):
        future = pool.submit(_after, future, step.work)
    return future


def _after(before: Future, work: Callable[[Any], Any]) -> Any:
    # Each stage has threads of its own and takes items in the same order, so waiting for the stage before cannot deadlock.
    return work(before.result())


def _outcome(item: Any, future: Future) -> Outcome:
    while True:
        try:
            return Outcome(item, future.result(timeout=_POLL_SECONDS))
        except NotYet:
            if future.done() and isinstance(future.exception(), NotYet):
                return Outcome(item, error=future.exception())  # type: ignore[arg-type]
        except CancelledError as error:
            return Outcome(item, error=RuntimeError(str(error)))
        except Exception as error:
            return Outcome(item, error=error)
