"""One-to-one assignment with minimal cost between two small sets."""

from __future__ import annotations

import numpy as np

__all__ = ["assign"]

_EXACT = 7


def assign(cost: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Find the pairs (row, column) of `cost` (n, m) with the smallest sum, where leaving a pair out costs `limit`.

    No pair costs more than `limit`. Exact for up to seven rows; for more the cheapest pair is taken first, which is good
    enough for a crowd.
    """
    rows, columns = cost.shape
    if min(rows, columns) == 0:
        return []
    if min(rows, columns) > _EXACT or max(rows, columns) > 2 * _EXACT:
        return _greedy(cost, limit)
    if rows > columns:
        return sorted((row, column) for column, row in _exact(cost.T, limit))
    return _exact(cost, limit)


def _exact(cost: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Branch and bound over the rows: each row gets one of the free columns or none."""
    rows, columns = cost.shape
    best: list[tuple[int, int]] = []
    best_total = rows * limit

    def descend(row: int, taken: tuple[tuple[int, int], ...], total: float) -> None:
        nonlocal best, best_total
        floor = sum(min(float(cost[r].min()), limit) for r in range(row, rows))
        if total + floor >= best_total:
            return
        if row == rows:
            best, best_total = list(taken), total
            return
        free = [c for c in range(columns) if cost[row, c] < limit and all(c != used for _, used in taken)]
        for column in sorted(free, key=lambda c: float(cost[row, c])):
            descend(row + 1, (*taken, (row, column)), total + float(cost[row, column]))
        descend(row + 1, taken, total + limit)

    descend(0, (), 0.0)
    return best


def _greedy(cost: np.ndarray, limit: float) -> list[tuple[int, int]]:
    pairs, left = [], np.array(cost, np.float64)
    while left.size and float(left.min()) < limit:
        row, column = (int(i) for i in np.unravel_index(int(left.argmin()), left.shape))
        pairs.append((row, column))
        left[row, :] = np.inf
        left[:, column] = np.inf
    return sorted(pairs)
