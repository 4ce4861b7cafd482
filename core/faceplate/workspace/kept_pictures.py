"""Encoded pictures of the viewer, kept up to a number of bytes; the longest unused goes first."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["KeptPictures", "Picture"]

# Bytes of encoded pictures: about 120 frames of HD at half the size, or 30 at full size.
_LIMIT = 512 << 20


@dataclass(frozen=True)
class Picture:
    """A picture as the page receives it: its bytes, and what the header `Faceplate-Picture` says about it."""

    data: bytes
    about: Mapping[str, Any]


class KeptPictures:
    """Pictures by name, safe between threads. `limit` is in bytes; `$FACEPLATE_WORKSPACE_MEMORY` gives it in MiB."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = _limit_of_environment() if limit is None else limit
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], Picture]) -> Picture:
        """Return the picture called `name`; `make` encodes it where it is not kept."""
        with self._lock:
            found = self._pictures.get(name)
            if found is not None:
                self._pictures.move_to_end(name)
                return found
        made = make()
        with self._lock:
            before = self._pictures.pop(name, None)
            self._size -= len(before.data) if before is not None else 0
            if len(made.data) <= self._limit:
                self._pictures[name] = made
                self._size += len(made.data)
            while self._size > self._limit:
                _, oldest = self._pictures.popitem(last=False)
                self._size -= len(oldest.data)
        return made

    def usage(self) -> dict[str, int]:
        """Return how many pictures are kept, and their bytes."""
        with self._lock:
            return {"pictures": len(self._pictures), "bytes": self._size, "limit": self._limit}


def _limit_of_environment() -> int:
    text = os.environ.get("FACEPLATE_WORKSPACE_MEMORY", "").strip()
    return int(text) << 20 if text.isdigit() else _LIMIT
