"""Results come in order, whatever thread is first, and only a few are made ahead."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from faceplate.train.ordered import in_order


def test_results_come_in_the_order_of_the_entries() -> None:
    def late(number: int) -> int:
        time.sleep(0.01 * (number % 3 == 0))
        return number * 2

    assert list(in_order(late, range(20), 4)) == [2 * number for number in range(20)]


def test_entries_are_not_taken_long_before_their_turn() -> None:
    taken: list[int] = []

    def entries() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(lambda number: number, entries(), 2)
    assert next(results) == 0 and len(taken) < 8


def test_an_error_is_raised_in_its_place() -> None:
    def failing(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    results = in_order(failing, range(6), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
