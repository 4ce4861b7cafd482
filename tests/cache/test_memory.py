"""The cache in memory."""

from __future__ import annotations

import numpy as np
import pytest

from cached_values import Pair
from faceplate.cache import MemoryCache


def noise(seed: int, count: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def test_memory_keeps_what_was_used_last_and_seals_it() -> None:
    cache = MemoryCache(3 * 4300)
    for name in "abc":
        cache.put(name, Pair(noise(1)))
    assert cache.get("a") is not None
    cache.put("d", Pair(noise(2)))
    assert [name for name in "abcd" if cache.get(name) is None] == ["b"] and cache.size <= cache.limit
    with pytest.raises(ValueError, match="read-only"):
        cache.get("a").one[0] = 1  # type: ignore[union-attr]
    cache.put("huge", noise(3, 10_000))
    assert cache.get("huge") is None and len(cache) == 3
    cache.clear()
    assert len(cache) == 0 and cache.size == 0
