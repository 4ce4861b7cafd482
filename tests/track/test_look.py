"""The look of a face in the track: measured for every frame, stored, smoothed over time, and carried through every edit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from faceplate.comp.occlusion import COARSE_LIMIT, COARSE_SIDE
from faceplate.comp.skin_tones import COUNT, SkinTones
from faceplate.errors import UsageError
from faceplate.track import Track, model
from faceplate.track.assembly import retracked
from faceplate.track.checkpoint import FrameRecord
from faceplate.track.look import Look, between_looks, look_as_stored, pack_look, smooth_looks, unpack_look
from faceplate.track.sidecar import dump, parse_sidecar
from track_sightings import FIRST, mean_head, seen_frames, track_from

CLEAR = np.full((COARSE_SIDE, COARSE_SIDE), -COARSE_LIMIT, np.float32)


def shown(rows: slice = slice(0), columns: slice = slice(0), odds: float = 3.0) -> Look:
    """A look that is clear but for a rectangle of blocks with these odds."""
    hidden = CLEAR.copy()
    hidden[rows, columns] = odds
    return Look(hidden)


def toned(log: float) -> SkinTones:
    """Tones of middle grey, brighter by `log`."""
    return SkinTones(np.full((COUNT, 3), np.log(0.18) + log), np.ones(COUNT))


def with_looks(seen: list[FrameRecord], looks: dict[int, Look]) -> list[FrameRecord]:
    """The records with a look for each frame in every face of it; clear where `looks` has none."""
    changed = []
    for item in seen:
        assert item.observation is not None
        faces = tuple(replace(face, look=looks.get(item.frame, shown())) for face in item.observation.faces)
        changed.append(replace(item, observation=replace(item.observation, faces=faces)))
    return changed


def look_in(track: Track, frame: int, person: str = "p1") -> Look:
    tracked = track.face(person, frame)
    assert tracked is not None and tracked.look is not None
    return tracked.look


@pytest.fixture(scope="module")
def track() -> Track:
    """40 frames: a speck in one of them, and an occluder from frame 1015 on that is missing in frame 1025."""
    speck, hand = shown(slice(5, 7), slice(9, 11)), shown(slice(20, 34), slice(4, 20))
    looks = {FIRST + 8: speck} | {FIRST + i: hand for i in range(14, 40) if i != 24}
    return track_from(with_looks(seen_frames(40, {1: lambda i: mean_head(300 + 4 * i, 300)}), looks))


def test_a_look_comes_back_as_it_was_stored() -> None:
    values = np.random.default_rng(1).uniform(-5, 5, CLEAR.shape).astype(np.float32)
    stored = look_as_stored(Look(values))
    assert stored is not None
    assert np.abs(stored.hidden - np.clip(values, -COARSE_LIMIT, COARSE_LIMIT)).max() <= 0.25
    again = look_as_stored(stored)
    assert again is not None and np.array_equal(again.hidden, stored.hidden)
    assert pack_look(None) is None and unpack_look(None) is None


def test_a_damaged_look_is_named(track: Track) -> None:
    person = track.sidecar.people[0]
    block = person.blocks[0]
    smooth = (block.smooth[0].model_copy(update={"look": "AAAA"}), *block.smooth[1:])
    blocks = (block.model_copy(update={"smooth": smooth}), *person.blocks[1:])
    damaged = Track(track.sidecar.model_copy(update={"people": (person.model_copy(update={"blocks": blocks}),)}))
    with pytest.raises(UsageError, match=f"frame {FIRST} smooth look") as caught:
        damaged.face("p1", FIRST)
    assert caught.value.code == "bad-track"


def test_a_speck_of_one_frame_vanishes_and_a_gap_of_one_frame_is_filled(track: Track) -> None:
    for frame in range(FIRST, FIRST + 13):
        assert look_in(track, frame).hidden.max() < -COARSE_LIMIT + 0.3, frame
    for frame in range(FIRST + 15, FIRST + 40):
        assert look_in(track, frame).hidden[20:34, 4:20].min() > 2.0, frame


def test_the_moment_of_arrival_stays() -> None:
    looks = [shown()] * 10 + [shown(slice(10, 20), slice(10, 20))] * 10
    frames = list(range(20))
    smoothed = smooth_looks(frames, looks, frames, 1)
    at = [look.hidden[15, 15] for look in smoothed if look is not None]
    assert at[9] < -2.0 and at[10] > 1.0 and at[11] > 2.9 and at[8] < -3.9


def test_doubtful_odds_stand_still_and_an_arrival_is_not_mixed_with_what_was_before() -> None:
    """Odds that wander about 0.4 by 1 keep their sign; those of an occluder that arrives keep its moment."""
    wander = np.random.default_rng(5).normal(0.4, 1.0, 48)
    looks = [shown(slice(0, 5), slice(0, 5), odds) for odds in np.clip(wander, -3, 3)]
    for k in range(20, 48):
        looks[k].hidden[20:30, 20:30] = 3.0
    smoothed = [look.hidden for look in smooth_looks(range(48), looks, range(48), 1) if look is not None]
    steady = np.array([hidden[2, 2] for hidden in smoothed])
    assert (wander[6:42] < 0).sum() > 8  # so that there is something to steady
    assert np.abs(steady[6:42] - 0.4).max() < 0.75 and np.abs(np.diff(steady[6:42])).max() < 0.35
    arriving = np.array([hidden[25, 25] for hidden in smoothed])
    assert arriving[:19].max() < -3.7 and arriving[21:].min() > 2.8


def test_smoothing_has_no_lag_and_keeps_fast_motion() -> None:
    """A bar of eight blocks that moves by two blocks a frame stays where it is."""
    looks = [shown(slice(0, 40), slice(2 * i, 2 * i + 8)) for i in range(16)]
    smoothed = smooth_looks(range(16), looks, range(16), 1)
    for i in range(2, 14):
        look = smoothed[i]
        assert look is not None
        assert look.hidden[20, 2 * i + 2 : 2 * i + 6].min() > 2.9
        assert (
            look.hidden[20, : max(2 * i - 2, 0)].max(initial=-4) < -3.9 and look.hidden[20, 2 * i + 10 :].max() < -3.9
        )


def test_frames_without_a_look_are_interpolated() -> None:
    looks = [shown(), None, None, shown(slice(0, 40), slice(0, 40), 4.0), None]
    smoothed = smooth_looks(range(5), looks, range(5), 1)
    assert all(look is not None for look in smoothed)
    assert smooth_looks(range(3), [None] * 3, range(3), 1) == [None] * 3
    step = smooth_looks([10, 14], [shown(), shown()], [10, 12, 14], 2)
    assert len(step) == 3 and all(look is not None and (look.hidden == -COARSE_LIMIT).all() for look in step)


def test_a_track_comes_back_with_its_looks(track: Track) -> None:
    again = Track(parse_sidecar(dump(track.sidecar)))
    assert again.sidecar == track.sidecar
    for frame in (FIRST, FIRST + 20):
        assert np.array_equal(look_in(again, frame).hidden, look_in(track, frame).hidden)


def test_smoothing_again_gives_the_same_looks(track: Track) -> None:
    assert track.smoothed().sidecar == track.sidecar


def test_a_bad_frame_gets_its_neighbours_looks(track: Track) -> None:
    bad = track.mark_bad("p1", FIRST + 20)
    assert look_in(bad, FIRST + 20).hidden[25, 10] > 2.0
    assert look_in(bad.smoothed(), FIRST + 20).hidden[25, 10] > 2.0


def test_split_join_and_tracking_again_carry_the_looks(track: Track) -> None:
    split = track.split("p1", FIRST + 20, "other")
    assert np.array_equal(look_in(split, FIRST + 30, "other").hidden, look_in(track, FIRST + 30).hidden)
    joined = split.join("other", "p1")
    assert np.array_equal(look_in(joined, FIRST + 30).hidden, look_in(track, FIRST + 30).hidden)
    again = Track(retracked(track.sidecar, track.rename("p1", "Anna").sidecar))
    assert np.array_equal(look_in(again, FIRST + 30).hidden, look_in(track, FIRST + 30).hidden)


def test_a_track_without_looks_is_read() -> None:
    old = track_from(seen_frames(5, {1: lambda i: mean_head(300, 300)}))
    text = dump(old.sidecar).replace(',"look":null,"tones":null', "")
    assert "look" not in text
    tracked = Track(parse_sidecar(text)).face("p1", FIRST)
    assert tracked is not None and tracked.look is None
    assert isinstance(parse_sidecar(text).people[0].blocks[0].raw[0], model.RawLine)


def test_a_track_of_version_2_has_looks_without_tones(track: Track) -> None:
    item = json.loads(dump(track.sidecar))
    item["faceplate_track"] = 2
    for block in item["people"][0]["blocks"]:
        del block["tones"]
        for line in (*block["raw"], *block["smooth"]):
            del line["tones"]
    old = Track(parse_sidecar(json.dumps(item)))
    assert np.array_equal(look_in(old, FIRST + 20).hidden, look_in(track, FIRST + 20).hidden)
    assert look_in(old, FIRST + 20).tones is None and look_in(old.smoothed(), FIRST + 20).tones is None
    assert json.loads(dump(old.sidecar))["faceplate_track"] == model.VERSION


def test_tones_are_carried_with_the_looks() -> None:
    """Raw values come back as stored, smoothed ones smoothed; edits, smoothing again and a bad frame keep them."""
    tones = {FIRST + i: toned(0.01 * i) for i in range(30)}
    looks = {frame: replace(shown(), tones=value) for frame, value in tones.items()}
    track = track_from(with_looks(seen_frames(30, {1: lambda i: mean_head(300 + 4 * i, 300)}), looks))
    again = Track(parse_sidecar(dump(track.sidecar)))
    assert track.smoothed().sidecar == track.sidecar == again.sidecar
    bad = track.mark_bad("p1", FIRST + 20)
    split = track.split("p1", FIRST + 10, "other")
    for found in (look_in(again, FIRST + 20), look_in(bad, FIRST + 20), look_in(split, FIRST + 20, "other")):
        assert found.tones is not None
        assert np.abs(found.tones.log - tones[FIRST + 20].log).max() < 0.01
        assert np.abs(found.tones.trust - 1.0).max() < 0.02


def test_damaged_tones_are_named(track: Track) -> None:
    person = track.sidecar.people[0]
    smooth = (person.blocks[0].smooth[0].model_copy(update={"tones": "AAAA"}), *person.blocks[0].smooth[1:])
    blocks = (person.blocks[0].model_copy(update={"smooth": smooth}), *person.blocks[1:])
    damaged = Track(track.sidecar.model_copy(update={"people": (person.model_copy(update={"blocks": blocks}),)}))
    with pytest.raises(UsageError, match=f"frame {FIRST} smooth look"):
        damaged.face("p1", FIRST)


def test_a_look_between_two() -> None:
    first, second = shown(), shown(slice(0, 40), slice(0, 40), 4.0)
    between = between_looks(first, second, 0.5)
    assert between is not None and np.allclose(between.hidden, 0.0)
    assert between_looks(None, second, 0.5) is second and between_looks(first, None, 0.5) is first
    assert between_looks(None, None, 0.5) is None


def test_lids_come_back_as_they_were_measured_and_no_earlier_version_has_them() -> None:
    looks = {FIRST + i: replace(shown(), lids=np.array([0.301, 0.01 * i])) for i in range(12)}
    track = track_from(with_looks(seen_frames(12, {1: lambda i: mean_head(300 + 4 * i, 300)}), looks))
    assert track.smoothed().sidecar == track.sidecar == parse_sidecar(dump(track.sidecar))
    lines = [line for block in track.sidecar.people[0].blocks for line in block.raw]
    assert [line.lids for line in lines] == [(0.301, round(0.01 * i, 3)) for i in range(12)]
    rest = track.resting_face("p1")
    assert rest is not None and rest.lids is not None
    item = json.loads(dump(track.sidecar))
    item["faceplate_track"] = 4
    for line in item["people"][0]["blocks"][0]["raw"]:
        del line["lids"]
    old = Track(parse_sidecar(json.dumps(item)))
    before = old.resting_face("p1")
    assert before is not None and before.lids is None
    assert json.loads(dump(old.sidecar))["faceplate_track"] == model.VERSION
