"""On-disk cache tier: values shared by processes and kept between runs, up to a size.

An entry is a file: a line of JSON that says what it holds, the arrays' bytes, and a hash over both. It is written under
a temporary name and renamed, so that no reader sees half of one; a damaged entry, or one of another version of the
code, is a miss and is removed. Entries hold people's faces, so only the user may read the folder. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from faceplate.errors import FaceplateError
from faceplate.system.atomic import temporary_beside

__all__ = ["DiskCache", "packed", "unpacked"]

_SUFFIX = ".fpcache"
_HASH = 16
# The folder is measured when this share of the limit was written since, and a full one is emptied to the lower mark.
_LOOK, _LOW = 0.05, 0.9
_STALE_PART = 3600.0


class DiskCache:
    """Values in a folder, up to a size; those unused for longest are removed first.

    Safe between threads and processes. An error of the disk is a miss, never an exception.

    Parameters
    ----------
    folder : Path
        The folder; it is made where it is missing.
    limit : int
        The most bytes to keep.
    kinds : iterable of type
        The dataclasses that entries may hold.
    """

    def __init__(self, folder: Path, limit: int, kinds: Iterable[type] = ()) -> None:
        self.folder, self.limit = folder, limit
        self._kinds = {kind.__qualname__: kind for kind in kinds}
        self._written = 0
        self._looked = False
        self._lock = Lock()

    def get(self, key: str) -> Any | None:
        """Return the value under `key`, or None."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        try:
            value = unpacked(content, self._kinds)
        except (ValueError, KeyError, TypeError, IndexError):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return value

    def put(self, key: str, value: Any) -> None:
        """Keep a value; do nothing when the disk is full, the folder read-only, or the value larger than the limit."""
        content = packed(value)
        if len(content) > self.limit:
            return
        path = self._path(key)
        with suppress(OSError, FaceplateError):
            for folder in (self.folder, path.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with temporary_beside(path) as part:
                part.write_bytes(content)
                part.replace(path)
            self._make_room(len(content))

    def size(self) -> int:
        """Return the size of all entries in bytes."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
        """Remove all entries."""
        for path, _, _ in self._entries():
            with suppress(OSError):
                path.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{_SUFFIX}"

    def _make_room(self, written: int) -> None:
        with self._lock:
            self._written += written
            if self._looked and self._written < _LOOK * self.limit:
                return
            self._looked, self._written = True, 0
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        for path, size, _ in sorted(entries, key=lambda entry: entry[2]) if total > self.limit else ():
            if total <= _LOW * self.limit:
                break
            with suppress(OSError):
                path.unlink()
            total -= size

    def _entries(self) -> list[tuple[Path, int, float]]:
        """Return (path, size, last use) of every entry; remove files that a killed process left unfinished an hour ago."""
        found = []
        with suppress(OSError):
            for path in self.folder.glob("??/*"):
                with suppress(OSError):
                    state = path.stat()
                    if path.suffix != _SUFFIX or path.name.startswith("."):
                        if time.time() - state.st_mtime > _STALE_PART:
                            path.unlink()
                        continue
                    found.append((path, state.st_size, state.st_mtime))
        return found


def packed(value: Any) -> bytes:
    """Return a value as the bytes of an entry.

    The value is made of None, numbers, texts, arrays, sequences, mappings by text, and dataclasses of these. Raises
    TypeError for anything else.
    """
    arrays: list[np.ndarray] = []
    head = json.dumps(_described(value, arrays)).encode() + b"\n"
    body = b"".join([head, *(np.ascontiguousarray(array).tobytes() for array in arrays)])
    return hashlib.blake2b(body, digest_size=_HASH).digest() + body


def unpacked(content: bytes, kinds: Mapping[str, type]) -> Any:
    """Return the value of an entry; `kinds` are the dataclasses that it may hold, by name.

    Raises ValueError, KeyError, TypeError or IndexError for an entry that is not whole.
    """
    mark, body = content[:_HASH], content[_HASH:]
    if hashlib.blake2b(body, digest_size=_HASH).digest() != mark:
        raise ValueError("the entry is damaged")
    head, _, rest = body.partition(b"\n")
    return _built(json.loads(head), memoryview(bytearray(rest)), kinds)[0]


def _described(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": [value.dtype.str, list(value.shape)]}
    if isinstance(value, np.generic):
        arrays.append(np.asarray(value))
        return {"array": [value.dtype.str, None]}
    if isinstance(value, Mapping):
        return {"map": {key: _described(item, arrays) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"list": [_described(item, arrays) for item in value]}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: _described(getattr(value, item.name), arrays) for item in fields(value)}
        return {"kind": type(value).__qualname__, "fields": parts}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be kept on disk")


def _built(head: Any, rest: memoryview, kinds: Mapping[str, type]) -> tuple[Any, memoryview]:
    if not isinstance(head, dict):
        return head, rest
    if "array" in head:
        dtype, shape = np.dtype(head["array"][0]), head["array"][1]
        if shape is None:
            return np.frombuffer(rest[: dtype.itemsize], dtype)[0], rest[dtype.itemsize :]
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return np.frombuffer(rest[:size], dtype).reshape(tuple(shape)), rest[size:]
    named = head.get("map", head.get("fields"))
    parts = []
    for item in head["list"] if named is None else named.values():
        part, rest = _built(item, rest, kinds)
        parts.append(part)
    if named is None:
        return tuple(parts), rest
    together = dict(zip(named, parts, strict=True))
    return (kinds[head["kind"]](**together) if "kind" in head else together), rest
