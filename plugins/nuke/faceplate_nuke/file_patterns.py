"""Frame ranges as they are typed, and the files beside a pattern. No Nuke here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from .refusal import Refusal

__all__ = ["at_factor", "parse_frames", "sibling", "write_frames"]

_PART = re.compile(r"^(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?$")


def parse_frames(text: str) -> tuple[int, ...]:
    """`1001-1010,1015` or `1001-1020x2` as frames in order, each once. Raises Refusal."""
    frames: set[int] = set()
    for part in text.replace(" ", "").split(","):
        found = _PART.match(part)
        if not found:
            raise Refusal(f"'{text}' is no frame range; write 1001-1010 or 1001,1005.")
        first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
        if last < first or step < 1:
            raise Refusal(f"The frame range '{text}' runs backwards; write the smaller frame first.")
        frames.update(range(first, last + 1, step))
    return tuple(sorted(frames))


def write_frames(frames: Iterable[int]) -> str:
    """Frames as `1001-1010,1015`."""
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def sibling(pattern: str, stem: str) -> str:
    """A pattern beside `pattern`: `…/element.####.exr` and `plate` give `…/plate.####.exr`."""
    return os.path.dirname(pattern) + "/" + stem + ".####.exr"


def at_factor(pattern: str, factor: int) -> str:
    """The pattern of a proxy: `…/element.####.exr` at 2 is `…/element.proxy2.####.exr`."""
    if factor == 1:
        return pattern
    folder, name = os.path.split(pattern)
    head, _, tail = name.partition(".")
    return f"{folder}/{head}.proxy{factor}.{tail}"
