"""Marks on frames become issues: neighbours are one, the worst frame gives value and sentence."""

from __future__ import annotations

from typing import Any

from faceplate.issues import KINDS, Mark, merged_issues


def mark(frame: int, kind: str = "fast-turn", value: float | None = 7.0, **more: Any) -> Mark:
    return Mark(kind=kind, frame=frame, value=value, threshold=6.0 if value else None, text=f"{value}.", **more)


def test_neighbouring_frames_of_one_kind_and_face_are_one_issue() -> None:
    marks = [mark(1012), mark(1010), mark(1011, value=16.0), mark(1015), mark(1019), mark(1011, face="Eve")]
    found = merged_issues([*marks, mark(1011, kind="flicker")])
    assert [(issue.frames, issue.kind, issue.face) for issue in found] == [
        ("1010-1015", "fast-turn", ""), ("1011", "fast-turn", "Eve"), ("1011", "flicker", ""), ("1019", "fast-turn", ""),
    ]  # fmt: skip
    assert (found[0].worst, found[0].value, found[0].threshold, found[0].text) == (1011, 16.0, 6.0, "16.0.")


def test_the_severity_says_how_far_the_value_is_beyond_the_threshold() -> None:
    values = {6.5: "low", 10.0: "medium", 15.5: "high", 5.0: "low", 1.0: "high"}
    assert {value: merged_issues([mark(1, value=value)])[0].severity for value in values} == values
    assert merged_issues([mark(1, kind="failed", value=None)])[0].severity == "high"
    assert merged_issues([mark(1, kind="note", value=None)])[0].severity == "low"


def test_notes_are_told_apart_by_their_sentence() -> None:
    notes = [Mark(kind="note", frame=frame, text=text) for frame in (1, 2, 3) for text in ("One.", "Two.")]
    assert [(issue.frames, issue.text) for issue in merged_issues(notes)] == [("1-3", "One."), ("1-3", "Two.")]


def test_nothing_is_no_issue_and_every_kind_has_a_meaning() -> None:
    assert merged_issues([]) == () and all(text and not text.endswith(".") for text in KINDS.values())
