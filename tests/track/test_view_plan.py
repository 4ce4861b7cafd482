"""The view plan as a render reads it: weights during hand-overs, the artist's keys, and its place in the track file."""

from __future__ import annotations

import itertools
import json

import pytest

from faceplate.errors import UsageError
from faceplate.track import Track
from faceplate.track.model import ViewKey, ViewPlan, ViewRun
from faceplate.track.sidecar import dump, parse_sidecar
from faceplate.track.view_plan import HAND_OVER, Views, weights_at, with_keys

RUNS = (
    ViewRun(first=1001, last=1034, view="a"),
    ViewRun(first=1035, last=1060, view="b", fade=12),
    ViewRun(first=1061, last=1100, view="c"),  # a cut
)


def key(first: int, last: int, view: str) -> ViewKey:
    return ViewKey(person="p1", first=first, last=last, view=view)


def share(views: Views, name: str) -> float:
    return dict(views).get(name, 0.0)


def test_one_view_leads_and_two_share_a_hand_over() -> None:
    assert weights_at(RUNS, 1034) == (("a", 1.0),) and weights_at(RUNS, 1047) == (("b", 1.0),)
    rise = [share(weights_at(RUNS, frame), "b") for frame in range(1034, 1048)]
    assert rise == sorted(rise) and rise[0] == 0 and rise[-1] == 1
    assert max(after - before for before, after in itertools.pairwise(rise)) < 0.13
    for frame in range(1035, 1047):
        views = weights_at(RUNS, frame)
        assert len(views) == 2 and sum(weight for _, weight in views) == pytest.approx(1.0)
        assert views[0][1] >= views[1][1], "the leader stands first"
    assert weights_at(RUNS, 1060) == (("b", 1.0),) and weights_at(RUNS, 1061) == (("c", 1.0),)


def test_frames_outside_the_runs_have_the_nearest() -> None:
    apart = (ViewRun(first=10, last=20, view="a"), ViewRun(first=30, last=40, view="b", fade=4))
    assert [weights_at(apart, frame)[0][0] for frame in (1, 22, 28, 99)] == ["a", "a", "b", "b"]
    assert weights_at(apart, 30) == (("b", 1.0),), "there is no view before it to mix with"
    assert weights_at((), 5) == ()


def test_a_key_leads_alone_and_its_hand_overs_lie_outside() -> None:
    runs = with_keys(RUNS, [key(1015, 1020, "k")])
    assert all(weights_at(runs, frame) == (("k", 1.0),) for frame in range(1015, 1021))
    before = [share(weights_at(runs, frame), "k") for frame in range(1015 - HAND_OVER - 1, 1016)]
    after = [share(weights_at(runs, frame), "k") for frame in range(1020, 1021 + HAND_OVER + 1)]
    for fade in (before, after[::-1]):
        assert fade == sorted(fade) and fade[0] == 0 and fade[-1] == 1
        assert max(b - a for a, b in itertools.pairwise(fade)) < 0.13
    for frame in (*range(1001, 1003), *range(1035, 1101)):
        assert weights_at(runs, frame) == weights_at(RUNS, frame), frame


def test_a_key_at_a_cut_changes_at_once() -> None:
    runs = with_keys(RUNS, [key(1061, 1070, "k")])
    assert weights_at(runs, 1060) == (("b", 1.0),) and weights_at(runs, 1061) == (("k", 1.0),)
    over = with_keys(RUNS, [key(1055, 1065, "k")])
    assert weights_at(over, 1055) == weights_at(over, 1065) == (("k", 1.0),)
    ends = with_keys(RUNS, [key(1050, 1060, "k")])
    assert weights_at(ends, 1061) == (("c", 1.0),)


def test_a_later_key_overrides_an_earlier_one() -> None:
    runs = with_keys(RUNS, [key(1010, 1050, "k"), key(1030, 1032, "a")])
    names = {frame: weights_at(runs, frame) for frame in (1010, 1031, 1050)}
    assert names == {1010: (("k", 1.0),), 1031: (("a", 1.0),), 1050: (("k", 1.0),)}
    everything = with_keys(RUNS, [key(1010, 1030, "k"), key(900, 1200, "z")])
    assert {weights_at(everything, frame) for frame in range(1001, 1101)} == {(("z", 1.0),)}


