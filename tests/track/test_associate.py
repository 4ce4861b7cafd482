"""Association: people keep their identity through gaps and cuts."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.face.shape import RIGID
from faceplate.track import Track
from faceplate.track.assignment import assign
from faceplate.track.cuts import find_cuts
from faceplate.track.follower import SEGMENT
from faceplate.track.shot_analysis import segments_of
from track_sightings import FIRST, VIEW, mean_head, points_at, seen_frames, track_from


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_assignment_is_the_best_there_is(seed: int, rows: int, columns: int) -> None:
    cost = np.random.default_rng(seed).uniform(0, 2, (rows, columns))

    def total(pairs: list[tuple[int, int]]) -> float:
        return sum(cost[p] for p in pairs) + 1.0 * (min(rows, columns) - len(pairs))

    choices = []
    for count in range(min(rows, columns) + 1):
        for chosen in itertools.combinations(range(rows), count):
            choices += [
                list(zip(chosen, order, strict=True)) for order in itertools.permutations(range(columns), count)
            ]
    found = assign(cost, 1.0)
    assert total(found) <= min(map(total, choices)) + 1e-9
    assert len({r for r, _ in found}) == len({c for _, c in found}) == len(found)


def test_people_stay_who_they_are(track_of_two: Track) -> None:
    assert [(p.id, len(p.frames)) for p in track_of_two.people] == [("p1", 30), ("p2", 30)]
    assert np.allclose(points_at(track_of_two, "p2", 1030)[RIGID, :2].mean(axis=0), (900, 350), atol=0.05)


def test_a_person_who_comes_back_is_the_same_and_a_stranger_is_not() -> None:
    def here(i: int) -> np.ndarray | None:
        return None if 15 <= i < 60 else mean_head(300, 300)

    def stranger(i: int) -> np.ndarray | None:
        return mean_head(310, 300) if 25 <= i < 50 else None

    track = track_from(seen_frames(72, {1: here, 2: stranger}))
    assert [len(p.frames) for p in track.people] == [27, 25]
    assert track.face("p1", FIRST + 30) is None


def test_a_few_missed_frames_are_drawn_through_and_no_more() -> None:
    def blanked(i: int) -> np.ndarray | None:
        return None if 10 <= i < 20 else mean_head(300 + 5 * i, 300)

    seen = seen_frames(40, {1: blanked})
    track = track_from(seen)
    face = track.face("p1", FIRST + 14)
    assert face is not None and not face.seen and face.confidence == 0
    assert np.allclose(face.face.points[RIGID, :2].mean(axis=0), (370, 300), atol=1.0)
    assert track.raw("p1", FIRST + 14) is None
    assert track_from(seen, gap=5).face("p1", FIRST + 14) is None


def test_a_cut_parts_the_track_and_a_flash_does_not() -> None:
    other = np.random.default_rng(3).integers(60, 240, 256).astype(np.uint8)
    frames = list(range(1, 41))
    cut = [VIEW if f < 21 else other for f in frames]
    assert find_cuts(frames, cut) == (21,)
    assert find_cuts(frames, [other if f == 21 else VIEW for f in frames]) == ()
    brighter = [VIEW if f < 21 else VIEW + 20 for f in frames]
    assert find_cuts(frames, brighter) == ()
    track = track_from(
        seen_frames(40, {1: lambda i: mean_head(300 if i < 20 else 600, 300)}, views=lambda i: cut[i], flowing=False)
    )
    assert track.sidecar.cuts == (FIRST + 20,) and [p.id for p in track.people] == ["p1"]
    assert np.allclose(points_at(track, "p1", FIRST + 19)[RIGID, 0].mean(), 300, atol=0.5)
    assert np.allclose(points_at(track, "p1", FIRST + 20)[RIGID, 0].mean(), 600, atol=0.5)


def test_a_whip_pan_between_two_rests_is_no_cut() -> None:
    """The frames before and after it agree in nothing, and it takes three frames or more."""
    coarse = np.random.default_rng(8).integers(40, 220, (16, 40)).astype(np.float64)
    columns = np.arange(16) + 20.0

    def view(place: float) -> np.ndarray:
        rows = [np.interp(columns + place, 3.0 * np.arange(40), row) for row in coarse]
        return np.array(rows).ravel().astype(np.uint8)

    for length in (3, 5, 8):
        part = np.clip((np.arange(40) - 18) / length, 0, 1)
        places = 24 * part**2 * (3 - 2 * part)
        assert find_cuts(list(range(40)), [view(place) for place in places]) == ()
        cut = [view(place + 40 * (index >= 30)) for index, place in enumerate(places)]
        assert find_cuts(list(range(40)), cut) == (30,), "a cut while the camera rests is still one"


def test_segments_hang_on_frame_numbers_and_not_on_what_is_tracked() -> None:
    whole = {s.number: s.frames for s in segments_of(range(1001, 1101))}
    part = {s.number: s.frames for s in segments_of(range(1030, 1101))}
    assert all(set(part[number]) <= set(whole[number]) for number in part)
    assert all(len(frames) <= SEGMENT for frames in whole.values())
    assert [s.tail for s in segments_of(range(1001, 1040))] == [1008, 1032, None]
