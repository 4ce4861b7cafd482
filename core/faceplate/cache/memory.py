"""In-memory cache tier: the values that were used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any

import numpy as np

__all__ = ["MemoryCache", "sealed", "size_of"]

_OVERHEAD = 256


class MemoryCache:
    """Values up to `limit` bytes of their arrays; the longest unused is removed first. Safe between threads.

    Values are returned as they are, not copied.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return self._size

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._held)

    def get(self, key: str) -> Any | None:
        """Return the value under `key`, which becomes the last to be removed; None where there is none."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][1]

    def put(self, key: str, value: Any) -> None:
        """Keep a value and make its arrays read-only. One that is larger than the limit is not kept."""
        size = size_of(value) + _OVERHEAD
        if size > self.limit:
            return
        sealed(value)
        with self._lock:
            self._size -= self._held.pop(key, (0, None))[0]
            self._held[key] = (size, value)
            self._size += size
            while self._size > self.limit:
                _, (freed, _) = self._held.popitem(last=False)
                self._size -= freed

    def clear(self) -> None:
        """Remove all values."""
        with self._lock:
            self._held.clear()
            self._size = 0


def size_of(value: Any) -> int:
    """Return the bytes of every array in a value: arrays, dataclasses, mappings and sequences of them."""
    return sum(array.nbytes for array in _arrays(value))


def sealed(value: Any) -> Any:
    """Make a value's arrays read-only and return it, so that a stage cannot change what another frame reads."""
    for array in _arrays(value):
        array.flags.writeable = False
    return value


def _arrays(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, (list, tuple)):
        parts = list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, item.name) for item in fields(value)]
    else:
        return []
    return [array for part in parts for array in _arrays(part)]
