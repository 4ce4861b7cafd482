"""Pixels of rendered frames from shared memory.

`multiprocessing.shared_memory` is not used: before Python 3.13 it starts a tracker process, with the host's program as
the interpreter, and removes the engine's memory when the host ends.
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
    """Copy the pixels of a frame that was rendered with ``pixels="shared"``, and release the engine's memory.

    Parameters
    ----------
    engine : Engine
    entry : mapping
        The frame's entry in the job's document.
    flip : bool
        Whether the first row is the bottom one.

    Returns
    -------
    numpy.ndarray
        Float RGBA (h, w, channels) in the plate's colour space: premultiplied, on ``entry["shared"]["window"]``; in mode
        "over" the whole picture with alpha 1. Needs numpy in the host.

    Raises
    ------
    EngineError
        ``no-pixels``.
    """
    import numpy

    shared = _shared(entry)
    pixels = numpy.frombuffer(shared_bytes(entry), dtype=shared["dtype"]).reshape(shared["shape"])
    with contextlib.suppress(EngineError):  # already released
        engine.call("DELETE", "/v1/shared/" + shared["name"])
    return pixels[::-1] if flip else pixels


def shared_bytes(entry: Mapping[str, Any]) -> bytearray:
    """Return a copy of a frame's pixels as bytes, in the layout of ``entry["shared"]``. Raises `EngineError` ``no-pixels``."""
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
