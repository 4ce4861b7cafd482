"""Takes pixels out of shared memory.

Not by `multiprocessing.shared_memory`: before Python 3.13 that starts a tracker process, with the host's program as the
interpreter, and removes the engine's memory when the host ends.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import EngineError

if TYPE_CHECKING:
    import numpy as np

    from .engine import Engine

__all__ = ["shared_bytes", "take_pixels"]

_WIDTHS = {"<f4": 4, "<f2": 2}


def take_pixels(engine: Engine, entry: Mapping[str, Any], flip: bool = False) -> np.ndarray:
    """The pixels of a frame rendered with `pixels="shared"`, as an array (h, w, channels) of the host's own; the engine's
    memory is given back. `entry` is the frame's in the job's document. `flip` puts the first row at the bottom.

    Plate space, float32 RGBA: premultiplied on `entry["shared"]["window"]`, or the whole picture, alpha 1, in mode "over".
    Needs numpy in the host. Raises `EngineError` `no-pixels`.
    """
    import numpy

    shared = _shared(entry)
    pixels = numpy.frombuffer(shared_bytes(entry), dtype=shared["dtype"]).reshape(shared["shape"])
    with contextlib.suppress(EngineError):  # already gone, which is what was wanted
        engine.call("DELETE", "/v1/shared/" + shared["name"])
    return pixels[::-1] if flip else pixels


def shared_bytes(entry: Mapping[str, Any]) -> bytearray:
    """A copy of a frame's pixels as they lie in memory. Raises `EngineError` `no-pixels`."""
    shared = _shared(entry)
    size = _WIDTHS[shared["dtype"]]
    for side in shared["shape"]:
        size *= side
    if size == 0:
        return bytearray()
    try:
        memory = _attached(shared["name"], size)
    except (OSError, ImportError, ValueError) as error:
        raise EngineError(
            "no-pixels", f"The frame's pixels are no longer in shared memory ({error}); ask for the frame again."
        ) from None
    try:
        return bytearray(memory[:size])
    finally:
        memory.close()


def _shared(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    shared = entry.get("shared")
    if not shared:
        raise EngineError("no-pixels", 'The frame has no pixels in shared memory; render it with pixels="shared".')
    return shared


def _attached(name: str, size: int) -> mmap.mmap:
    if os.name == "nt":
        return mmap.mmap(-1, size, tagname=name, access=mmap.ACCESS_READ)  # type: ignore[call-arg]
    import _posixshmem

    descriptor = _posixshmem.shm_open("/" + name, os.O_RDONLY, 0)
    try:
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)
