"""The record of a training goes on where its checkpoint stands."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from faceplate.errors import RenderError
from faceplate.train.record import Record, read_record


def test_lines_after_the_checkpoint_are_removed_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    record = Record(tmp_path, 0)
    for step in (20, 40, 60):
        record.add({"step": step, "losses": {"total": 1.0}})
    with record.path.open("a") as file:
        file.write('{"step": 80, "los')
    assert [line["step"] for line in read_record(tmp_path)] == [20, 40, 60]
    again = Record(tmp_path, 45)
    again.add({"step": 60, "losses": {"total": 0.5}})
    assert [(line["step"], line["losses"]["total"]) for line in read_record(tmp_path)] == [(20, 1), (40, 1), (60, 0.5)]


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(tmp_path, 0)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RenderError) as caught:
        record.add({"step": 20})
    assert caught.value.code == "disk-full"


def test_without_a_record_there_are_no_lines(tmp_path: Path) -> None:
    assert read_record(tmp_path) == []
