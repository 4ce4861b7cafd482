"""Damaged track files, and any corrections and values in a sound one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceplate.errors import FaceplateError, UsageError
from faceplate.track import REGIONS, Track, model
from faceplate.track.sidecar import dump, parse_sidecar


def damaged(track: Track, change: Callable[[dict], object]) -> str:
    item = json.loads(dump(track.sidecar))
    change(item)
    with pytest.raises(UsageError) as refused:
        parse_sidecar(json.dumps(item), "shot.track.json")
    assert "\n" not in str(refused.value)
    return f"{refused.value.code} {refused.value}"


def test_faults_name_the_field(track_of_two: Track) -> None:
    def line(item: dict) -> dict:
        return item["people"][0]["blocks"][0]["raw"][3]

    cases: list[tuple[Callable[[dict], object], str]] = [
        (lambda d: line(d).update(score="high"), "people[0].blocks[0].raw[3].score"),
        (lambda d: line(d).update(rigid=[1, 2, -3, 4]), "people[0].blocks[0].raw[3].rigid[2]"),
        (lambda d: line(d).pop("mesh"), "people[0].blocks[0].raw[3].mesh"),
        (lambda d: line(d).update(frame=1001), "frame 1001 of p1 comes after frame 1003"),
        (lambda d: d.update(extra=1), "extra"),
        (lambda d: d.pop("plate"), "plate"),
        (lambda d: d["smoothing"].update(amount=9), "smoothing.amount"),
        (
            lambda d: d.update(corrections={"keys": [{"person": "p1", "frame": 1, "scale": 0}]}),
            "corrections.keys[0].scale",
        ),
        (lambda d: d.update(corrections={"people": [{"do": "melt", "person": "p1"}]}), "corrections.people[0]"),
        (lambda d: d.update(corrections={"bad": [{"person": "p1", "first": 9, "last": 3}]}), "corrections.bad[0]"),
        (lambda d: d.update(faceplate_track=0), "faceplate_track"),
        (lambda d: d.update(faceplate_track=True), "faceplate_track"),
    ]
    for change, field in cases:
        told = damaged(track_of_two, change)
        assert told.startswith("bad-track ") and field in told, told


def test_a_newer_track_is_told_from_a_damaged_one(track_of_two: Track) -> None:
    told = damaged(track_of_two, lambda d: d.update(faceplate_track=model.VERSION + 1, future={"x": 1}))
    assert told.startswith("newer-track ") and "faceplate_track" in told and "newer Faceplate" in told


def test_a_damaged_mesh_is_named_when_it_is_used(track_of_two: Track) -> None:
    item = json.loads(dump(track_of_two.sidecar))
    item["people"][0]["blocks"][0]["smooth"][2]["mesh"] = "AAAA"
    track = Track(parse_sidecar(json.dumps(item)))
    assert track.face("p1", 1001) is not None
    with pytest.raises(UsageError, match="frame 1003 smooth mesh"):
        track.face("p1", 1003)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": 1}', '{"faceplate_track": "1"}', "\x00\x01"])
def test_what_is_no_track_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UsageError) as refused:
        Track.load(tmp_path / "t.json")
    assert refused.value.code == "bad-track"
    with pytest.raises(UsageError) as refused:
        Track.load(tmp_path / "none.json")
    assert refused.value.code == "no-track"


finite = st.floats(-1e4, 1e4, allow_nan=False)
ids = st.sampled_from(["p1", "p2", "p1.2", "nobody"])
frames_ = st.integers(990, 1040)
edits = st.one_of(
    st.builds(model.Rename, person=ids, name=st.text(min_size=1, max_size=9)),
    st.builds(model.Delete, person=ids, first=st.none() | frames_, last=st.none() | frames_),
    st.builds(model.Split, person=ids, frame=frames_, new=st.sampled_from(["p7", "p8"])),
    st.builds(model.Join, person=ids, into=ids),
)
corrections = st.builds(
    model.Corrections,
    people=st.lists(edits, max_size=5).map(tuple),
    keys=st.lists(
        st.builds(
            model.Key, person=ids, frame=frames_, move=st.tuples(finite, finite), scale=st.floats(0.05, 20),
            rotate=finite,
        ),
        max_size=4,
    ).map(tuple),
    drags=st.lists(
        st.builds(
            model.Drag, person=ids, region=st.sampled_from(REGIONS), frame=frames_,
            move=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
        ),
        max_size=4,
    ).map(tuple),
    bad=st.lists(
        st.tuples(ids, frames_, st.integers(0, 30)).map(lambda t: model.Bad(person=t[0], first=t[1], last=t[1] + t[2])),
        max_size=3,
    ).map(tuple),
)  # fmt: skip


@given(corrections)
@settings(
    max_examples=60, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
)
def test_any_corrections_are_stored_whole_and_give_finite_faces_or_none(
    track_of_two: Track, layer: model.Corrections
) -> None:
    track = Track(track_of_two.sidecar.model_copy(update={"corrections": layer}))
    again = parse_sidecar(dump(track.sidecar))
    assert again == track.sidecar
    for person in track.people:
        for frame in (1001, 1012, 1030, 1031):
            tracked = track.face(person.id, frame)
            other = Track(again).face(person.id, frame)
            assert (tracked is None) == (other is None)
            if tracked is not None and other is not None:
                assert np.isfinite(tracked.face.points).all() and np.array_equal(tracked.face.points, other.face.points)
    assert isinstance(track.orphans, tuple)


@given(st.data())
@settings(
    max_examples=120, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
)
def test_any_change_of_a_value_is_read_or_refused_in_a_sentence(track_of_two: Track, data: st.DataObject) -> None:
    item = json.loads(dump(track_of_two.sidecar))
    spot: Any = item
    parent: Any = item
    key: Any = "plate"
    while isinstance(spot, dict | list) and spot:
        keys = list(spot) if isinstance(spot, dict) else range(len(spot))
        key = data.draw(st.sampled_from(list(keys)))
        parent, spot = spot, spot[key]
        if data.draw(st.integers(0, 4)) == 0:
            break
    parent[key] = data.draw(
        st.none() | st.booleans() | st.integers() | finite | st.text(max_size=5) | st.just([]) | st.just({})
    )
    try:
        track = Track(parse_sidecar(json.dumps(item)))
        for person in track.people:
            track.face(person.id, 1005)
    except FaceplateError as error:
        assert error.code in ("bad-track", "newer-track") and "\n" not in str(error)
        assert "field" in str(error) or "mesh" in str(error)


@pytest.mark.parametrize("text", ["", "0", "AAAA"])
def test_damaged_tones_of_a_block_are_refused_with_the_field(text: str, track_of_two: Track) -> None:
    item = json.loads(dump(track_of_two.sidecar))
    for block in item["people"][0]["blocks"]:
        block["tones"] = text
    track = Track(parse_sidecar(json.dumps(item)))
    with pytest.raises(FaceplateError, match=r"a field of frame 1005 smooth look, or its block's tones") as refused:
        track.face(track.people[0].id, 1005)
    assert refused.value.code == "bad-track"


def test_a_decoded_line_is_kept_and_a_correction_is_never_hidden_by_it(
    track_of_two: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame's line is decoded once; a track with other corrections decodes for itself, and no answer changes."""
    track, decoded = Track(track_of_two.sidecar), []
    known = Track._known
    monkeypatch.setattr(Track, "_known", lambda self, spot: decoded.append(spot.line.frame) or known(self, spot))
    person, second = (one.id for one in track.people)
    for one in (person, second):
        track.resting_face(one)  # reads every frame, once
    decoded.clear()
    first, again = track.face(person, 1007), track.face(person, 1007)
    assert first is not None and again is not None and decoded == [1007]
    assert np.array_equal(first.face.points, again.face.points)
    other = track.face(second, 1007)
    assert other is not None and decoded == [1007, 1007]  # one line for each person
    assert not np.array_equal(first.face.points, other.face.points)
    marked = model.Bad(person=person, first=1007, last=1007)
    corrections = track.sidecar.corrections.model_copy(update={"bad": (marked,)})
    changed = Track(track.sidecar.model_copy(update={"corrections": corrections}))
    through = changed.face(person, 1007)
    assert through is not None and not np.array_equal(through.face.points, first.face.points)


def test_few_decoded_lines_are_kept(track_of_two: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept does not grow with the shot, and a line that was dropped is decoded again to the same points."""
    monkeypatch.setattr("faceplate.track.track._DECODED", 8)
    track = Track(track_of_two.sidecar)
    person = track.people[0]
    seen = {frame: track.face(person.id, frame) for frame in person.frames}
    assert len(track._decoded) <= 8 < len(person.frames)
    for frame, found in seen.items():
        again = track.face(person.id, frame)
        assert found is not None and again is not None and np.array_equal(found.face.points, again.face.points)
