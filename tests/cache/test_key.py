"""Cache keys: kinds, borders and order count; the place of a file does not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from cached_values import Pair
from faceplate.cache import digest, file_mark


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
