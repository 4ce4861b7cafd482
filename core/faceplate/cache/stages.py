"""The cache that a renderer uses: it asks memory, then disk, then computes, and counts what it did."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock
from typing import Any, TypeVar

from faceplate.cache.disk import DiskCache
from faceplate.cache.key import code_mark, digest
from faceplate.cache.memory import MemoryCache
from faceplate.errors import UsageError
from faceplate.system.paths import NOWHERE, cache_folder

__all__ = ["NO_CACHE", "CacheCounts", "CacheSettings", "StageCache", "settings_from"]

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class CacheSettings:
    """Where results are kept, and how much of them; 0 bytes, or no folder, switches a tier off.

    Attributes
    ----------
    memory, disk : int
        Bytes to keep in memory and on disk.
    folder : Path, optional
        The folder on disk.
    """

    memory: int = 1 << 30
    folder: Path | None = None
    disk: int = 10 << 30


@dataclass
class CacheCounts:
    """How often each stage was taken from memory, taken from disk, and computed."""

    memory: Counter[str] = field(default_factory=Counter)
    disk: Counter[str] = field(default_factory=Counter)
    computed: Counter[str] = field(default_factory=Counter)


class StageCache:
    """Results of stages by key. Two threads that want the same result compute it once.

    Parameters
    ----------
    settings : CacheSettings
        What to keep, and where.
    kinds : iterable of type
        The dataclasses that entries on disk may hold.
    """

    def __init__(self, settings: CacheSettings, kinds: Iterable[type] = ()) -> None:
        self.settings = settings
        self.counts = CacheCounts()
        self._memory = MemoryCache(settings.memory) if settings.memory else None
        self._disk = DiskCache(settings.folder, settings.disk, kinds) if settings.folder and settings.disk else None
        self._busy: dict[str, RLock] = {}
        self._lock = Lock()

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, kinds: Iterable[type] = (), *, disk: bool = True
    ) -> StageCache:
        """Return the cache that `settings_from` describes. Raises what that raises."""
        return cls(settings_from(environ, disk=disk), kinds)

    @property
    def active(self) -> bool:
        """Whether anything is kept at all."""
        return self._memory is not None or self._disk is not None

    def make(self, stage: str, key: str, compute: Callable[[], _Value], *, keep: bool = False) -> _Value:
        """Return the result of `stage` under `key`: a kept one, or what `compute` returns.

        The value's arrays are read-only. With no tier on, `compute` is called and nothing else happens.

        Parameters
        ----------
        stage : str
            The stage's name.
        key : str
            The key of all that the result depends on.
        compute : callable
            Makes the result.
        keep : bool
            Keep the result on disk too.
        """
        if not self.active:
            return compute()
        found = self._found(stage, key)
        if found is not None:
            return found
        with self._one_at_a_time(key):
            found = self._found(stage, key)
            if found is not None:
                return found
            disk_key = digest(stage, key, code_mark()) if keep and self._disk else ""
            value = self._disk.get(disk_key) if self._disk and disk_key else None
            if value is not None:
                self.counts.disk[stage] += 1
            else:
                value = compute()
                self.counts.computed[stage] += 1
                if self._disk and disk_key:
                    self._disk.put(disk_key, value)
            if self._memory is not None:
                self._memory.put(f"{stage}:{key}", value)
            return value

    def state(self) -> dict[str, Any]:
        """Return sizes, limits and counts as plain JSON, for a status page."""
        memory, disk = self._memory, self._disk
        return {
            "memory": {"bytes": memory.size if memory else 0, "limit": self.settings.memory},
            "disk": {
                "bytes": disk.size() if disk else 0,
                "limit": self.settings.disk if disk else 0,
                "folder": str(disk.folder) if disk else None,
            },
            "from_memory": dict(self.counts.memory),
            "from_disk": dict(self.counts.disk),
            "computed": dict(self.counts.computed),
        }

    def clear(self, disk: bool = False) -> None:
        """Empty memory, and the disk too when asked."""
        if self._memory is not None:
            self._memory.clear()
        if disk and self._disk is not None:
            self._disk.clear()

    def _found(self, stage: str, key: str) -> Any | None:
        value = self._memory.get(f"{stage}:{key}") if self._memory is not None else None
        if value is not None:
            self.counts.memory[stage] += 1
        return value

    def _one_at_a_time(self, key: str) -> RLock:
        with self._lock:
            if len(self._busy) > 256:
                self._busy = {name: lock for name, lock in self._busy.items() if not _free(lock)}
            return self._busy.setdefault(key, RLock())


NO_CACHE = StageCache(CacheSettings(memory=0))
"""Keeps nothing and costs nothing."""


def settings_from(environ: Mapping[str, str] | None = None, *, disk: bool = True) -> CacheSettings:
    """Return the cache settings of the environment.

    `FACEPLATE_CACHE` is the folder on disk (`off` for none; where it is not set, the user's cache folder if `disk`, else
    none); `FACEPLATE_CACHE_DISK` and `FACEPLATE_CACHE_MEMORY` are the limits, such as 20G, 500M, 0.

    Parameters
    ----------
    environ : mapping of str to str, optional
        Variables in the place of the process environment's.
    disk : bool
        Use the user's cache folder where no folder is named.

    Raises
    ------
    UsageError
        `bad-cache`.
    """
    variables = os.environ if environ is None else environ
    place = variables.get("FACEPLATE_CACHE", "")
    folder = Path(place).expanduser() if place else cache_folder() / "stages" if disk else None
    return CacheSettings(
        memory=_size(variables, "FACEPLATE_CACHE_MEMORY", CacheSettings.memory),
        folder=None if place.lower() in NOWHERE else folder,
        disk=_size(variables, "FACEPLATE_CACHE_DISK", CacheSettings.disk),
    )


def _size(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        raise UsageError("bad-cache", f"{name} is '{text}'; write a size such as 500M, 20G or 0.")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _free(lock: RLock) -> bool:
    """Return whether no thread holds the lock."""
    if lock.acquire(blocking=False):
        lock.release()
        return True
    return False
