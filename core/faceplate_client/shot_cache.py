"""One connection to the engine and the shots that are open through it, shared by a host's threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, Callable

from .engine import Engine, Shot, connect

__all__ = ["ShotCache"]


class ShotCache:
    """Opens each shot document once. Every method may be called from any thread.

    Parameters
    ----------
    connected : callable
        Returns the engine; called at the first request and after `forget`.
    limit : int
        How many shots are kept; the one that was opened first is dropped first.
    """

    def __init__(self, connected: Callable[[], Engine] = connect, limit: int = 64) -> None:
        self._connected = connected
        self._limit = limit
        self._engine: Engine | None = None
        self._shots: dict[str, Shot] = {}
        self._lock = threading.RLock()

    def engine(self) -> Engine:
        """Return the engine, connecting to it when necessary. Raises as `connect` does."""
        with self._lock:
            if self._engine is None:
                self._engine = self._connected()
            return self._engine

    def open(self, document: Mapping[str, Any], base: str | None = None) -> Shot:
        """Return the open shot of a document whose relative paths begin at `base`. Raises `EngineError`."""
        name = json.dumps([document, base], sort_keys=True)
        with self._lock:
            shot = self._shots.get(name)
            if shot is None:
                shot = self._shots[name] = self.engine().open_shot(dict(document), base=base)
                if len(self._shots) > self._limit:
                    self._shots.pop(next(iter(self._shots)))
            return shot

    def forget(self) -> None:
        """Drop the connection and all shots; the engine ends by itself when nobody uses it."""
        with self._lock:
            self._engine = None
            self._shots.clear()

    def stop(self) -> None:
        """End the engine if this cache is connected to one, and drop all shots."""
        with self._lock:
            if self._engine is not None:
                self._engine.stop()
            self.forget()
