"""Page-locked memory for transfers to a CUDA device; other memory would be copied twice.

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
    """Allocate an array in page-locked memory if the driver of GPU `device` allows it, else in ordinary memory.

    The lock lasts as long as the array and its views. `driver` is the CUDA driver's library; None for the machine's own.
    """
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(count + _PAGE, np.uint8)
    start = -room.ctypes.data % _PAGE
    held = room[start : start + count]
    driver = cuda_driver() if driver is None else driver
    if driver is not None and count and _register(driver, held.ctypes.data, count, device):
        # A view keeps `room` alive, so the lock is released when the memory is no longer referenced.
        weakref.finalize(room, driver.cuMemHostUnregister, ctypes.c_void_p(held.ctypes.data))
    return held.view(dtype).reshape(shape)


def _register(driver: Any, address: int, count: int, device: int) -> bool:
    """Lock the pages in the context that ONNX Runtime uses (the device's primary context); return whether it succeeded."""
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
