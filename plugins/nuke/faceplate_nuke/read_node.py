"""A Read node's settings, and which file it shows at a frame. Imports no `nuke`.

The rules are those of Foundry's page "Changing the Relation Between the Current Frame and the Frame Read In" and of
the Read node's reference page. Where these are ambiguous (`offset`, `bounce`), the plate is not read directly: the inner
Write renders it, so that Nuke itself decides what the frame shows.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Callable

from faceplate_client import HostError, frame_path, frames_on_disk, is_pattern

__all__ = ["ReadSettings", "file_frame", "holds_views", "only_through_nuke", "shifted"]

_SHIFT = re.compile(r"^\s*frame\s*(?:([+-])\s*(\d+))?\s*$")
_HEAD = 1 << 16
_VIEW = re.compile(r"%[vV]")


@dataclass(frozen=True)
class ReadSettings:
    """The knobs of a Read under their own names; `space` is the colour space without Nuke's `default (…)`."""

    name: str
    file: str
    first: int
    last: int
    before: str = "hold"
    after: str = "hold"
    frame_mode: str = "expression"
    frame: str = ""
    on_error: str = "error"
    space: str = ""
    raw: bool = False
    auto_alpha: bool = False
    animated: bool = False
    split_views: bool = False


def only_through_nuke(read: ReadSettings, is_linear: Callable[[str], bool]) -> str | None:
    """Return why the engine cannot read this Read's files itself, as a clause; None when it can.

    `is_linear` tells whether a colour space needs no transfer curve.
    """
    if not read.file.lower().endswith((".exr", ".sxr")):
        return f"{read.name} reads no OpenEXR"
    if not is_pattern(read.file):
        return f"{read.name} reads a single file"
    if "[" in read.file or read.animated:
        return f"the knobs of {read.name} are expressions"
    if shifted(read) is None:
        return f"{read.name} retimes its frames ({read.frame_mode} {read.frame})"
    if "bounce" in (read.before, read.after):
        return f"{read.name} bounces"
    if not read.raw and read.space and not is_linear(read.space):
        return f"{read.name} is not in a linear colour space ({read.space})"
    return None


def holds_views(path: str) -> bool:
    """Return whether an OpenEXR file holds several views, by its attributes (OpenEXR, "Storing Multi-View Images")."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    return b"multiView\0stringvector\0" in head or b"view\0string\0" in head


def shifted(read: ReadSettings) -> int | None:
    """Return file frame minus Nuke's frame when that is constant, else None."""
    text = read.frame.strip()
    if read.frame_mode == "start at" and re.match(r"^-?\d+$", text):
        return read.first - int(text)
    if read.frame_mode == "expression" or not text:
        found = _SHIFT.match(text or "frame")
        return None if found is None else int((found[1] or "+") + (found[2] or "0"))
    return 0 if text in ("0", "0.0") else None


def file_frame(read: ReadSettings, frame: int) -> int:
    """Return the number of the file that the Read shows at Nuke's `frame`. Raises HostError where it shows no picture."""
    if _VIEW.search(read.file) or read.split_views:
        raise HostError(
            "several-views",
            f"{read.name} holds several views; FaceSwap works on one: put a OneView node before it, or one FaceSwap on each "
            "view's Read.",
        )
    shift = shifted(read)
    assert shift is not None
    number = _in_range(read, frame + shift, frame)
    if os.path.isfile(frame_path(read.file, number)):
        return number
    return _instead(read, number)


def _in_range(read: ReadSettings, number: int, frame: int) -> int:
    if read.first <= number <= read.last:
        return number
    how = read.before if number < read.first else read.after
    if how == "loop":
        return read.first + (number - read.first) % (read.last - read.first + 1)
    if how == "hold":
        return read.first if number < read.first else read.last
    raise HostError(
        "outside-range",
        f"{read.name} is black at frame {frame} (its range is {read.first}-{read.last}), so there is no face to "
        "replace; render within its range.",
    )


def _instead(read: ReadSettings, number: int) -> int:
    path = frame_path(read.file, number)
    there = [other for other in frames_on_disk(read.file) if read.first <= other <= read.last]
    if read.on_error == "nearest frame" and there:
        return min(there, key=lambda other: (abs(other - number), other))
    wish = "" if read.on_error in ("error", "nearest frame") else f" and {read.name} shows {read.on_error} for it"
    raise HostError(
        "plate-missing",
        f"The plate's file {path} is missing{wish}; restore it, or set missing frames of {read.name} to nearest frame.",
    )
