"""The audit log: a chain of lines that several processes write."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from audit_writer import append_many
from faceplate.consent import audit


def test_the_log_is_a_chain_that_many_may_write(tmp_path: Path) -> None:
    path = tmp_path / "show" / "faceplate.audit.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(path, who)) for who in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len({line["render"] for line in lines}) == 60
    assert audit.broken_line(path) is None


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_changed_or_removed_line_breaks_the_chain(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_many(path, 0)
    lines = path.read_bytes().splitlines(keepends=True)
    if harm == "change":
        lines[4] = lines[4].replace(b'"0-4"', b'"0-5"')
    else:
        del lines[4]
    path.write_bytes(b"".join(lines))
    assert audit.broken_line(path) == (6 if harm == "change" else 5)


def test_a_torn_line_does_not_take_the_next_with_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    audit.append(path, {"render": "a"})
    with path.open("ab") as stream:
        stream.write(b'{"render": "b", "who"')
    audit.append(path, {"render": "c"})
    assert json.loads(path.read_text("utf-8").splitlines()[-1])["render"] == "c"
