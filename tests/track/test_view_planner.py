"""The choice of the leading view: few changes, at motion; quality before pose; more pictures never cost more."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from faceplate.face.shape import pose_of
from faceplate.source import Source
from faceplate.source.view_costs import Heads, ViewTraits, best_view, view_costs
from faceplate.track import Track
from faceplate.track.view_plan import Views, weights_at
from faceplate.track.view_planner import plan_for, plan_views, source_identity, with_plans
from turning_heads import SIX, heads, picture_of, swinging, swinging_track, turned

FRAMES = range(1001, 1101)


def largest_step(weights: list[Views]) -> float:
    """The largest change of any view's weight from one frame to the next."""
    tables = [dict(views) for views in weights]
    return max(
        abs(after.get(name, 0.0) - before.get(name, 0.0))
        for before, after in itertools.pairwise(tables)
        for name in {*before, *after}
    )


def test_a_turning_head_has_few_leaders_and_slow_hand_overs() -> None:
    runs = plan_views(SIX, heads(swinging)).runs
    assert [run.view for run in runs] == ["right", "front", "left"]
    assert all(10 <= run.fade <= 16 for run in runs[1:])
    assert largest_step([weights_at(runs, frame) for frame in FRAMES]) < 0.16
    assert runs[0].first == 1001 and runs[-1].last == 1100
    assert all(run.seen is not None and run.turn is not None and run.turn < 15 < 100 * run.seen for run in runs)


def test_a_still_head_keeps_its_leader() -> None:
    assert len(plan_views(SIX, heads(lambda _: 14.0)).runs) == 1


def test_the_leader_changes_where_the_head_moves_fast() -> None:
    """The head waits between both pictures, turns within ten frames, and waits again, twice as long."""

    def yaw(index: int) -> float:
        return 10.0 + 18.0 * float(np.clip((index - 40) / 10.0, 0.0, 1.0))

    runs = plan_views((picture_of("front", 0.0), picture_of("right", 30.0)), heads(yaw, 120)).runs
    assert [run.view for run in runs] == ["front", "right"]
    middle = runs[1].first + runs[1].fade / 2
    assert 1041 <= middle <= 1051


def test_a_fast_turn_has_a_shorter_hand_over_than_a_slow_one() -> None:
    pair = (picture_of("left", -30.0), picture_of("right", 30.0))
    fast, slow = (
        plan_views(pair, heads(lambda index, width=width: 30.0 * float(np.tanh((index - 60) / width)), 120))
        .runs[1]
        .fade
        for width in (5.0, 60.0)
    )
    assert 10 <= fast < slow <= 16


@pytest.mark.parametrize("noise", [0.2, 0.5])
def test_jitter_does_not_change_the_plan(noise: float) -> None:
    def plan(seed: int, amount: float) -> list[tuple[str, int]]:
        return [(run.view, run.first) for run in plan_views(SIX, heads(swinging, noise=amount, seed=seed)).runs]

    assert all(plan(seed, noise) == plan(0, 0.0) for seed in range(6))


def test_more_pictures_never_cost_more() -> None:
    head = heads(swinging)
    for order in itertools.islice(itertools.permutations(SIX), 0, 720, 31):
        costs = [plan_views(order[:count], head).cost for count in (1, 2, 4, 6)]
        assert costs == sorted(costs, reverse=True)


def test_a_new_picture_that_is_hardly_better_does_not_take_over() -> None:
    head = heads(lambda _: 6.0)
    old = plan_views([picture_of("front", 0.0)], head).runs
    near = [picture_of("front", 0.0), picture_of("new", 4.0)]
    assert [run.view for run in plan_views(near, head).runs] == ["new"]
    assert [run.view for run in plan_views(near, head, earlier=old).runs] == ["front"]
    far = [picture_of("front", -20.0), picture_of("new", 6.0)]
    assert [run.view for run in plan_views(far, head, earlier=old).runs] == ["new"]
    gone = [picture_of("new", 4.0)]
    assert [run.view for run in plan_views(gone, head, earlier=old).runs] == ["new"]


@pytest.mark.parametrize(
    "fault",
    [{"sharpness": 0.15}, {"contrast": 3.0}, {"visible": 0.4}, {"size": 60.0}],
    ids=["out of focus", "hard light", "hidden", "few pixels"],
)
def test_a_poor_picture_does_not_lead_while_a_good_one_is_near(fault: dict[str, float]) -> None:
    head = heads(lambda _: 12.0)
    poor, good = picture_of("poor", 12.0, **fault), picture_of("good", 0.0)
    assert [run.view for run in plan_views([poor, good], head).runs] == ["good"]
    assert [run.view for run in plan_views([poor], head).runs] == ["poor"], "it leads where there is no other"


def test_a_small_face_does_not_ask_for_pixels() -> None:
    few, many = picture_of("few", 2.0, size=150.0), picture_of("many", 6.0, size=900.0)
    assert best_view([few, many], turned(0.0, scale=40.0)) == "few"
    assert best_view([few, many], turned(0.0, scale=400.0)) == "many"


def test_a_cut_changes_the_leader_at_once() -> None:
    def yaw(index: int) -> float:
        return 30.0 if index < 50 else -30.0

    runs = plan_views(SIX, heads(yaw), cuts=[1051]).runs
    assert [(run.first, run.last, run.view, run.fade) for run in runs] == [
        (1001, 1050, "right", 0),
        (1051, 1100, "left", 0),
    ]


