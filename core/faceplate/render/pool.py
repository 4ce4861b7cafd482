"""Objects that are expensive to open, each opened once."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

__all__ = ["ResourcePool"]

_Value = TypeVar("_Value")

# What the faces of a shot share; everything else depends on a face's own source, track or target.
_SHARED = frozenset({"color", "finder", "matte", "restorer", "track"})


class ResourcePool:
    """Opened objects by kind and name, such as `("generator", "inswapper")`. Safe between threads.

    Renderers of one shot that differ only in where and how they write can share a pool. A shot of several faces has a pool
    `of_face` for each; networks, colour and tracks are those of the pool that it belongs to.
    """

    def __init__(self, shared: ResourcePool | None = None) -> None:
        self._objects: dict[tuple[Any, ...], Any] = {}
        self._lock = RLock()
        self._shared = shared

    def of_face(self, name: str) -> ResourcePool:
        """Return the pool of one face of the shot, the same for every renderer of this pool."""
        return self.get(("face", name), lambda: ResourcePool(self))

    def get(self, name: tuple[Any, ...], make: Callable[[], _Value]) -> _Value:
        """Return the object called `name`; `make` opens it the first time. Nothing is kept when `make` raises."""
        if self._shared is not None and name[0] in _SHARED:
            return self._shared.get(name, make)
        with self._lock:
            if name not in self._objects:
                self._objects[name] = make()
            return self._objects[name]

    def opened(self, name: tuple[Any, ...]) -> Any | None:
        """Return the object called `name` if it has been opened, else None."""
        if self._shared is not None and name[0] in _SHARED:
            return self._shared.opened(name)
        return self._objects.get(name)
