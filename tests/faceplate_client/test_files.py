"""Text files written completely or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from faceplate_client import HostError, make_folder, read_text, write_json, write_text


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ä.json"
    write_text(str(path), "first\n")
    write_json(str(path), {"name": "Zoë"})
    assert path.read_bytes() == '{\n  "name": "Zoë"\n}\n'.encode() and read_text(str(path)).startswith("{")
    assert [item.name for item in path.parent.iterdir()] == ["ä.json"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_has_the_permissions_that_the_user_has_chosen(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(str(tmp_path / "shot.json"), "")
    finally:
        os.umask(before)
    assert (tmp_path / "shot.json").stat().st_mode & 0o777 == 0o640


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shot.json"
    write_text(str(path), "old")
    for number, code in ((errno.ENOSPC, "disk-full"), (errno.EACCES, "output-unwritable")):

        def fail(*_: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(HostError) as refused:
            write_text(str(path), "new")
        assert refused.value.code == code and str(path) in refused.value.message
    assert path.read_text() == "old" and [item.name for item in tmp_path.iterdir()] == ["shot.json"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError) as refused:
        make_folder(str(tmp_path / "file" / "folder"))
    assert refused.value.code == "output-unwritable"
    assert read_text(str(tmp_path / "none")) == ""
