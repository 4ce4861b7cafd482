"""The cache of a renderer: memory, then disk, then computation."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cached_values import Pair, same
from faceplate.cache import StageCache, settings_from
from faceplate.cache.stages import NO_CACHE, CacheSettings
from faceplate.errors import UsageError


def noise(seed: int, count: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def stage_cache(folder: Path | None = None, memory: int = 1 << 20, disk: int = 1 << 20) -> StageCache:
    return StageCache(CacheSettings(memory, folder, disk), (Pair,))


def test_memory_first_disk_second_then_computed(tmp_path: Path) -> None:
    made: list[int] = []

    def compute() -> Pair:
        made.append(1)
        return Pair(noise(7))

    cache = stage_cache(tmp_path)
    for _ in range(2):
        assert same(cache.make("generate", "k", compute, keep=True), Pair(noise(7)))
    assert same(cache.make("look", "k", compute), Pair(noise(7))), "another stage is another result"
    other = stage_cache(tmp_path)
    other.make("generate", "k", compute, keep=True)
    other.make("look", "k", compute)
    assert len(made) == 3
    assert (dict(cache.counts.memory), dict(cache.counts.computed)) == ({"generate": 1}, {"generate": 1, "look": 1})
    assert (dict(other.counts.disk), dict(other.counts.computed)) == ({"generate": 1}, {"look": 1})
    state = other.state()
    assert state["disk"]["bytes"] > 4000 and state["memory"]["bytes"] > 8000 and state["from_disk"] == {"generate": 1}
    other.clear(disk=True)
    assert other.state()["disk"]["bytes"] == 0


def test_results_of_other_code_on_disk_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer who changed a line finds the new results, and the old ones again after taking the change back."""
    made: list[str] = []

    def compute(name: str) -> Pair:
        made.append(name)
        return Pair(noise(7))

    for code in ("as it was", "changed", "as it was"):
        monkeypatch.setattr("faceplate.cache.stages.code_mark", lambda code=code: code)
        stage_cache(tmp_path).make("generate", "k", lambda code=code: compute(code), keep=True)
    assert made == ["as it was", "changed"]


def test_threads_that_want_the_same_compute_it_once() -> None:
    cache, made = stage_cache(), []

    def compute() -> np.ndarray:
        made.append(1)
        time.sleep(0.05)
        return noise(1)

    threads = [threading.Thread(target=cache.make, args=("s", "k", compute)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_failure_is_not_kept() -> None:
    cache = stage_cache()
    with pytest.raises(ZeroDivisionError):
        cache.make("s", "k", lambda: 1 // 0)
    assert cache.make("s", "k", lambda: 5) == 5


def test_no_cache_only_calls() -> None:
    value = noise(1)
    assert NO_CACHE.make("s", "k", lambda: value, keep=True) is value and value.flags.writeable
    assert not NO_CACHE.active and not NO_CACHE.counts.computed


def test_settings_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    folder = settings_from(home).folder
    assert folder is not None and folder.is_relative_to(tmp_path)
    assert settings_from(home, disk=False).folder is None
    assert settings_from({**home, "FACEPLATE_CACHE": "off"}).folder is None
    given = settings_from(
        {"FACEPLATE_CACHE": "/x", "FACEPLATE_CACHE_DISK": "1.5G", "FACEPLATE_CACHE_MEMORY": "0"}, disk=False
    )
    assert (given.folder, given.disk, given.memory) == (Path("/x"), 3 << 29, 0)
    for text in ("big", "-1G", "1X"):
        with pytest.raises(UsageError) as refused:
            settings_from({"FACEPLATE_CACHE_DISK": text})
        assert refused.value.code == "bad-cache"
