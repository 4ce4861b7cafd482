"""The file of the issues: each producer replaces its own frames, nothing else is lost, damage is told and left alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from faceplate.errors import UsageError
from faceplate.issues import IssueFile, Mark, issues_path
from faceplate.issues.issue_file import Producer


def note(frame: int, text: str = "A note.") -> Mark:
    return Mark(kind="note", frame=frame, text=text)


def frames(file: IssueFile, *producers: Producer) -> list[int]:
    return [mark.frame for mark in file.marks(*producers)]


def test_it_lies_beside_the_track() -> None:
    assert issues_path(Path("/s/sh010.track.json")) == Path("/s/sh010.issues.json")
    assert issues_path(Path("/s/t.json")) == Path("/s/t.issues.json")
    assert issues_path(Path("/s/track.json")) == Path("/s/track.issues.json")


def test_a_producer_replaces_its_marks_on_its_frames_alone(tmp_path: Path) -> None:
    file = IssueFile(tmp_path / "a.issues.json")
    file.replace("track", [note(1), note(9)], track_mark="m")
    file.replace("render", [note(2), note(3), note(5)], range(1, 6))
    file.replace("render", [note(4, "Ünlike.")], [3, 4])
    assert frames(file, "render") == [2, 4, 5] and frames(file, "track") == [1, 9] and len(file.marks()) == 5
    file.replace("check", [], [1])
    file.replace("track", [], track_mark="n")
    assert frames(file, "track") == [] and file.track_mark == "n" and file.marks("render")[1].text == "Ünlike."
    file.replace("render", [], [2, 4, 5])
    assert file.marks() == () and file.path.read_text("utf-8").startswith("{\n")


def test_a_list_without_marks_makes_no_file_and_no_change_no_write(tmp_path: Path) -> None:
    file = IssueFile(tmp_path / "a.issues.json")
    file.replace("render", [], [1])
    file.replace("track", [], track_mark="m")
    assert not list(tmp_path.iterdir()) and file.marks() == ()
    file.replace("render", [note(1)], [1])
    before = file.path.stat().st_mtime_ns
    file.replace("render", [note(1)], [1, 2])
    assert file.path.stat().st_mtime_ns == before


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    file = IssueFile(tmp_path / "a.issues.json")

    def write(chunk: int) -> None:
        IssueFile(file.path).replace(
            "render", [note(frame) for frame in range(chunk, chunk + 5)], range(chunk, chunk + 5)
        )

    threads = [threading.Thread(target=write, args=(chunk,)) for chunk in range(0, 60, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert frames(file) == list(range(60))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"faceplate_issues": 2}', '{"marks": {"track": [{"kind": 1}]}}', '{"marks": {"x": []}}']
)
def test_a_damaged_file_is_told_in_one_sentence_and_left_as_it_is(text: str, tmp_path: Path) -> None:
    file = IssueFile(tmp_path / "a.issues.json")
    file.path.write_text(text)
    for attempt in (file.marks, lambda: file.replace("render", [note(1)], [1]), lambda: file.track_mark):
        with pytest.raises(UsageError) as refused:
            attempt()
        assert refused.value.code == "bad-issues" and "\n" not in str(refused.value)
        assert str(file.path) in str(refused.value) and str(refused.value).endswith("make it again.")
    assert file.path.read_text() == text
