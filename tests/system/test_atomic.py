"""Atomic writes: a mount that refuses to flush a folder does not fail a file that is in place."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from faceplate.errors import RenderError
from faceplate.system.atomic import write_bytes

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no folders that can be flushed")


def refuse(monkeypatch: pytest.MonkeyPatch, code: int, folders: bool) -> None:
    """Make os.fsync fail with `code` for folders, or for files."""
    flush = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode) is folders:
            raise OSError(code, os.strerror(code))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)


@posix
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF])
def test_a_folder_that_cannot_be_flushed_is_no_error(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, code, folders=True)
    write_bytes(tmp_path / "frame.exr", b"whole")
    assert (tmp_path / "frame.exr").read_bytes() == b"whole" and len(list(tmp_path.iterdir())) == 1


@posix
def test_a_folder_on_a_broken_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, errno.EIO, folders=True)
    with pytest.raises(RenderError) as told:
        write_bytes(tmp_path / "frame.exr", b"whole")
    assert told.value.code == "output-unwritable"


@posix
@pytest.mark.parametrize(("code", "name"), [(errno.EINVAL, "output-unwritable"), (errno.ENOSPC, "disk-full")])
def test_a_file_that_cannot_be_flushed_is_an_error(
    code: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, code, folders=False)
    with pytest.raises(RenderError) as told:
        write_bytes(tmp_path / "frame.exr", b"whole")
    assert told.value.code == name and not list(tmp_path.iterdir())
