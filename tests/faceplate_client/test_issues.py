"""Hosts step to the next and to the previous issue."""

from __future__ import annotations

from typing import Any

from faceplate_client import issue_line, next_issue


def issue(first: int, kind: str = "flicker", severity: str = "low", **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "face": "",
        "first": first,
        "last": first,
        "severity": severity,
        "text": "A sentence.",
        **more,
    }


ISSUES = [issue(1004), issue(1010, last=1014), issue(1010, "fast-turn", "high"), issue(1020, "fast-turn")]


def test_each_step_moves_and_ends_at_the_ends() -> None:
    forward, frame = [], 1001
    while (found := next_issue(ISSUES, frame)) is not None:
        frame = found["first"]
        forward.append((frame, found["kind"]))
    assert forward == [(1004, "flicker"), (1010, "fast-turn"), (1020, "fast-turn")]
    assert next_issue(ISSUES, 1012, -1) is ISSUES[2] and next_issue(ISSUES, 1004, -1) is None
    assert next_issue(ISSUES, 1001, kinds=["fast-turn"]) is ISSUES[2] and next_issue([], 1, 1) is None


def test_the_line_names_frames_face_and_kind() -> None:
    assert issue_line(ISSUES[1]) == "1010-1014: flicker. A sentence."
    assert issue_line(issue(7, "fast-turn", face="Ada")) == "7: Ada, fast turn. A sentence."
