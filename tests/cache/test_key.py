"""Cache keys: kinds, borders and order count; the place of a file does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import faceplate
import faceplate_client
from cached_values import Pair
from faceplate.cache import code_mark, digest, file_mark
from faceplate.cache.key import mark_of_code


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


def test_the_mark_of_the_code_changes_with_code_and_tables_alone(tmp_path: Path) -> None:
    """Another line, another name, a moved file, and another table count; pages, pictures, notes and compiled files do not."""
    root = tmp_path / "engine"
    for name in (
        "a.py",
        "room/b.py",
        "room/table.npz",
        "mesh.json",
        "README.md",
        "page/app.json",
        "people/ada/eyes.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x = 1\n")
    client = tmp_path / "client"
    client.mkdir()
    marks = [mark_of_code(root, client)]
    for name in ("README.md", "page/app.json", "people/ada/eyes.json", "__pycache__/a.pyc"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x = 2\n")
        assert mark_of_code(root, client) == marks[0]
    for name in ("a.py", "room/b.py", "room/table.npz", "mesh.json"):
        (root / name).write_bytes(b"x = 2\n")
        marks.append(mark_of_code(root, client))
    (root / "a.py").rename(root / "c.py")
    marks.append(mark_of_code(root, client))
    (root / "c.py").rename(client / "c.py")
    marks.append(mark_of_code(root, client))
    (client / "c.py").rename(client / "d.py")
    marks.append(mark_of_code(root, client))
    assert len(set(marks)) == len(marks)


def test_the_mark_of_this_engine_is_the_same_for_a_copy(tmp_path: Path) -> None:
    """So that frames keep their keys on another machine, and in another process."""
    packages = [Path(str(package.__file__)).parent for package in (faceplate, faceplate_client)]
    copies = [tmp_path / package.name for package in packages]
    for package, copy in zip(packages, copies, strict=True):
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("*.onnx", "__pycache__", "people", "page"))
    assert mark_of_code(*copies) == code_mark() == mark_of_code(*packages)
