"""Objects that are expensive to open, each opened once."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

__all__ = ["ResourcePool"]

_Value = TypeVar("_Value")


class ResourcePool:
    """Opened objects by kind and name, such as `("generator", "inswapper")`. Safe between threads.

    Renderers of one shot that differ only in where and how they write can share a pool.
    """

    def __init__(self) -> None:
        self._objects: dict[tuple[Any, ...], Any] = {}
        self._lock = RLock()

    def get(self, name: tuple[Any, ...], make: Callable[[], _Value]) -> _Value:
        """Return the object called `name`; `make` opens it the first time. Nothing is kept when `make` raises."""
        with self._lock:
            if name not in self._objects:
                self._objects[name] = make()
            return self._objects[name]

    def opened(self, name: tuple[Any, ...]) -> Any | None:
        """Return the object called `name` if it has been opened, else None."""
        return self._objects.get(name)
