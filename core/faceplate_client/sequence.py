"""File patterns with frame numbers: `plate.####.exr`, `@@@@`, `%04d`, `$F4`. A still stands for every frame."""

from __future__ import annotations

import os
import re

__all__ = ["frame_path", "frames_on_disk", "is_pattern", "with_padding"]

_PADDING = re.compile(r"#+|@+|%(0?\d*)d|\$F(\d*)")


def is_pattern(text: str) -> bool:
    """Return whether the file name has a placeholder for the frame number."""
    return _split(text) is not None


def frame_path(pattern: str, frame: int) -> str:
    """Return the file of `frame`."""
    parts = _split(pattern)
    if parts is None:
        return pattern
    folder, prefix, width, suffix = parts
    return os.path.join(folder, "{}{:0{}d}{}".format(prefix, int(frame), width, suffix))


def frames_on_disk(pattern: str) -> list[int]:
    """Return the frames whose files exist, sorted; none for a still."""
    parts = _split(pattern)
    if parts is None:
        return []
    folder, prefix, _, suffix = parts
    try:
        names = set(os.listdir(folder or "."))
    except OSError:
        return []
    number = re.compile(re.escape(prefix) + r"(-?\d+)" + re.escape(suffix))
    frames = {int(match.group(1)) for match in map(number.fullmatch, names) if match}
    return sorted(frame for frame in frames if os.path.basename(frame_path(pattern, frame)) in names)


def with_padding(path: str, form: str = "####") -> str:
    """Return the pattern of a single numbered file: `plate.1001.exr` → `plate.####.exr`. A still is returned unchanged."""
    folder, name = os.path.split(path)
    match = re.fullmatch(r"(.*?)(-?\d+)(\.[^.\d][^.]*)", name)
    if match is None or (match.group(1) and not match.group(1).endswith((".", "_", "-"))):
        return path
    return os.path.join(folder, match.group(1) + form + match.group(3))


def _split(pattern: str) -> tuple[str, str, int, str] | None:
    """Return folder, prefix, digits and suffix; None for a still."""
    folder, name = os.path.split(pattern)
    tokens = list(_PADDING.finditer(name))
    if not tokens:
        return None
    token = tokens[-1]
    text = token.group(0)
    if text[0] in "#@":
        width = len(text)
    else:
        digits = token.group(1) if text[0] == "%" else token.group(2)
        width = int(digits) if digits else 1
    return folder, name[: token.start()], max(width, 1), name[token.end() :]
