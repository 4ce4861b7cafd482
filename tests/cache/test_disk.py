"""The cache on disk: exact values, damaged entries, its limit, several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cached_values import Pair, same
from faceplate.cache import DiskCache
from faceplate.cache.disk import packed, unpacked


def noise(seed: int, count: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


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
