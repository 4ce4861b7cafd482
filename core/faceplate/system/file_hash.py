"""The SHA-256 of files, each read once while it stays the same file.

Provenance, cache keys and releases all ask for hashes of plates and pictures, which may be movies of many gigabytes. A
file's identity is its path, size, time of change and number on its disk, so a file that was replaced or edited is read again.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock

__all__ = ["sha256_of"]

_LIMIT = 4096
_Identity = tuple[str, int, int, int, int, int]
_known: OrderedDict[_Identity, str] = OrderedDict()
_reading: dict[_Identity, Lock] = {}
_lock = Lock()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits.

    The file is read once per identity and process, also when several threads ask at the same time; the last 4096
    results are kept. A file that changes while it is read gets a hash that is not kept.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    identity = _identity(path, path.stat())
    with _lock:
        if identity in _known:
            _known.move_to_end(identity)
            return _known[identity]
        reading = _reading.setdefault(identity, Lock())
    with reading:
        with _lock:
            if identity in _known:
                return _known[identity]
        try:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
                after = _identity(path, os.fstat(stream.fileno()))
            if after == identity:
                _keep(identity, found)
            return found
        finally:
            with _lock:
                _reading.pop(identity, None)


def _keep(identity: _Identity, digest: str) -> None:
    with _lock:
        _known[identity] = digest
        while len(_known) > _LIMIT:
            _known.popitem(last=False)


def _identity(path: Path, found: os.stat_result) -> _Identity:
    # The time of change of the entry (ctime) tells of an edit whose time of modification was set back.
    return str(path), found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, found.st_ctime_ns
