"""The cache room: keys that tell apart, shelves with limits, entries that survive processes and distrust damage."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.cache import DiskCache, MemoryCache, StageCache, digest, file_mark, settings_from
from faceplate.cache.disk import packed, unpacked
from faceplate.cache.stages import NO_CACHE, CacheSettings
from faceplate.errors import UsageError


@dataclass(frozen=True)
class Pair:
    one: np.ndarray
    two: Any = None


def noise(seed: int, count: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def stage_cache(folder: Path | None = None, memory: int = 1 << 20, disk: int = 1 << 20) -> StageCache:
    return StageCache(CacheSettings(memory, folder, disk), (Pair,))


# Keys ---------------------------------------------------------------------------------------------------------------


def test_a_key_tells_kinds_borders_and_order_apart() -> None:
    values = [
        (), (None,), (0,), (0.0,), (-0.0,), (False,), ("0",), (b"0",), ("",), ("ab", "c"), ("a", "bc"), (("a", "b"),), ("a", "b"),
        ([], []), ([[]],), ({"a": 1},), ({"a": "1"},), (np.zeros(2),), (np.zeros(2, np.float32),), (np.zeros((1, 2)),),
        (Pair(np.zeros(2)),), (1, 2), (2, 1), (12,),
    ]  # fmt: skip
    assert len({digest(*value) for value in values}) == len(values)
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) and digest({3, 1}) == digest({1, 3})
    assert digest(np.arange(6).reshape(2, 3)[:, ::2]) == digest(np.array([[0, 2], [3, 5]]))
    with pytest.raises(TypeError):
        digest(object())


def test_a_file_mark_changes_with_content_and_time_and_not_with_place(tmp_path: Path) -> None:
    one, two = tmp_path / "a.exr", tmp_path / "sub" / "b.exr"
    two.parent.mkdir()
    for path in (one, two):
        path.write_bytes(bytes(300_000))
        os.utime(path, ns=(10**18, 10**18))
    assert file_mark(one) == file_mark(two)
    os.utime(two, ns=(10**18, 10**18 + 1))
    assert file_mark(one) != file_mark(two)
    for place in (0, 299_999):  # the same size and time, and another first or last byte
        content = bytearray(300_000)
        content[place] = 1
        two.unlink()
        two.write_bytes(content)
        os.utime(two, ns=(10**18, 10**18))
        assert file_mark(one) != file_mark(two)
    with pytest.raises(OSError):
        file_mark(tmp_path / "absent.exr")


# Shelves ------------------------------------------------------------------------------------------------------------


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


arrays = st.builds(
    lambda shape, kind, seed: (np.random.default_rng(seed).standard_normal(shape) * 9).astype(kind),
    st.lists(st.integers(0, 4), max_size=3), st.sampled_from(["f4", "f8", "u1", "?", "i8"]), st.integers(0, 99),
)  # fmt: skip
plain = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=5) | arrays
)
trees = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    | st.builds(Pair, arrays, inner),
    max_leaves=6,
)  # fmt: skip


def same(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(two, np.ndarray) and one.dtype == two.dtype and one.shape == two.shape and (one == two).all()
    if isinstance(one, Pair):
        return isinstance(two, Pair) and same(one.one, two.one) and same(one.two, two.two)
    if isinstance(one, tuple):
        return isinstance(two, tuple) and len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return isinstance(two, dict) and one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    return type(one) is type(two) and one == two


@given(trees)
@settings(max_examples=150, deadline=None)
def test_an_entry_holds_its_value_exactly(value: Any) -> None:
    assert same(value, unpacked(packed(value), {"Pair": Pair}))


@given(st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_damaged_entry_is_never_taken_for_whole(place: int, byte: int) -> None:
    content = bytearray(packed(Pair(noise(4, 50), ("x", 1))))
    place %= len(content)
    if content[place] == byte:
        return
    content[place] = byte
    for broken in (bytes(content), bytes(content[:place])):
        with pytest.raises((ValueError, KeyError, TypeError, IndexError)):
            unpacked(broken, {"Pair": Pair})


def test_a_damaged_entry_on_disk_is_a_miss_and_goes(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path / "c", 1 << 20, (Pair,))
    disk.put("ab12", Pair(noise(5)))
    (path,) = (tmp_path / "c").glob("??/*")
    assert same(disk.get("ab12"), Pair(noise(5)))
    path.write_bytes(path.read_bytes()[:-1])
    assert disk.get("ab12") is None and not path.exists()
    if os.name == "posix":
        assert (tmp_path / "c").stat().st_mode & 0o077 == 0


def test_the_disk_stays_under_its_limit_and_keeps_what_was_used(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path, 50_000, (Pair,))
    for index in range(40):
        disk.put(f"{index:04x}", noise(index))
        path = next(tmp_path.glob(f"??/{index:04x}*"), None)
        if path is not None:
            os.utime(path, (1000 + index, 1000 + index))
        if index:
            disk.get("0000")
    assert disk.size() <= 50_000 * 1.05
    assert disk.get("0000") is not None and disk.get("0027") is not None and disk.get("0001") is None
    disk.put("ffff", noise(1, 50_000))
    assert disk.get("ffff") is None, "an entry over the limit is not kept"
    disk.clear()
    assert disk.size() == 0


def test_no_disk_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    disk = DiskCache(blocked / "c", 1 << 20)
    disk.put("aa", noise(1))
    assert disk.get("aa") is None and disk.size() == 0


def test_what_a_killed_process_left_goes_after_an_hour(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path, 1 << 20)
    (tmp_path / "ab").mkdir()
    old, young = tmp_path / "ab" / ".x.1.part.fpcache", tmp_path / "ab" / ".y.1.part.fpcache"
    for path in (old, young):
        path.write_bytes(b"half")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    assert disk.size() == 0 and not old.exists() and young.exists()


_WRITER = """
import sys, numpy as np
from pathlib import Path
from faceplate.cache import DiskCache
disk = DiskCache(Path(sys.argv[1]), 300_000)
for turn in range(150):
    key = f"{turn % 30:04x}"
    value = disk.get(key)
    assert value is None or (value == turn % 30).all()
    disk.put(key, np.full(4000, turn % 30, np.float32))
"""


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    disk = DiskCache(tmp_path, 300_000)
    assert 0 < disk.size() <= 300_000 * 1.2
    assert not [path for path in tmp_path.glob("??/*") if path.name.startswith(".")]


# The cache of a renderer --------------------------------------------------------------------------------------------


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
