"""Frame ranges and file patterns as Nuke writes them. No Nuke here."""

from __future__ import annotations

import os
import re
from typing import Iterable

from .refusal import Refusal

__all__ = ["has_frame", "numbers_on_disk", "parse_frames", "path_at", "sibling", "write_frames"]

_FRAME = re.compile(r"#+|%0?(\d*)d")
_PART = re.compile(r"^(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?$")


def parse_frames(text: str) -> tuple[int, ...]:
    """`1001-1010,1015` or `1001-1020x2` as frames in order, each once. Raises Refusal."""
    frames: set[int] = set()
    for part in text.replace(" ", "").split(","):
        found = _PART.match(part)
        if not found:
            raise Refusal("'{}' is no frame range; write 1001-1010 or 1001,1005.".format(text))
        first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
        if last < first or step < 1:
            raise Refusal("The frame range '{}' runs backwards; write the smaller frame first.".format(text))
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
    return ",".join(str(a) if a == b else "{}-{}".format(a, b) for a, b in runs)


def has_frame(pattern: str) -> bool:
    """Whether the file's name holds a frame number: `####` or `%04d`."""
    return _FRAME.search(os.path.basename(pattern)) is not None


def path_at(pattern: str, frame: int) -> str:
    """The file of `frame`: the last `####` or `%04d` of the name becomes the number."""
    folder, name = os.path.split(pattern)
    found = list(_FRAME.finditer(name))
    if not found:
        return pattern
    mark = found[-1]
    width = len(mark[0]) if mark[0].startswith("#") else int(mark[1] or 0)
    return os.path.join(folder, name[: mark.start()] + "{:0{}d}".format(frame, width) + name[mark.end() :]).replace(
        os.sep, "/"
    )


def numbers_on_disk(pattern: str) -> tuple[int, ...]:
    """The frames of `pattern` that exist, in order."""
    folder, name = os.path.split(pattern)
    found = list(_FRAME.finditer(name))
    if not found or not os.path.isdir(folder):
        return ()
    mark = found[-1]
    form = re.compile(re.escape(name[: mark.start()]) + r"(-?\d+)" + re.escape(name[mark.end() :]) + "$")
    matches = (form.match(entry) for entry in os.listdir(folder))
    return tuple(sorted(int(match[1]) for match in matches if match))


def sibling(pattern: str, stem: str) -> str:
    """A pattern beside `pattern`: `…/element.####.exr` and `plate` give `…/plate.####.exr`."""
    return os.path.dirname(pattern) + "/" + stem + ".####.exr"
