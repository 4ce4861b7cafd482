"""The second shelf: values on disk, shared by processes and kept between runs, up to a size.

An entry is a file: a line of JSON that says what it holds, the arrays' bytes, and a hash over both. It is written
beside and renamed, so that no reader sees half of one; an entry that is damaged, or of another code, is a miss and goes.
Faces of people lie here: the folder is the user's alone. Nothing is unpickled.
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
# The folder is looked through when this share of the limit was written since, and emptied down to the lower mark.
_LOOK, _LOW = 0.05, 0.9
_STALE_PART = 3600.0


class DiskCache:
    """Values under `folder`, at most `limit` bytes of them; those longest unused go first.

    `kinds` are the dataclasses that entries may hold. Safe between threads and processes; whatever goes wrong with the disk
    is a miss, never an error.
    """

    def __init__(self, folder: Path, limit: int, kinds: Iterable[type] = ()) -> None:
        self.folder, self.limit = folder, limit
        self._kinds = {kind.__qualname__: kind for kind in kinds}
        self._written = 0
        self._looked = False
        self._lock = Lock()

    def get(self, key: str) -> Any | None:
        """The value, or None."""
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
        """Keeps a value; nothing happens when the disk is full, the folder read-only, or the value over the limit."""
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
        """Bytes of all entries."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
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
        """(path, size, last use) of every entry; what a killed process left half written goes after an hour."""
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
    """A value of None, numbers, texts, arrays, sequences, mappings by text and dataclasses of these, as an entry."""
    arrays: list[np.ndarray] = []
    head = json.dumps(_described(value, arrays)).encode() + b"\n"
    body = b"".join([head, *(np.ascontiguousarray(array).tobytes() for array in arrays)])
    return hashlib.blake2b(body, digest_size=_HASH).digest() + body


def unpacked(content: bytes, kinds: Mapping[str, type]) -> Any:
    """The value of an entry. Raises ValueError, KeyError, TypeError or IndexError for one that is not whole."""
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
