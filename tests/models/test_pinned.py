"""Page-locked host memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceplate.models.pinned import pinned_array


class FakeDriver:
    """The calls of the CUDA driver that page-locking needs; `grants` says whether it locks."""

    def __init__(self, grants: bool) -> None:
        self.grants, self.locked, self.contexts = grants, {}, []

    def cuInit(self, _: int) -> int:  # noqa: N802
        return 0

    def cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> int:  # noqa: N802
        return 0

    def cuCtxGetCurrent(self, context: Any) -> int:  # noqa: N802
        return 0

    def cuCtxSetCurrent(self, context: Any) -> int:  # noqa: N802
        self.contexts.append(context.value)
        return 0

    def cuMemHostRegister_v2(self, address: Any, count: Any, flags: int) -> int:  # noqa: N802
        if self.grants:
            self.locked[address.value] = count.value
        return 0 if self.grants else 2

    def cuMemHostUnregister(self, address: Any) -> int:  # noqa: N802
        del self.locked[address.value]
        return 0


def test_pinned_memory_is_locked_as_long_as_it_is_used() -> None:
    driver = FakeDriver(grants=True)
    made = pinned_array((3, 5, 7), np.float16, 0, driver)
    assert made.shape == (3, 5, 7) and made.dtype == np.float16 and made.flags.c_contiguous and made.flags.writeable
    assert driver.locked == {made.ctypes.data: 210} and made.ctypes.data % 4096 == 0
    view = made[1]
    del made
    assert len(driver.locked) == 1  # a view still reads it
    del view
    assert driver.locked == {} and len(driver.contexts) == 2  # and the thread has its own context back
    refused = pinned_array((2, 2), np.float32, 0, FakeDriver(grants=False))
    refused[:] = 3
    assert refused.sum() == 12
