"""Pixels in shared memory, to and from a host: without a file and without a copy through a socket."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from faceplate.errors import UsageError

__all__ = ["SharedPixels"]


@dataclass
class _Block:
    memory: SharedMemory
    size: int
    until: float
    reserved: bool = False


class SharedPixels:
    """Blocks of pixels that a client reads and then frees, and blocks that a client has reserved to write pixels into.

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

    def reserve(self, size: int) -> str:
        """Return the name of a new block of `size` bytes that a client writes into.

        Every use of it by `read` and `write` begins its time anew.
        """
        with self._lock:
            self._make_room(size)
            memory = SharedMemory(create=True, size=size)
            name = memory.name.lstrip("/")
            self._blocks[name] = _Block(memory, size, time.monotonic() + self._keep, reserved=True)
        return name

    def read(self, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Return a copy of the pixels in a reserved block, so that the client cannot change them under way.

        Raises `UsageError`: `unknown-pixels` where no such block is reserved, `pixels-size` where it is too small.
        """
        with self._lock:
            return self._view(name, shape, dtype).copy()

    def write(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str,
        place: tuple[slice, slice],
        pixels: np.ndarray,
        where: np.ndarray,
    ) -> None:
        """Write `pixels` (h, w, channels) to `place` of the picture in a reserved block, where `where` (h, w) is True.

        Further channels of the block stay as they are. Raises what `read` raises.
        """
        with self._lock:
            view, plain = self._view(name, shape, dtype)[place], pixels.astype(dtype, copy=False)
            for channel in range(plain.shape[2]):  # faster than a mask that is repeated for the channels
                np.copyto(view[..., channel], plain[..., channel], where=where)

    def _view(self, name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        block = self._blocks.get(name)
        if block is None or not block.reserved:
            raise UsageError(
                "unknown-pixels",
                f"There is no shared memory called '{name}'; it may have been freed: reserve it again.",
            )
        if math.prod(shape) * np.dtype(dtype).itemsize > block.size:
            raise UsageError("pixels-size", f"The shared memory '{name}' is too small for these pixels: reserve more.")
        block.until = time.monotonic() + self._keep
        return np.ndarray(shape, dtype, buffer=block.memory.buf)

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
