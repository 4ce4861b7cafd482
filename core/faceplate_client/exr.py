"""Attributes of an EXR file's header, read with the standard library."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

__all__ = ["frame_key", "header"]

_MAGIC = b"\x76\x2f\x31\x01"
# The largest attribute that is read: a damaged file must not make a host read gigabytes.
_MOST = 1 << 24


def frame_key(path: str) -> str | None:
    """Return the key of a rendered frame (its attribute ``faceplate:key``); None when there is no such file or attribute."""
    return header(path).get("faceplate:key")


def header(path: str) -> dict[str, Any]:
    """Return the attributes of an EXR's first header: strings, ints, floats, and windows as (x, y, width, height).

    The result is empty when the file is missing, damaged or no EXR.
    """
    try:
        with open(path, "rb") as file:
            if file.read(4) != _MAGIC:
                return {}
            file.read(4)
            return _attributes(file)
    except (OSError, ValueError, struct.error, IndexError):
        return {}


def _attributes(file: BinaryIO) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while True:
        name = _word(file)
        if not name:
            return found
        kind = _word(file)
        (size,) = struct.unpack("<i", file.read(4))
        if not 0 <= size <= _MOST:
            raise ValueError("damaged")
        data = file.read(size)
        if len(data) != size:
            raise ValueError("cut off")
        if kind == "string":
            found[name] = data.decode("utf-8", "replace")
        elif kind == "int":
            found[name] = struct.unpack("<i", data)[0]
        elif kind == "float":
            found[name] = struct.unpack("<f", data)[0]
        elif kind == "box2i":
            left, top, right, bottom = struct.unpack("<4i", data)
            found[name] = (left, top, right - left + 1, bottom - top + 1)


def _word(file: BinaryIO) -> str:
    letters = bytearray()
    while len(letters) < 256:
        letter = file.read(1)
        if not letter:
            raise ValueError("cut off")
        if letter == b"\0":
            return letters.decode("utf-8", "replace")
        letters += letter
    raise ValueError("damaged")
