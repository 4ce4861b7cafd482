"""Each file is hashed once while it stays the same file."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from faceplate.system import file_hash
from faceplate.system.file_hash import sha256_of


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed, in order."""
    names: list[str] = []
    digest = hashlib.file_digest

    def counted(stream: Any, kind: str) -> Any:
        names.append(Path(stream.name).name)
        time.sleep(0.02)
        return digest(stream, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return names


def test_a_file_is_read_once_by_all_threads(tmp_path: Path, read: list[str]) -> None:
    path = tmp_path / "movie.mov"
    path.write_bytes(b"frames")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(sha256_of(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {hashlib.sha256(b"frames").hexdigest()} and read == ["movie.mov"]


def test_a_changed_or_replaced_file_is_read_again(tmp_path: Path, read: list[str]) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"one")
    first = sha256_of(path)
    path.write_bytes(b"other")
    assert sha256_of(path) == hashlib.sha256(b"other").hexdigest() != first
    other.write_bytes(b"three")
    state = path.stat()
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))  # the same size and time, another file
    other.replace(path)
    assert sha256_of(path) == hashlib.sha256(b"three").hexdigest() and len(read) == 3


def test_the_results_kept_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]) -> None:
    monkeypatch.setattr(file_hash, "_LIMIT", 2)
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
        sha256_of(tmp_path / name)
    assert len(file_hash._known) == 2 and not file_hash._reading
    sha256_of(tmp_path / "a")
    assert read == ["a", "b", "c", "a"]


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        sha256_of(tmp_path / "absent")
    assert not file_hash._reading
