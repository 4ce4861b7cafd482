"""Frame ranges as text: the one grammar that the command line, shot files, farms and hosts share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import EngineError

__all__ = ["format_frames", "frame_runs", "parse_frames"]

_NUMBER = r"-?\s*\d+"
_PART = re.compile(rf"\s*({_NUMBER})\s*(?:-\s*({_NUMBER})\s*(?:([xy:])\s*({_NUMBER})\s*)?)?")
# A typing error such as 1-99999999999 must not exhaust the memory.
_MOST_FRAMES = 10_000_000


def parse_frames(text: str) -> tuple[int, ...]:
    """Parse a list of frame ranges.

    ============== ======================================================
    ``7``          one frame
    ``1-10``       a range; ``10-1`` runs backwards, ``-5--2`` below zero
    ``1-10x3``     every third frame: 1, 4, 7, 10; ``1-10:3`` is the same
    ``1-10y3``     the frames that ``x3`` leaves out
    ``1,5,7-9``    a list of these
    ============== ======================================================

    Parameters
    ----------
    text : str
        The list. Spaces may surround numbers and signs.

    Returns
    -------
    tuple of int
        The frames in the order written, each once.

    Raises
    ------
    EngineError
        ``bad-frames`` when `text` is no such list, is empty, or names more than ten million frames.
    """
    frames: dict[int, None] = {}
    for part in text.split(","):
        found = _PART.fullmatch(part)
        selected = () if found is None else _selected(*found.groups())
        if not selected or len(frames) + len(selected) > _MOST_FRAMES:
            raise EngineError(
                "bad-frames",
                f"'{text}' is no frame range: write it like 1001-1048, 1001-1048x2 or 1001,1005,1010-1020.",
            )
        frames.update(dict.fromkeys(selected))
    return tuple(frames)


def format_frames(frames: Iterable[int]) -> str:
    """Format frames as text that `parse_frames` reads, sorted: ``1001-1010,1015``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in frame_runs(frames))


def frame_runs(frames: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last frame of each run of consecutive frames, sorted."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs


def _selected(start: str, end: str | None, kind: str | None, count: str | None) -> range | list[int]:
    """Return the frames of one part; none when its step is 0, has the wrong sign, or the range is too long."""
    first = _number(start)
    last = first if end is None else _number(end)
    step = 1 if count is None else _number(count)
    if step == 0 or (step < 0 and first <= last) or abs(last - first) >= _MOST_FRAMES:
        return []
    direction = 1 if first <= last else -1
    stepped = range(first, last + direction, abs(step) * direction)
    if kind == "y":
        return [frame for frame in range(first, last + direction, direction) if frame not in stepped]
    return stepped


def _number(text: str) -> int:
    return int("".join(text.split()))
