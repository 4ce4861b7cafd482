"""Notes and approval, in a file beside the shot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faceplate.errors import UsageError
from faceplate.workspace.notes import edit_notes, notes_path, read_notes
from faceplate.workspace.shot_file import etag_of
from workspace_page import Page


def changed(path: Path, *edits: dict[str, Any], take: int | None = None) -> dict[str, Any]:
    edit_notes(path, edits, etag_of(path), take)
    return json.loads(path.read_text())


def test_lie_beside_the_shot() -> None:
    assert notes_path(Path("/a/sh010.shot.json")) == Path("/a/sh010.notes.json")


def test_add_do_and_remove(tmp_path: Path) -> None:
    path = tmp_path / "a.notes.json"
    written = changed(
        path,
        {"do": "add", "frame": 1010, "text": "Chin swims", "author": "Ann"},
        {"do": "add", "text": "Good"},
        take=2,
    )
    first, second = written["notes"]
    assert written["faceplate_notes"] == 1 and "approval" not in written
    assert (first["frame"], first["author"], first["take"]) == (1010, "Ann", 2) and "frame" not in second
    assert first["id"] != second["id"] and first["made"].endswith("Z")
    written = changed(path, {"do": "done", "id": first["id"], "done": True}, {"do": "remove", "id": second["id"]})
    assert [(note["id"], note["done"]) for note in written["notes"]] == [(first["id"], True)]


def test_approval(tmp_path: Path) -> None:
    path = tmp_path / "a.notes.json"
    written = changed(path, {"do": "approve", "name": "Ann", "comment": "Final"}, take=3)
    assert written["approval"] == {
        "name": "Ann", "made": written["approval"]["made"], "state": "approved", "take": 3, "comment": "Final",
    }  # fmt: skip
    assert changed(path, {"do": "approve", "name": "Bo", "state": "changes"})["approval"]["state"] == "changes"
    assert "approval" not in changed(path, {"do": "withdraw"})


@pytest.mark.parametrize(
    "edit",
    [
        {}, {"do": "shout"}, {"do": "add"}, {"do": "add", "text": ""}, {"do": "add", "text": "x", "frame": "1"},
        {"do": "done", "id": "none", "done": True}, {"do": "remove"}, {"do": "approve", "name": ""},
        {"do": "approve", "name": "Ann", "state": "maybe"}, {"do": "add", "text": "x" * 10_001},
    ],
)  # fmt: skip
def test_a_wrong_edit_writes_nothing(tmp_path: Path, edit: dict[str, Any]) -> None:
    path = tmp_path / "a.notes.json"
    with pytest.raises(UsageError) as refused:
        edit_notes(path, [{"do": "add", "text": "kept?"}, edit], "", None)
    assert refused.value.code == "bad-edit" and not path.exists()


def test_two_writers(tmp_path: Path) -> None:
    path = tmp_path / "a.notes.json"
    changed(path, {"do": "add", "text": "one"})
    with pytest.raises(UsageError) as refused:
        edit_notes(path, [{"do": "add", "text": "two"}], "", None)
    assert refused.value.code == "notes-changed" and len(read_notes(path).notes) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad-notes"),
        ('{"notes": [{"id": "a"}]}', "bad-notes"),
        ('{"faceplate_notes": 2}', "newer-notes"),
        ('{"more": 1}', "bad-notes"),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "a.notes.json"
    path.write_text(text)
    for work in (lambda: read_notes(path), lambda: edit_notes(path, [{"do": "withdraw"}], etag_of(path), None)):
        with pytest.raises(UsageError) as refused:
            work()
        assert refused.value.code == code
    assert path.read_text() == text


def test_over_the_wire(page: Page, shot: Path) -> None:
    told = page.get("/v1/ui/notes", shot=str(shot))
    assert told == {"path": str(shot.with_name("fast.notes.json")), "etag": "", "notes": [], "approval": None}
    body = {"edits": [{"do": "add", "frame": 3, "text": "look"}, {"do": "approve", "name": "Ann"}]}
    answer = page.ask("POST", "/v1/ui/notes", body, {"If-Match": ""}, shot=str(shot))
    assert answer.status == 200 and answer.json["approval"]["name"] == "Ann"
    assert page.get("/v1/ui/frames", shot=str(shot))["notes"] == [3]
    late = page.ask("POST", "/v1/ui/notes", body, {"If-Match": ""}, shot=str(shot))
    assert (late.status, late.code) == (409, "notes-changed")
