"""Cache keys: one short hexadecimal name for everything that a result depends on."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

import faceplate_client
from faceplate.system.file_hash import sha256_of

__all__ = ["code_mark", "content_mark", "digest", "file_mark", "mark_of_code"]

_SAMPLE = 1 << 16
# Files that decide on results, and folders that hold none of them.
_CODE, _NO_CODE = (".py", ".npz", ".json"), frozenset({"__pycache__", "page", "people"})


def digest(*parts: Any) -> str:
    """Return a key of plain values: 32 hexadecimal digits (BLAKE2b).

    Values are None, bool, int, float, str, bytes, Path, arrays, sequences, mappings, sets, and dataclasses of these. Types
    are told apart: 1, 1.0, True and "1" give four keys.

    Raises
    ------
    TypeError
        A value of another type, whose text might say nothing of its content.
    """
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(state, part)
    return state.hexdigest()


def file_mark(path: Path) -> str:
    """Return a key of a file's content without reading all of it, whatever its path.

    It covers the size, the time of change in nanoseconds, and the first and last 64 KiB (of an OpenEXR the header, with its
    time code and the offsets of its chunks).

    Raises
    ------
    OSError
        The file cannot be read.
    """
    found = path.stat()
    return _marked(str(path), found.st_size, found.st_mtime_ns, (found.st_ino, found.st_ctime_ns))


def content_mark(path: Path) -> str:
    """Return the SHA-256 of all of a file, whatever its name and times; each file is read once while it stays the same.

    The same result serves the provenance field `faceplate:plate_sha256` (`system.file_hash`).

    Raises
    ------
    OSError
        The file cannot be read.
    """
    return sha256_of(path)


@cache
def code_mark() -> str:
    """Return a hash of the engine's own code and tables, so that results on disk do not outlive the code that made them.

    It is worked out once in a process, from some 450 small files in 12 ms of the processor's time. Networks are left out, because
    keys hold their hashes.
    """
    return mark_of_code(Path(__file__).parents[1], Path(faceplate_client.__file__).parent)


def mark_of_code(*packages: Path) -> str:
    """Return a hash of the code and tables in the folders `packages`: names and content of `.py`, `.npz` and `.json` files.

    The workspace's page and people's pictures decide on no pixel and are left out.
    """
    state = hashlib.blake2b(digest_size=8)
    for root in packages:
        for folder, inner, names in os.walk(root):
            inner[:] = sorted(name for name in inner if name not in _NO_CODE)
            for path in (Path(folder, name) for name in sorted(names) if name.endswith(_CODE)):
                state.update(path.relative_to(root).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
        state.update(b"\0")
    return state.hexdigest()


@lru_cache(maxsize=1 << 16)
def _marked(path: str, size: int, changed: int, _same: tuple[int, int]) -> str:
    # The last argument only tells whether the file is still the one that was read before.
    with Path(path).open("rb") as stream:
        head = stream.read(_SAMPLE)
        stream.seek(max(size - _SAMPLE, 0))
        return digest(size, changed, head, stream.read(_SAMPLE))


def _feed(state: Any, value: Any) -> None:
    """Add a value to the hash; type and length go before content, so that no two different values read the same."""
    if value is None or isinstance(value, bool):
        state.update(f"{value};".encode())
    elif isinstance(value, int):
        state.update(f"i{value};".encode())
    elif isinstance(value, float):
        state.update(b"f" + struct.pack("<d", value))
    elif isinstance(value, (str, Path)):
        _feed_bytes(state, b"s", str(value).encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes):
        _feed_bytes(state, b"b", value)
    elif isinstance(value, np.ndarray):
        _feed_bytes(state, f"a{value.dtype.str}{value.shape}".encode(), np.ascontiguousarray(value).tobytes())
    elif isinstance(value, np.generic):
        _feed(state, value.item())
    else:
        _feed_many(state, value)


def _feed_many(state: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        state.update(f"m{len(value)};".encode())
        for key in sorted(value, key=repr):
            _feed(state, key)
            _feed(state, value[key])
    elif isinstance(value, (list, tuple)):
        state.update(f"l{len(value)};".encode())
        for item in value:
            _feed(state, item)
    elif isinstance(value, Set):
        _feed_many(state, ["set", *sorted(value, key=repr)])
    elif is_dataclass(value) and not isinstance(value, type):
        _feed(state, type(value).__qualname__)
        for item in fields(value):
            _feed(state, getattr(value, item.name))
    else:
        raise TypeError(f"a {type(value).__name__} cannot be part of a key")


def _feed_bytes(state: Any, kind: bytes, content: bytes) -> None:
    state.update(kind + struct.pack("<Q", len(content)))
    state.update(content)
