"""A chart of the open mouth: columns from corner to corner, rows from the upper lip's inner edge to the lower one's."""

from __future__ import annotations

import numpy as np

from faceplate.face.expression import LIP_PAIRS

__all__ = ["COLUMNS", "ROWS", "chart", "edges"]

ROWS, COLUMNS = 32, 48
"""Size of the chart."""

_CORNERS = (78, 308)


def edges(points: np.ndarray) -> np.ndarray:
    """Return the inner edges of the upper and the lower lip of `points` (478, 2 or 3), float64 (2, `COLUMNS`, 2)."""
    at = np.linspace(0, len(LIP_PAIRS[0]) + 1, COLUMNS)
    known = np.arange(len(LIP_PAIRS[0]) + 2)
    found = []
    for side in LIP_PAIRS:
        row = points[[_CORNERS[0], *side, _CORNERS[1]], :2]
        found.append(np.column_stack([np.interp(at, known, row[:, axis]) for axis in (0, 1)]))
    return np.stack(found)


def chart(points: np.ndarray) -> np.ndarray:
    """Return the places of the chart's cells, float64 (`ROWS`, `COLUMNS`, 2), in the coordinates of `points`."""
    upper, lower = edges(points)
    down = np.linspace(0, 1, ROWS)[:, None, None]
    return (1 - down) * upper + down * lower
