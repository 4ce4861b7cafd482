"""`faceplate issues`: the list of a shot or a track, as text and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import command, refused
from faceplate.issues import IssueFile, Mark
from track_sightings import seen_frames, track_from
from turning_heads import turned


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    track_from(seen_frames(6, {1: lambda i: turned(12.0 * i - 30)}, flowing=False)).save(tmp_path / "a.track.json")
    document = {"faceplate_shot": 1, "plate": "p.####.exr", "track": "a.track.json", "person": "Ada"}
    (tmp_path / "a.shot.json").write_text(json.dumps(document))
    marks = [Mark(kind="fault", frame=frame, text="o.exr: there is no file.") for frame in (1004, 1005)]
    IssueFile(tmp_path / "a.issues.json").replace("check", marks)
    return tmp_path / "a.shot.json"


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    capsys.readouterr()
    command("issues", *words)
    return capsys.readouterr().out.splitlines()


def test_the_list_of_a_shot(shot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turn, fault, count = printed(capsys, shot)
    assert turn.split()[:4] == ["1002-1006", "medium", "fast-turn", "Ada"] and turn.endswith("; limit 6)")
    assert fault.split()[:3] == ["1004-1005", "high", "fault"] and count == "2 issues."
    assert printed(capsys, shot, "--kind", "fault", "--kind", "note") == [fault, "1 issue."]
    assert printed(capsys, shot, "--severity", "high") == [fault, "1 issue."]
    assert printed(capsys, shot, "--face", "Eve") == ["0 issues."]
    track = printed(capsys, shot.with_name("a.track.json"), "--kind", "fast-turn")
    assert track[0].split()[3] == "p1"


def test_the_list_for_a_program(shot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads("\n".join(printed(capsys, shot, "--json")))
    assert [(item["kind"], item["first"], item["last"]) for item in found] == [
        ("fast-turn", 1002, 1006), ("fault", 1004, 1005),
    ]  # fmt: skip
    assert set(found[0]) == {"kind", "face", "first", "last", "worst", "severity", "value", "threshold", "text"}


def test_wrong_words_and_a_damaged_list_are_told(shot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--kind is 'blur'" in refused(capsys, "issues", shot, "--kind", "blur")
    assert "--severity is 'bad'" in refused(capsys, "issues", shot, "--severity", "bad")
    shot.with_name("a.issues.json").write_text("{")
    assert "cannot be read" in refused(capsys, "issues", shot)
