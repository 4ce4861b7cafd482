"""A fatal error on the command line: one line, the rest is reported as not rendered, and the exit code is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faceplate.cli import main
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.render import Renderer
from farm_shots import cheap, ran, small_shot

pytestmark = pytest.mark.usefixtures("nobody_found")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    return small_shot(tmp_path, 6, **cheap(no_face="pass"))


def fail_at(monkeypatch: pytest.MonkeyPatch, frame: int, error: FaceplateError) -> None:
    write = Renderer.write

    def failing(self: Renderer, rendered: Any) -> Any:
        if rendered.frame == frame:
            raise error
        return write(self, rendered)

    monkeypatch.setattr(Renderer, "write", failing)


def test_render(shot: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail_at(monkeypatch, 1003, RenderError("out-of-memory", "The engine ran out of memory."))
    code, events = ran(capsys, "render", shot, "--no-track")
    states = {event["frame"]: event["state"] for event in events if event["event"] == "frame"}
    assert code == 1 and list(states) == list(range(1001, 1007))
    assert [states[frame] for frame in (1001, 1002, 1003)] == ["written", "written", "failed"]
    assert {states[frame] for frame in (1004, 1005, 1006)} == {"not-rendered"}
    summary = events[-1]
    assert (summary["written"], summary["failed"], summary["not_rendered"]) == (2, 1, 3)
    assert "3 were not rendered" in summary["message"]
    assert [event for event in events if event["event"] == "progress"][-1]["done"] == 6
    assert main._run(["render", str(shot), "--no-track"]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("faceplate:")]
    assert lines == [
        "faceplate: frame 1003: The engine ran out of memory.",
        "faceplate: 1 of 6 frames failed; 3 were not rendered.",
    ]


def test_a_wrong_request_that_only_a_frame_shows(
    shot: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_at(monkeypatch, 1002, UsageError("bad-target", "That is no target."))
    code, events = ran(capsys, "render", shot, "--no-track")
    assert code == 2 and events[-1]["event"] == "error" and events[-1]["code"] == "bad-target"
    assert main._run(["render", str(shot), "--no-track"]) == 2
    err = capsys.readouterr().err
    assert err.count("That is no target.") == 1 and "Traceback" not in err


def test_check_renders_again_under_the_same_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check --fix` adds its render to the audit log, and a fatal error ends it with exit code 1."""
    shot = small_shot(tmp_path, 3, **cheap(no_face="pass"))
    (tmp_path / "faceplate.show.json").write_text('{"faceplate_show": 1, "root": true}')
    assert main._run(["render", str(shot)]) == 0
    (tmp_path / "out" / "sh010.1002.exr").unlink()
    log = tmp_path / "faceplate.audit.jsonl"
    before = len(log.read_text().splitlines())
    with monkeypatch.context() as patch:
        fail_at(patch, 1002, RenderError("disk-full", "The disk is full."))
        code, events = ran(capsys, "check", shot, "--fix")
        assert code == 1 and events[-1]["code"] == "disk-full"
    code, events = ran(capsys, "check", shot, "--fix")
    assert code == 0 and events[-1]["bad"] == []
    added = [json.loads(line) for line in log.read_text().splitlines()[before:]]
    assert [(line["action"], line["first"], line["last"]) for line in added] == [("render", 1002, 1002)] * 2
