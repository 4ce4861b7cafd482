"""Page-locked memory for what is sent to a CUDA device: the driver copies from it directly, from other memory twice.

CUDA Driver API 13, "Memory Management": `cuMemHostRegister`, `cuMemHostUnregister`; "Primary Context Management".
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np

from faceplate.models.devices import cuda_driver

__all__ = ["pinned_array"]

# CU_MEMHOSTREGISTER_PORTABLE: page-locked for every context of this process.
_PORTABLE = 1
_PAGE = 4096


def pinned_array(shape: tuple[int, ...], dtype: Any, device: int, driver: Any = None) -> np.ndarray:
    """An empty array in page-locked memory where the driver of GPU `device` grants it, else in ordinary memory.

    The lock lasts as long as the array and its views. `driver` is the CUDA driver's library, None for the machine's.
    """
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(count + _PAGE, np.uint8)
    start = -room.ctypes.data % _PAGE
    held = room[start : start + count]
    driver = cuda_driver() if driver is None else driver
    if driver is not None and count and _registered(driver, held.ctypes.data, count, device):
        # A view keeps `room` alive, so the lock is given back when nobody can read the memory any more.
        weakref.finalize(room, driver.cuMemHostUnregister, ctypes.c_void_p(held.ctypes.data))
    return held.view(dtype).reshape(shape)


def _registered(driver: Any, address: int, count: int, device: int) -> bool:
    """Whether the driver has locked the pages, in the context that ONNX Runtime works in (the device's primary one)."""
    context = ctypes.c_void_p()
    if driver.cuInit(0) != 0 or driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device) != 0:
        return False
    before = ctypes.c_void_p()
    driver.cuCtxGetCurrent(ctypes.byref(before))
    if driver.cuCtxSetCurrent(context) != 0:
        return False
    try:
        return driver.cuMemHostRegister_v2(ctypes.c_void_p(address), ctypes.c_size_t(count), _PORTABLE) == 0
    finally:
        driver.cuCtxSetCurrent(before)