def test_any_two_keys_leave_whole_weights_and_no_overlap() -> None:
    for first, length, second, more in itertools.product(
        (1001, 1033, 1040, 1061), (1, 9, 40), (1002, 1036, 1058), (1, 12)
    ):
        keys = [key(first, first + length - 1, "k"), key(second, second + more - 1, "m")]
        runs = with_keys(RUNS, keys)
        ViewPlan(person="p1", source="s", runs=tuple(ViewRun.model_validate(run.model_dump()) for run in runs))
        for frame in range(1001, 1101):
            views = weights_at(runs, frame)
            assert 1 <= len(views) <= 2 and sum(weight for _, weight in views) == pytest.approx(1.0)
        assert all(weights_at(runs, frame) == (("m", 1.0),) for frame in range(second, second + more))


def test_a_plan_and_its_keys_are_kept_in_the_file(track_of_two: Track) -> None:
    plan = ViewPlan(person="p1", source="s", pictures={"a": "1"}, runs=RUNS)
    track = track_of_two.with_plan(plan).key_view("p1", 1003, 1005, "b")
    again = Track(parse_sidecar(dump(track.sidecar)))
    assert again.sidecar == track.sidecar and again.view_plan("p1", "s") == plan
    assert again.view_plan("p1", "another") is None and again.view_plan("p2", "s") is None
    assert "plans" not in json.loads(dump(track.sidecar))["corrections"]
    newer = ViewPlan(person="p1", source="s", runs=RUNS[:1])
    assert again.with_plan(newer).sidecar.plans == (newer,)
    assert again.clear_views("p1").sidecar.corrections.views == again.clear("p1").sidecar.corrections.views == ()


def test_a_track_of_an_older_version_has_no_plan(track_of_two: Track) -> None:
    item = json.loads(dump(track_of_two.sidecar))
    del item["plans"], item["corrections"]["views"]
    assert Track(parse_sidecar(json.dumps(item))).view_plan("p1", "s") is None


def test_a_plan_without_frames_that_the_person_has_is_not_used(track_of_two: Track) -> None:
    track = track_of_two.with_plan(ViewPlan(person="p1", source="s", runs=(ViewRun(first=1001, last=1020, view="a"),)))
    assert track.view_plan("p1", "s") is None
    short = track.split("p1", 1021)
    assert short.view_plan("p1", "s") is not None and short.view_plan("p1.2", "s") is None
    assert short.join("p1.2", "p1").view_plan("p1", "s") is None


def test_edits_of_the_mesh_leave_a_stored_plan(track_of_two: Track) -> None:
    plan = ViewPlan(person="p1", source="s", runs=RUNS)
    track = track_of_two.with_plan(plan)
    edited = track.key("p1", 1003, (5, 5)).drag("p1", "mouth", 1005, (0.1, 0.1)).smoothed(2.0)
    assert edited.view_plan("p1", "s") == plan


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"runs": [{"first": 9, "last": 3, "view": "a"}]}, "last lies before first"),
        ({"runs": [{"first": 1, "last": 3, "view": "a", "fade": 4}]}, "fade is longer than the run"),
        ({"runs": [{"first": 1, "last": 3, "view": "a"}, {"first": 3, "last": 4, "view": "b"}]}, "overlaps"),
        ({"runs": [{"first": 1, "last": 3, "view": ""}]}, "view"),
        ({"source": ""}, "source"),
    ],
)
def test_a_damaged_plan_is_named(track_of_two: Track, change: dict, told: str) -> None:
    item = json.loads(dump(track_of_two.sidecar))
    item["plans"] = [{"person": "p1", "source": "s", "runs": [], **change}]
    with pytest.raises(UsageError, match=told) as refused:
        parse_sidecar(json.dumps(item))
    assert refused.value.code == "bad-track" and "plans[0]" in str(refused.value)


def test_a_wrong_key_is_one_sentence(track_of_two: Track) -> None:
    for wrong in (("p1", 9, 3, "a"), ("p1", 1, 3, "")):
        with pytest.raises(UsageError) as refused:
            track_of_two.key_view(*wrong)
        assert refused.value.code == "bad-correction" and "\n" not in str(refused.value)
    with pytest.raises(UsageError) as refused:
        track_of_two.key_view("nobody", 1, 3, "a")
    assert refused.value.code == "no-such-person"
