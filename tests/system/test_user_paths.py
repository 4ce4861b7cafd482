"""Paths that the operating system refuses are answered like paths that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.system import user_paths

IMPOSSIBLE = ["x" * 100_000, "folder/" * 20_000 + "x", "nul\0l"]


@pytest.mark.parametrize("path", IMPOSSIBLE, ids=["long", "deep", "null"])
def test_impossible_paths(path: str, tmp_path: Path) -> None:
    place = tmp_path / path
    assert user_paths.stat_or_none(place) is None
    assert not user_paths.exists(place) and not user_paths.is_file(place) and not user_paths.is_dir(place)
    assert user_paths.entries(place) == () and user_paths.matches(place, "*.json") == ()
    with pytest.raises(OSError):
        user_paths.read_bytes(place)
    with pytest.raises(RenderError) as refused:
        user_paths.make_folder(place)
    message = str(refused.value)
    assert refused.value.code == "output-unwritable" and len(message) < 6000 and "\0" not in message
    assert "\n" not in message and "none" in user_paths.fingerprint_of([place])


def test_possible_paths(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"a")
    assert user_paths.exists(file) and user_paths.is_file(file) and user_paths.is_dir(tmp_path)
    assert user_paths.entries(tmp_path) == user_paths.matches(tmp_path, "*.txt") == (file,)
    assert user_paths.read_bytes(file) == b"a" and user_paths.resolved(file) == file.resolve()
    before = user_paths.fingerprint_of([file])
    file.write_bytes(b"ab")
    assert user_paths.fingerprint_of([file]) != before
    user_paths.make_folder(tmp_path / "b" / "c")
    assert (tmp_path / "b" / "c").is_dir()


def test_messages_are_short_whatever_they_name() -> None:
    long = UsageError("no-shot", f"The file {'x' * 100_000} cannot be read.")
    assert len(str(long)) < 400 and str(long).startswith("The file xxx") and str(long).endswith("cannot be read.")
    assert str(UsageError("no-shot", "The file a\0b cannot be read.")) == "The file a\\0b cannot be read."
    plain = "The file /show/sh010/plate.1001.exr cannot be read."
    assert UsageError("no-shot", plain).message == plain
