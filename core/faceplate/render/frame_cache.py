"""The stage cache as one frame sees it: the results of its stages, each under its own key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from faceplate.cache import NO_CACHE, StageCache

__all__ = ["NO_FRAME_CACHE", "FrameCache"]

_Value = TypeVar("_Value")

# Results that are slow to make and small are also kept on disk. The others are quick, or as large as the plate.
_ON_DISK = ("generate", "inner", "occlusion", "parsed", "grain")


@dataclass(frozen=True)
class FrameCache:
    """A stage cache with the keys of one frame's stages, by stage. A stage without a key is always computed."""

    cache: StageCache = NO_CACHE
    keys: Mapping[str, str] = field(default_factory=dict)

    def make(self, stage: str, compute: Callable[[], _Value]) -> _Value:
        """Return the result of `stage`: from the cache where it has it, else what `compute` returns."""
        if stage not in self.keys:
            return compute()
        return self.cache.make(stage, self.keys[stage], compute, keep=stage in _ON_DISK)


NO_FRAME_CACHE = FrameCache()
"""Keeps nothing: every stage is computed."""
