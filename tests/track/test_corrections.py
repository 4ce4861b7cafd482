"""Corrections: keys, regions, bad frames, people; and the choice of a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.face.shape import RIGID
from faceplate.track import REGIONS, Track, model
from faceplate.track.assembly import build, retracked
from faceplate.track.corrections import region_weight
from track_sightings import identity, mean_head, points_at, seen_frames, track_from

PLATE = model.Plate(pattern="plate.####.exr", display=(0, 0, 1280, 720), data=(-16, 12, 1312, 696))


# Corrections ----------------------------------------------------------------------------------------------------------


def test_keys_move_scale_and_turn_the_face_and_are_smooth_between(track_of_two: Track) -> None:
    track = track_of_two.key("p2", 1005).key("p2", 1015, move=(10, -4), scale=1.2, rotate=90)
    before, after = points_at(track_of_two, "p2", 1015), points_at(track, "p2", 1015)
    centre = before[RIGID, :2].mean(axis=0)
    assert np.allclose(after[RIGID, :2].mean(axis=0) - centre, (10, -4), atol=1e-6)
    offset = before[4, :2] - centre
    assert np.allclose(after[4, :2] - centre - (10, -4), 1.2 * np.array([-offset[1], offset[0]]), atol=1e-6)
    assert np.array_equal(points_at(track, "p2", 1005), points_at(track_of_two, "p2", 1005))
    assert np.array_equal(points_at(track, "p1", 1015), points_at(track_of_two, "p1", 1015))
    path = [points_at(track, "p2", f)[RIGID, 0].mean() - centre[0] for f in range(1003, 1020)]
    assert path == sorted(path) and path[0] == pytest.approx(0, abs=1e-6) and path[-1] == pytest.approx(10, abs=1e-6)
    assert track_of_two.sidecar.corrections == model.Corrections()


@pytest.mark.parametrize("region", REGIONS)
def test_a_dragged_region_takes_its_neighbours_along_softly(track_of_two: Track, region: str) -> None:
    track = track_of_two.drag("p2", region, 1010, (0.05, 0.02))
    moved = points_at(track, "p2", 1010) - points_at(track_of_two, "p2", 1010)
    size = track_of_two.face("p2", 1010).face.size  # type: ignore[union-attr]
    length = np.linalg.norm(moved[:, :2], axis=1)
    weight = region_weight(region)
    assert length.max() == pytest.approx(np.hypot(0.05, 0.02) * size, rel=1e-6)
    assert np.allclose(length, weight * length.max(), atol=1e-9)
    assert (weight == 0).sum() > 100 and ((weight > 0.1) & (weight < 0.9)).sum() > 8
    assert (
        abs(np.degrees(np.arctan2(*moved[weight == 1][0, 1::-1])) - np.degrees(np.arctan2(0.02, 0.05))) < 8
    )  # the head's own roll


def test_bad_frames_are_drawn_through_or_left_out() -> None:
    track = track_from(seen_frames(30, {1: lambda i: mean_head(300 + 4 * i + (40 if 10 <= i <= 12 else 0), 300)}))
    wild = points_at(track, "p1", 1012)[RIGID, 0].mean()
    fixed = track.mark_bad("p1", 1011, 1013)
    tracked = fixed.face("p1", 1012)
    assert tracked is not None and tracked.bad
    assert abs(tracked.face.points[RIGID, 0].mean() - 344) < 8 < abs(wild - 344)
    again = fixed.smoothed()
    assert abs(points_at(again, "p1", 1012)[RIGID, 0].mean() - 344) < 8
    assert fixed.corrected(bad=()).mark_bad("p1", 1012, exclude=True).face("p1", 1012) is None


def test_in_and_out_fade(track_of_two: Track) -> None:
    track = track_of_two.in_out("p1", 1005, 1020, fade_in=3, fade_out=2)
    weights = [face.weight if (face := track.face("p1", f)) else 0.0 for f in range(1001, 1031)]
    assert weights[:4] == [0.0] * 4 and weights[20:] == [0.0] * 10
    assert 0 < weights[4] < weights[5] < weights[6] < 1 == weights[7] == weights[16]
    assert 1 == weights[17] > weights[18] > weights[19] > 0
    assert track.face("p2", 1001).weight == 1  # type: ignore[union-attr]


def test_people_are_renamed_split_joined_and_deleted(track_of_two: Track) -> None:
    track = track_of_two.rename("p1", "Anna").split("p1", 1016)
    assert [(p.id, p.name, p.frames[0], p.frames[-1]) for p in track.people] == [
        ("p1", "Anna", 1001, 1015), ("p2", "p2", 1001, 1030), ("p1.2", "p1.2", 1016, 1030),
    ]  # fmt: skip
    joined = track.join("p1.2", "p2")
    assert [p.id for p in joined.people] == ["p1", "p2"]
    assert np.array_equal(points_at(joined, "p2", 1020), points_at(track_of_two, "p2", 1020))
    assert track.join("p1.2", "p1").people[0].frames == track_of_two.people[0].frames
    gone = track.delete("p2")
    assert [p.id for p in gone.people] == ["p1", "p1.2"]
    holed = track_of_two.delete("p2", 1010, 1012)
    assert holed.face("p2", 1011) is None and holed.face("p2", 1013) is not None
    with pytest.raises(UsageError, match="no person 'p2'"):
        gone.face("p2", 1001)


def test_corrections_survive_a_new_track_in_which_people_come_in_another_order(track_of_two: Track) -> None:
    old = track_of_two.rename("p2", "Ben").key("p2", 1010, move=(5, 0)).split("p1", 1020)
    seen = seen_frames(
        30, {2: lambda i: mean_head(900, 350, 70, 0.1), 1: lambda i: mean_head(300 + 4 * i, 300) if i > 2 else None}
    )
    fresh = build(seen, PLATE, model.Smoothing(), {})
    assert Track(fresh).people[0].frames[0] == 1001 and np.allclose(
        points_at(Track(fresh), "p1", 1010)[RIGID, 0].mean(), 900, atol=1
    )
    new = Track(retracked(fresh, old.sidecar))
    assert new.sidecar.corrections == old.sidecar.corrections and new.orphans == ()
    assert new.choose("Ben") == "p2"
    assert np.allclose(points_at(new, "p2", 1010)[RIGID, 0].mean(), 905, atol=0.3)
    assert new.person("p1.2").frames == tuple(range(1020, 1031))
    gone = Track(
        retracked(
            build(seen_frames(30, {1: lambda i: mean_head(300 + 4 * i, 300)}), PLATE, model.Smoothing(), {}),
            old.sidecar,
        )
    )
    assert any("p2" in line for line in gone.orphans)


def test_corrections_that_cannot_be_are_refused_in_a_sentence(track_of_two: Track) -> None:
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: track_of_two.key("p1", 1010, scale=0.0), "scale"),
        (lambda: track_of_two.key("p1", 1010, move=(float("nan"), 0)), "move"),
        (lambda: track_of_two.drag("p1", "jaw", 1010, (0, 7)), "move"),
        (lambda: track_of_two.drag("p1", "nose", 1010, (0, 0)), "region"),
        (lambda: track_of_two.mark_bad("p1", 1010, 1005), "last lies before first"),
        (lambda: track_of_two.in_out("p1", 1010, 1020, fade_in=-1), "fade_in"),
        (lambda: track_of_two.split("p1", 1010, "no good"), "new"),
        (lambda: track_of_two.split("p1", 1010, "p2"), "p2"),
        (lambda: track_of_two.rename("p1", ""), "name"),
        (lambda: track_of_two.rename("p9", "Anna"), "p9"),
        (lambda: track_of_two.smoothed(-1.0), "amount"),
    ]
    for ask, field in wrong:
        with pytest.raises(UsageError, match=field) as refused:
            ask()
        assert "\n" not in str(refused.value)


# Choosing -------------------------------------------------------------------------------------------------------------


def test_the_person_is_chosen_by_number_name_point_and_likeness(track_of_two: Track, tmp_path: Path) -> None:
    track = track_of_two.rename("p2", "Ben Weiss")
    words = (1, "2", "Ben Weiss", "p1", "1010:910,340", "1001:0,0", "largest", "rightmost")
    assert [track.choose(word) for word in words] == [
        "p1", "p2", "p2", "p1", "p2", "p1", "p1", "p2",
    ]  # fmt: skip
    picture = tmp_path / "who.png"
    picture.touch()
    assert track.choose(str(picture), lambda path: identity(2)) == "p2"
    with pytest.raises(RenderError, match="No person of the track is like"):
        track.choose(str(picture), lambda path: identity(99))
    with pytest.raises(RenderError, match="2 people"):
        track.choose("auto")
    for wrong in ("3", "0", "Carl", "1001:a,b"):
        with pytest.raises(UsageError):
            track.choose(wrong, lambda path: identity(1))
    assert track_of_two.delete("p2").choose(None) == "p1"
