"""Simplification of animation curves before they are written or sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["simplified_keys"]


def simplified_keys(values: Mapping[int, float], tolerance: float = 1e-9) -> list[list[Any]]:
    """Return the keys with linear segments that reproduce a value for each frame.

    A frame gets no key when the segment between its neighbouring keys gives its value within `tolerance`. A constant
    curve gets one key. From each key the segment is extended while its slope stays within the slopes that every frame
    passed allows, so one pass is enough.

    Parameters
    ----------
    values : mapping of int to float
        The value at each frame; at least one.
    tolerance : float
        Largest difference, in the values' own unit.

    Returns
    -------
    list of [frame, value, "linear"]
        Keys as a shot file holds them, sorted by frame.
    """
    points = sorted(values.items())
    if len(set(values.values())) == 1:
        return [[points[0][0], points[0][1], "linear"]]
    kept = [points[0]]
    low, high = -math.inf, math.inf
    for previous, point in zip(points, points[1:]):
        if not low <= _slope(kept[-1], point) <= high:
            kept.append(previous)
            low, high = -math.inf, math.inf
        slope = _slope(kept[-1], point)
        room = tolerance / (point[0] - kept[-1][0])
        low, high = max(low, slope - room), min(high, slope + room)
    kept.append(points[-1])
    return [[frame, value, "linear"] for frame, value in kept]


def _slope(start: tuple[int, float], end: tuple[int, float]) -> float:
    return (end[1] - start[1]) / (end[0] - start[0])
