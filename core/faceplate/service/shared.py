"""Pixels in shared memory, for a host that has numpy: without a file and without a copy through a socket."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

__all__ = ["SharedPixels"]


@dataclass
class _Block:
    memory: SharedMemory
    size: int
    until: float


class SharedPixels:
    """Blocks of pixels that a client reads and then frees.

    A block that nobody frees is removed after `keep` seconds; the oldest are removed when all together exceed `limit`
    bytes. The blocks of a killed engine are removed by Python's resource tracker.
    """

    def __init__(self, keep: float = 120.0, limit: int = 2 << 30) -> None:
        self._blocks: dict[str, _Block] = {}
        self._lock = threading.Lock()
        self._keep = keep
        self._limit = limit

    def put(self, pixels: np.ndarray) -> dict[str, Any]:
        """Copy `pixels` into a new block, in C order, and return its `name`, `shape` and `dtype`."""
        plain = np.ascontiguousarray(pixels)
        with self._lock:
            self._make_room(plain.nbytes)
            memory = SharedMemory(create=True, size=max(plain.nbytes, 1))
            np.ndarray(plain.shape, plain.dtype, buffer=memory.buf)[...] = plain
            name = memory.name.lstrip("/")
            self._blocks[name] = _Block(memory, plain.nbytes, time.monotonic() + self._keep)
        return {"name": name, "shape": list(plain.shape), "dtype": plain.dtype.str}

    def free(self, name: str) -> bool:
        """Remove a block; False where there is none of that name."""
        with self._lock:
            return self._free(name)

    def sweep(self) -> None:
        """Remove the blocks that have waited too long."""
        now = time.monotonic()
        with self._lock:
            for name in [name for name, block in self._blocks.items() if block.until < now]:
                self._free(name)

    def clear(self) -> None:
        """Remove every block."""
        with self._lock:
            for name in list(self._blocks):
                self._free(name)

    def usage(self) -> dict[str, int]:
        """Return the number of blocks and their bytes in all."""
        with self._lock:
            return {"blocks": len(self._blocks), "bytes": sum(block.size for block in self._blocks.values())}

    def _make_room(self, size: int) -> None:
        used = sum(block.size for block in self._blocks.values())
        for name in list(self._blocks):
            if used + size <= self._limit:
                return
            used -= self._blocks[name].size
            self._free(name)

    def _free(self, name: str) -> bool:
        block = self._blocks.pop(name, None)
        if block is None:
            return False
        block.memory.close()
        block.memory.unlink()
        return True