def test_an_absence_counts_as_a_cut() -> None:
    head = heads(lambda index: 30.0 if index < 50 else -30.0)
    after = replace(head, frames=head.frames + np.where(head.frames > 1050, 40, 0))
    runs = plan_views(SIX, after).runs
    assert [(run.first, run.last, run.fade) for run in runs] == [(1001, 1050, 0), (1091, 1140, 0)]


def test_the_parts_between_cuts_are_planned_apart() -> None:
    whole, first = plan_views(SIX, heads(swinging), cuts=[1061]).runs, plan_views(SIX, heads(swinging, 60)).runs
    assert whole[: len(first)] == first


def test_a_frame_that_is_marked_has_no_say() -> None:
    def yaw(index: int) -> float:
        return -60.0 if 30 <= index < 60 else 30.0

    good = [not 30 <= index < 60 for index in range(100)]
    assert [run.view for run in plan_views(SIX, heads(yaw, measured=good)).runs] == ["right"]
    assert len(plan_views(SIX, heads(yaw)).runs) == 3


def test_every_second_frame_tracked() -> None:
    head = heads(swinging)
    runs = plan_views(SIX, head.part(slice(None, None, 2))).runs
    assert [run.view for run in runs] == ["right", "front", "left"]
    assert largest_step([weights_at(runs, frame) for frame in FRAMES]) < 0.16


def test_the_axis_is_that_of_the_pose() -> None:
    measured = Heads.of([1], [turned(20.0, 10.0)])
    np.testing.assert_allclose(measured.direction[0], pose_of(turned(20.0, 10.0)).rotation[2], atol=1e-9)


def test_roll_costs_nothing(source_bea: Source) -> None:
    mesh = turned(10.0)
    turn = np.radians(25.0)
    rolled = mesh @ np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    costs = [view_costs(SIX, Heads.of([1], [points])).turn for points in (mesh, rolled)]
    np.testing.assert_allclose(costs[0], costs[1], atol=1e-6)


def test_it_is_fast_enough_for_a_long_shot() -> None:
    many = [replace(view, name=f"{view.name} {copy}") for copy in range(4) for view in SIX]
    few = heads(swinging)
    repeats = 100
    long = Heads(
        frames=np.arange(repeats * 100),
        direction=np.tile(few.direction, (repeats, 1)),
        size=np.tile(few.size, repeats),
        mouth=np.tile(few.mouth, repeats),
        eyes=np.tile(few.eyes, (repeats, 1)),
        expression=np.tile(few.expression, (repeats, 1)),
        measured=np.tile(few.measured, repeats),
    )
    begun = time.perf_counter()
    plan_views(many, long)
    assert time.perf_counter() - begun < 10.0


# With a track and a source ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def track() -> Track:
    return swinging_track()


def test_the_plan_of_a_track_depends_on_it_and_the_source_alone(track: Track, source_bea: Source) -> None:
    plan = plan_for(track, "p1", source_bea)
    assert plan == plan_for(Track(track.sidecar), "p1", source_bea)
    edited = track.key("p1", 1010, (40, 9), 1.3, 20).drag("p1", "mouth", 1050, (0.2, 0.2)).key_view("p1", 1, 9, "x")
    assert plan_for(edited, "p1", source_bea) == plan, "the artist's corrections of the mesh are no part of it"
    names = {view.name for view in source_bea.views}
    assert {run.view for run in plan.runs} <= names and set(plan.pictures) == {run.view for run in plan.runs}
    assert plan.runs[0].first == 1001 and plan.runs[-1].last == 1100


def test_stored_and_computed_plans_give_the_same_weights(track: Track, source_bea: Source) -> None:
    stored = with_plans(track, source_bea)
    found = stored.view_plan("p1", source_identity(source_bea))
    assert found is not None
    computed = plan_for(track, "p1", source_bea)
    assert [weights_at(found.runs, frame) for frame in FRAMES] == [weights_at(computed.runs, frame) for frame in FRAMES]
    assert with_plans(stored, source_bea) is stored


def test_an_earlier_plan_counts_only_for_unchanged_pictures(track: Track, source_bea: Source) -> None:
    """Of the closed and the front picture, which cost nearly the same, the one that led before stays."""
    plan = plan_for(track, "p1", source_bea)
    leaders = list(dict.fromkeys(run.view for run in plan.runs))
    others = [view for view in source_bea.views if view.name not in leaders]
    less = Source(tuple(others), ())
    before = with_plans(track, less)
    after = plan_for(before, "p1", source_bea)
    traits = [ViewTraits.of(view) for view in source_bea.views]
    frames, faces, _ = track.uncorrected("p1")
    costs = view_costs(traits, Heads.of(frames, (face.points for face in faces))).total
    column = {view.name: index for index, view in enumerate(traits)}

    def total(runs: tuple) -> float:
        return sum(costs[frame - 1001, column[run.view]] for run in runs for frame in range(run.first, run.last + 1))

    assert total(after.runs) <= total(before.sidecar.plans[0].runs) + 1e-6
    renamed = before.sidecar.plans[0].model_copy(update={"pictures": {view.name: "other" for view in others}})
    assert plan_for(track.with_plan(renamed), "p1", source_bea) == plan, "another person's picture of the same name"
