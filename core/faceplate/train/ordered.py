"""Work by several threads whose results come in the order of the entries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_order"]

_Entry = TypeVar("_Entry")
_Result = TypeVar("_Result")

# Entries that are worked on ahead of the one that is taken, for each worker.
_AHEAD = 2


def in_order(work: Callable[[_Entry], _Result], entries: Iterable[_Entry], workers: int) -> Iterator[_Result]:
    """Iterate over the results in the entries' order, computed by so many threads, only a few of them ahead.

    An error of `work` is raised where its result would come.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Result]] = deque()
        for entry in entries:
            waiting.append(pool.submit(work, entry))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
