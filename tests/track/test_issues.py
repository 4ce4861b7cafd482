"""What in a track is worth a look: each kind is marked where it happens, and a steady head has no marks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceplate.comp.occlusion import COARSE_SIDE
from faceplate.issues import IssueFile, issues_path
from faceplate.track import Track, keep_track_issues
from faceplate.track.issues import SOFTNESS_JUMP, marks_of_series, track_marks
from faceplate.track.look import Look, pack_look
from faceplate.track.steadiness import Series, edge_width, series_of
from track_sightings import FIRST, seen_frames, track_from
from turning_heads import turned


def kinds_of(track: Track) -> set[str]:
    return {mark.kind for mark in track_marks(track)}


def head(yaw: float) -> np.ndarray:
    return turned(yaw)


def whip(index: int) -> float:
    """Still, then 90 degrees in five frames, then still."""
    return float(np.clip(18.0 * (index - 15), 0.0, 90.0)) - 45.0


def test_a_slow_head_has_no_marks_and_a_whip_is_a_fast_turn_where_it_is() -> None:
    slow = track_from(seen_frames(40, {1: lambda i: head(0.5 * i)}, flowing=False))
    assert track_marks(slow) == ()
    turns = track_marks(track_from(seen_frames(40, {1: lambda i: head(whip(i))}, flowing=False)))
    assert {mark.kind for mark in turns} == {"fast-turn"}
    assert {mark.frame for mark in turns} <= set(range(FIRST + 13, FIRST + 24)) and len(turns) >= 4
    worst = max(turns, key=lambda mark: mark.value or 0)
    assert worst.face == "p1" and worst.value is not None and 12 < worst.value < 24 and "degrees" in worst.text


def test_who_is_not_found_for_some_frames_is_interpolated_there() -> None:
    gap = range(20, 24)
    track = track_from(seen_frames(40, {1: lambda i: None if i in gap else head(0.2 * i)}, flowing=False))
    marks = [mark for mark in track_marks(track) if mark.kind == "interpolated"]
    assert [mark.frame for mark in marks] == [FIRST + i for i in gap]


def hidden(share: float) -> np.ndarray:
    odds = np.full((COARSE_SIDE, COARSE_SIDE), -4.0, np.float32)
    odds[:, : round(share * COARSE_SIDE)] = 4.0
    return odds


def test_an_occlusion_is_marked_where_it_begins_and_not_while_it_stays() -> None:
    track = track_from(seen_frames(30, {1: lambda i: head(0.0)}, flowing=False))
    people = []
    for person in track.sidecar.people:
        blocks = [
            block.model_copy(
                update={
                    "smooth": tuple(
                        line.model_copy(update={"look": pack_look(Look(hidden(0.5 if line.frame >= 1015 else 0.0)))})
                        for line in block.smooth
                    )
                }
            )
            for block in person.blocks
        ]
        people.append(person.model_copy(update={"blocks": tuple(blocks)}))
    covered = Track(track.sidecar.model_copy(update={"people": tuple(people)}))
    marks = [mark for mark in track_marks(covered) if mark.kind == "occlusion-begins"]
    assert [mark.frame for mark in marks] == [1015, 1016, 1017] and 0.4 < (marks[0].value or 0) < 0.6


@pytest.mark.parametrize(
    ("series", "kind", "frames"),
    [
        (Series(confidence={1: 0.9, 2: 0.3, 3: 0.5}), "low-confidence", [2]),
        (Series(tremble={1: 1.0, 2: 6.0}), "flicker", [2]),
        (Series(light={1: 0.001, 2: 0.05}), "flicker", [2]),
        (Series(mouth={1: 2.0, 2: 9.0}), "mouth-unsure", [2]),
        (Series(softness={0: 0.2, 1: 0.9, 2: 1.1, 3: 2.2, 4: 2.1, 5: 1.0}), "softness-jump", [3, 5]),
    ],
)
def test_a_value_beyond_its_threshold_is_a_mark(series: Series, kind: str, frames: list[int]) -> None:
    marks = list(marks_of_series(series, "p1"))
    assert [(mark.kind, mark.frame) for mark in marks] == [(kind, frame) for frame in frames]
    assert all(mark.text.endswith(".") and mark.threshold for mark in marks)


def test_a_slow_focus_pull_is_no_jump() -> None:
    pulled = {frame: 1.0 * 1.4**frame for frame in range(6)}
    assert SOFTNESS_JUMP > 1.4 and not list(marks_of_series(Series(softness=pulled), "p1"))


def test_the_width_of_edges_is_read_from_a_look_that_stores_it() -> None:
    track = track_from(seen_frames(6, {1: lambda i: head(0.0)}, flowing=False))
    face = track.face("p1", FIRST)
    assert face is not None and edge_width(replace(face, look=None)) is None
    soft: Any = SimpleNamespace(softness=0.01)
    assert edge_width(replace(face, look=soft)) == pytest.approx(0.01 * face.face.size)


def test_a_trembling_track_is_seen_by_the_skull_and_a_moving_one_is_not() -> None:
    rng = np.random.default_rng(3)
    shake = rng.standard_normal((40, 2)) * 6.0

    def shaken(i: int) -> np.ndarray:
        return head(0.0) + np.array([*shake[i], 0.0])

    def moving(i: int) -> np.ndarray:
        return head(0.0) + np.array([0.15 * i * i, 8.0 * i, 0.0])

    raw = track_from(seen_frames(40, {1: shaken}), amount=0.0)
    assert "flicker" in kinds_of(raw)
    assert max(series_of(raw, "p1").tremble.values()) > 6 * max(
        series_of(track_from(seen_frames(40, {1: moving})), "p1").tremble.values()
    )


def test_the_list_is_kept_and_made_again_when_the_track_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.track.json"
    track_from(seen_frames(40, {1: lambda i: head(whip(i))}, flowing=False)).save(path)
    first = keep_track_issues(Track.load(path))
    file = IssueFile(issues_path(path))
    assert first and file.marks("track") == first == keep_track_issues(Track.load(path))
    before = file.path.stat().st_mtime_ns
    keep_track_issues(Track.load(path))
    assert file.path.stat().st_mtime_ns == before
    Track.load(path).mark_bad("p1", 1010, 1030, exclude=True).save()
    again = keep_track_issues(Track.load(path))
    assert len(again) < len(first) and file.marks("track") == again
