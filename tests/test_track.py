"""The track room without a pixel: association, smoothing, the sidecar, corrections, exports."""

from __future__ import annotations

import csv
import itertools
import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.face.landmark import Region
from faceplate.face.shape import RIGID, head_model
from faceplate.image.window import Window
from faceplate.track import REGIONS, Track, coding, model
from faceplate.track.analyse import SEGMENT, Look, Sighting
from faceplate.track.assign import assign
from faceplate.track.build import build, retracked
from faceplate.track.checkpoint import Seen, segments_of
from faceplate.track.correct import region_weight
from faceplate.track.cuts import find_cuts
from faceplate.track.export import TRACKER_POINTS, export_track
from faceplate.track.flow import Flow
from faceplate.track.qc import jitter
from faceplate.track.sidecar import dump, load_sidecar, parse_sidecar, schema
from faceplate.track.smooth import decompose, place, region_groups

DOCS = Path(__file__).parents[1] / "docs"
FIRST = 1001
VIEW = np.full(256, 160, np.uint8)


def head(x: float, y: float, scale: float = 90.0, turn: float = 0.0) -> np.ndarray:
    """The mean head (478, 3) with its skull's centre at (x, y)."""
    shape = head_model().reference - np.array([*head_model().reference[RIGID, :2].mean(axis=0), 0])
    return place(np.array([x, y, np.log(scale), turn]), shape)


def identity(person: int) -> np.ndarray:
    return np.random.default_rng(person).standard_normal(128).astype(np.float32)


def sighting(points: np.ndarray, number: int, person: int, new: bool, flow: Flow | None) -> Sighting:
    return Sighting(
        number=number, points=points, score=0.9, presence=0.99, level=0.2, region=Region(np.zeros(2), 1.0, 0.0),
        corner=(0.0, 0.0), scale=1.0, gain=1.0, new=new, flow=flow, embedding=identity(person) if new else None,
        anchor=points if new else None,
    )  # fmt: skip


def flow_from(before: np.ndarray, after: np.ndarray, moved: int = 0) -> Flow:
    a, b = decompose(before)[0], decompose(after)[0]
    scale, turn = np.exp(b[2] - a[2]), b[3] - a[3]
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([linear, b[:2] - linear @ a[:2]])
    return Flow(matrix, 1.0, 0.02, (moved,) * len(region_groups()))


def shot(
    frames: int,
    people: dict[int, Callable[[int], np.ndarray | None]],
    *,
    flowing: bool = True,
    truth: dict[int, Callable[[int], np.ndarray | None]] | None = None,
    views: Callable[[int], np.ndarray] = lambda i: VIEW,
) -> list[Seen]:
    """What a worker would have seen of `people` (their meshes by frame index); the flow tells of `truth`."""
    windows = (Window(0, 0, 1280, 720), Window(-16, 12, 1312, 696))
    truth = truth or people
    seen: list[Seen] = []
    for segment in segments_of(range(FIRST, FIRST + frames)):
        present: set[int] = set()
        numbers: dict[int, int] = {}
        for frame in [*segment.frames, *([segment.tail] if segment.tail else [])]:
            faces = []
            for person, where in people.items():
                points = where(frame - FIRST)
                if points is None:
                    present.discard(person)
                    continue
                if person not in present:
                    numbers[person] = max(numbers.values(), default=-1) + 1
                new, flow = person not in present, None
                if not new and flowing:
                    before, after = (truth[person](frame - FIRST - k) for k in (1, 0))
                    assert before is not None and after is not None
                    flow = flow_from(before, after)
                faces.append(sighting(points, numbers[person], person, new, flow))
                present.add(person)
            look = Look(frame, views(frame - FIRST), tuple(faces), 9)
            seen.append(Seen(segment.number, frame, frame == segment.tail, None, look, "", windows))
    return seen


PLATE = model.Plate(pattern="plate.####.exr", display=(0, 0, 1280, 720), data=(-16, 12, 1312, 696))


def made(seen: list[Seen], **smoothing: float) -> Track:
    return Track(build(seen, PLATE, model.Smoothing.model_validate(smoothing), {}))


@pytest.fixture(scope="module")
def two() -> Track:
    """Person 1 moves to the right, person 2 stands; 30 frames, over a seam between segments."""
    return made(shot(30, {1: lambda i: head(300 + 4 * i, 300), 2: lambda i: head(900, 350, 70, 0.1)}))


def at(track: Track, person: str, frame: int) -> np.ndarray:
    tracked = track.face(person, frame)
    assert tracked is not None
    return tracked.face.points


# Storing ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.floats(0.0001, 3.0))
@settings(max_examples=40, deadline=None)
def test_a_packed_mesh_comes_back_to_the_grid(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    base = coding.on_grid(head_model().reference, coding.BASE)
    shape = base + spread * rng.standard_normal((478, 3))
    for steps in (coding.RAW, coding.FINE):
        back = coding.unpack_mesh(coding.pack_mesh(shape, base, steps), base, steps)
        assert np.array_equal(back, coding.on_grid(shape, steps))
        assert np.abs(back - shape)[:, :2].max() <= 0.5001 / steps[0]


@pytest.mark.parametrize("text", ["", "AAAA", "not base 64!", "eJwDAAAAAAE="])
def test_text_that_is_no_mesh_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        coding.unpack_mesh(text, np.zeros((478, 3)), coding.RAW)


def test_a_mesh_taken_apart_and_put_together_is_itself() -> None:
    points = head(412.25, 300.5, 77, 0.4) + np.random.default_rng(1).standard_normal((478, 3))
    assert np.allclose(place(*decompose(points)), points, atol=1e-9)


def test_what_is_stored_lies_within_a_twentieth_of_a_pixel(two: Track) -> None:
    for frame in (1001, 1015, 1030):
        points = head(300 + 4 * (frame - FIRST), 300)
        raw = two.raw("p1", frame)
        assert raw is not None
        assert np.abs(raw.points - points)[:, :2].max() < 0.05
        assert np.abs(at(two, "p1", frame) - points)[:, :2].max() < 0.05


def test_the_file_comes_back_as_it_was_a_line_a_frame(two: Track, tmp_path: Path) -> None:
    track = two.rename("p1", "Zoë").key("p1", 1010, move=(1.5, -2)).mark_bad("p2", 1005)
    track.save(tmp_path / "shot.track.json")
    text = (tmp_path / "shot.track.json").read_text(encoding="utf-8")
    assert load_sidecar(tmp_path / "shot.track.json") == track.sidecar
    assert dump(load_sidecar(tmp_path / "shot.track.json")) == text
    assert sum('"frame":1010,' in line for line in text.splitlines()) == 5  # raw and smooth of two, and the key
    assert [p.name for p in tmp_path.iterdir()] == ["shot.track.json"]


def test_the_published_schema_is_fresh() -> None:
    assert (DOCS / "track.schema.json").read_text(encoding="utf-8") == schema()


# A damaged file -------------------------------------------------------------------------------------------------------


def damaged(track: Track, change: Callable[[dict], object]) -> str:
    item = json.loads(dump(track.sidecar))
    change(item)
    with pytest.raises(UsageError) as refused:
        parse_sidecar(json.dumps(item), "shot.track.json")
    assert "\n" not in str(refused.value)
    return f"{refused.value.code} {refused.value}"


def test_faults_name_the_field(two: Track) -> None:
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
        told = damaged(two, change)
        assert told.startswith("bad-track ") and field in told, told


def test_a_newer_track_is_told_from_a_damaged_one(two: Track) -> None:
    told = damaged(two, lambda d: d.update(faceplate_track=model.VERSION + 1, future={"x": 1}))
    assert told.startswith("newer-track ") and "faceplate_track" in told and "newer Faceplate" in told


def test_a_damaged_mesh_is_named_when_it_is_used(two: Track) -> None:
    item = json.loads(dump(two.sidecar))
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
def test_any_corrections_are_stored_whole_and_give_finite_faces_or_none(two: Track, layer: model.Corrections) -> None:
    track = Track(two.sidecar.model_copy(update={"corrections": layer}))
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
def test_any_change_of_a_value_is_read_or_refused_in_a_sentence(two: Track, data: st.DataObject) -> None:
    item = json.loads(dump(two.sidecar))
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


# Association ----------------------------------------------------------------------------------------------------------


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


def test_people_stay_who_they_are(two: Track) -> None:
    assert [(p.id, len(p.frames)) for p in two.people] == [("p1", 30), ("p2", 30)]
    assert np.allclose(at(two, "p2", 1030)[RIGID, :2].mean(axis=0), (900, 350), atol=0.05)


def test_a_person_who_comes_back_is_the_same_and_a_stranger_is_not() -> None:
    def here(i: int) -> np.ndarray | None:
        return None if 15 <= i < 60 else head(300, 300)

    def stranger(i: int) -> np.ndarray | None:
        return head(310, 300) if 25 <= i < 50 else None

    track = made(shot(72, {1: here, 2: stranger}))
    assert [len(p.frames) for p in track.people] == [27, 25]
    assert track.face("p1", FIRST + 30) is None


def test_a_few_missed_frames_are_drawn_through_and_no_more() -> None:
    def blanked(i: int) -> np.ndarray | None:
        return None if 10 <= i < 20 else head(300 + 5 * i, 300)

    seen = shot(40, {1: blanked})
    track = made(seen)
    face = track.face("p1", FIRST + 14)
    assert face is not None and not face.seen and face.confidence == 0
    assert np.allclose(face.face.points[RIGID, :2].mean(axis=0), (370, 300), atol=1.0)
    assert track.raw("p1", FIRST + 14) is None
    assert made(seen, gap=5).face("p1", FIRST + 14) is None


def test_a_cut_parts_the_track_and_a_flash_does_not() -> None:
    other = np.random.default_rng(3).integers(60, 240, 256).astype(np.uint8)
    frames = list(range(1, 41))
    cut = [VIEW if f < 21 else other for f in frames]
    assert find_cuts(frames, cut) == (21,)
    assert find_cuts(frames, [other if f == 21 else VIEW for f in frames]) == ()
    brighter = [VIEW if f < 21 else VIEW + 20 for f in frames]
    assert find_cuts(frames, brighter) == ()
    track = made(shot(40, {1: lambda i: head(300 if i < 20 else 600, 300)}, views=lambda i: cut[i], flowing=False))
    assert track.sidecar.cuts == (FIRST + 20,) and [p.id for p in track.people] == ["p1"]
    assert np.allclose(at(track, "p1", FIRST + 19)[RIGID, 0].mean(), 300, atol=0.5)
    assert np.allclose(at(track, "p1", FIRST + 20)[RIGID, 0].mean(), 600, atol=0.5)


def test_segments_hang_on_frame_numbers_and_not_on_what_is_tracked() -> None:
    whole = {s.number: s.frames for s in segments_of(range(1001, 1101))}
    part = {s.number: s.frames for s in segments_of(range(1030, 1101))}
    assert all(set(part[number]) <= set(whole[number]) for number in part)
    assert all(len(frames) <= SEGMENT for frames in whole.values())
    assert [s.tail for s in segments_of(range(1001, 1040))] == [1008, 1032, None]


# Smoothing ------------------------------------------------------------------------------------------------------------


def jittery(where: Callable[[int], np.ndarray], noise: float, seed: int = 5) -> Callable[[int], np.ndarray]:
    def points(i: int) -> np.ndarray:
        rng = np.random.default_rng([seed, i])
        # The landmarker's jitter: partly common to all points, partly each point's own.
        return where(i) + noise * (rng.standard_normal((1, 3)) * 0.6 + rng.standard_normal((478, 3)) * 0.8)

    return points


def rms(track: Track, where: Callable[[int], np.ndarray], raw: bool = False) -> float:
    gaps = []
    for frame in track.frames:
        face = track.raw("p1", frame) if raw else track.face("p1", frame)
        assert face is not None
        points = face.points if raw else face.face.points  # type: ignore[union-attr]
        gaps.append((points - where(frame - FIRST))[:, :2])
    gap = np.array(gaps)
    gap -= gap.mean(axis=0)
    return float(np.sqrt((gap**2).sum(axis=2).mean()))


@pytest.mark.parametrize("flowing", [True, False])
def test_jitter_goes_on_a_still_face(flowing: bool) -> None:
    def still(i: int) -> np.ndarray:
        return head(400, 300, 150)

    track = made(shot(48, {1: jittery(still, 0.3)}, truth={1: still}, flowing=flowing))
    assert rms(track, still, raw=True) > 0.3
    assert rms(track, still) < 0.3 * (0.1 if flowing else 0.25)


def test_fast_motion_stays_without_lag() -> None:
    def swaying(i: int) -> np.ndarray:
        return head(400 + 60 * np.sin(i / 3), 300 + 4 * i, 150 * 1.004**i, 0.1 * np.sin(i / 4))

    track = made(shot(48, {1: jittery(swaying, 0.3)}, truth={1: swaying}))
    assert rms(track, swaying) < 0.08
    blind = made(shot(48, {1: jittery(swaying, 0.3)}, flowing=False))
    path = np.array([swaying(i)[4, 0] for i in range(48)])
    seen = np.array([at(blind, "p1", f)[4, 0] for f in blind.frames])
    assert np.ptp(seen) > 0.98 * np.ptp(path) and np.abs(seen - path).max() < 1.2


@pytest.mark.parametrize("flowing", [True, False])
def test_a_blink_of_three_frames_stays_and_leaves_its_neighbours_alone(flowing: bool) -> None:
    lid = region_groups()[0]
    shut = {20: 0.6, 21: 1.0, 22: 0.5}

    def blinking(i: int) -> np.ndarray:
        points = head(400, 300, 150).copy()
        points[lid, 1] += 10 * shut.get(i, 0.0)
        return points

    seen = shot(48, {1: jittery(blinking, 0.25)}, truth={1: lambda i: head(400, 300, 150)}, flowing=flowing)
    for item in seen:  # the flow sees that the lids left the skull's motion
        for face in item.look.faces if item.look else ():
            if face.flow is not None and item.frame - FIRST in shut:
                object.__setattr__(face.flow, "moved", (999, *face.flow.moved[1:]))
    track = made(seen)
    level = np.array([at(track, "p1", f)[lid, 1].mean() for f in track.frames])
    open_ = np.median(level)
    assert level[21] - open_ > 9.5 and level[20] - open_ > 5.5
    assert np.abs(np.delete(level, [20, 21, 22]) - open_).max() < 0.5


def test_one_wild_frame_is_not_believed_where_the_flow_saw_nothing() -> None:
    def still(i: int) -> np.ndarray:
        return head(400, 300, 150)

    def jumping(i: int) -> np.ndarray:
        return head(412 if i == 20 else 400, 300, 150)

    track = made(shot(48, {1: jittery(jumping, 0.2)}, truth={1: still}))
    assert abs(at(track, "p1", FIRST + 20)[RIGID, 0].mean() - 400) < 0.5


def test_seams_between_segments_are_levelled() -> None:
    rng = np.random.default_rng(8)
    bias = {number: rng.standard_normal((478, 3)) for number in range(60)}
    seen = shot(72, {1: lambda i: head(400, 300, 150)})
    biased = []
    for item in seen:
        assert item.look is not None
        faces = []
        for face in item.look.faces:
            object.__setattr__(face, "points", face.points + bias[item.segment])
            faces.append(face)
        biased.append(item)
    track = made(biased)
    raw = np.array([face.points for f in track.frames if (face := track.raw("p1", f)) is not None])
    steps = np.abs(np.diff(raw[:, :, :2], axis=0)).mean(axis=(1, 2))
    assert steps.max() < 0.1  # unlevelled, a seam is a step of 1.1 px


def test_smoothing_again_needs_no_pixels_and_changes_nothing_by_itself(two: Track) -> None:
    assert two.smoothed(two.sidecar.smoothing.amount).sidecar == two.sidecar

    def still(i: int) -> np.ndarray:
        return head(400, 300, 150)

    track = made(shot(30, {1: jittery(still, 0.3)}, truth={1: still}))
    asis = track.smoothed(0.0)
    for frame in (1001, 1013, 1030):
        raw = asis.raw("p1", frame)
        assert raw is not None and np.abs(at(asis, "p1", frame) - raw.points)[:, :2].max() < 0.06
    assert asis.smoothed(1.0).sidecar == track.sidecar


# Corrections ----------------------------------------------------------------------------------------------------------


def test_keys_move_scale_and_turn_the_face_and_are_smooth_between(two: Track) -> None:
    track = two.key("p2", 1005).key("p2", 1015, move=(10, -4), scale=1.2, rotate=90)
    before, after = at(two, "p2", 1015), at(track, "p2", 1015)
    centre = before[RIGID, :2].mean(axis=0)
    assert np.allclose(after[RIGID, :2].mean(axis=0) - centre, (10, -4), atol=1e-6)
    offset = before[4, :2] - centre
    assert np.allclose(after[4, :2] - centre - (10, -4), 1.2 * np.array([-offset[1], offset[0]]), atol=1e-6)
    assert np.array_equal(at(track, "p2", 1005), at(two, "p2", 1005))
    assert np.array_equal(at(track, "p1", 1015), at(two, "p1", 1015))
    path = [at(track, "p2", f)[RIGID, 0].mean() - centre[0] for f in range(1003, 1020)]
    assert path == sorted(path) and path[0] == pytest.approx(0, abs=1e-6) and path[-1] == pytest.approx(10, abs=1e-6)
    assert two.sidecar.corrections == model.Corrections()


@pytest.mark.parametrize("region", REGIONS)
def test_a_dragged_region_takes_its_neighbours_along_softly(two: Track, region: str) -> None:
    track = two.drag("p2", region, 1010, (0.05, 0.02))
    moved = at(track, "p2", 1010) - at(two, "p2", 1010)
    size = two.face("p2", 1010).face.size  # type: ignore[union-attr]
    length = np.linalg.norm(moved[:, :2], axis=1)
    weight = region_weight(region)
    assert length.max() == pytest.approx(np.hypot(0.05, 0.02) * size, rel=1e-6)
    assert np.allclose(length, weight * length.max(), atol=1e-9)
    assert (weight == 0).sum() > 100 and ((weight > 0.1) & (weight < 0.9)).sum() > 8
    assert (
        abs(np.degrees(np.arctan2(*moved[weight == 1][0, 1::-1])) - np.degrees(np.arctan2(0.02, 0.05))) < 8
    )  # the head's own roll


def test_bad_frames_are_drawn_through_or_left_out() -> None:
    track = made(shot(30, {1: lambda i: head(300 + 4 * i + (40 if 10 <= i <= 12 else 0), 300)}))
    wild = at(track, "p1", 1012)[RIGID, 0].mean()
    fixed = track.mark_bad("p1", 1011, 1013)
    tracked = fixed.face("p1", 1012)
    assert tracked is not None and tracked.bad
    assert abs(tracked.face.points[RIGID, 0].mean() - 344) < 8 < abs(wild - 344)
    again = fixed.smoothed()
    assert abs(at(again, "p1", 1012)[RIGID, 0].mean() - 344) < 8
    assert fixed.corrected(bad=()).mark_bad("p1", 1012, exclude=True).face("p1", 1012) is None


def test_in_and_out_fade(two: Track) -> None:
    track = two.in_out("p1", 1005, 1020, fade_in=3, fade_out=2)
    weights = [face.weight if (face := track.face("p1", f)) else 0.0 for f in range(1001, 1031)]
    assert weights[:4] == [0.0] * 4 and weights[20:] == [0.0] * 10
    assert 0 < weights[4] < weights[5] < weights[6] < 1 == weights[7] == weights[16]
    assert 1 == weights[17] > weights[18] > weights[19] > 0
    assert track.face("p2", 1001).weight == 1  # type: ignore[union-attr]


def test_people_are_renamed_split_joined_and_deleted(two: Track) -> None:
    track = two.rename("p1", "Anna").split("p1", 1016)
    assert [(p.id, p.name, p.frames[0], p.frames[-1]) for p in track.people] == [
        ("p1", "Anna", 1001, 1015), ("p2", "p2", 1001, 1030), ("p1.2", "p1.2", 1016, 1030),
    ]  # fmt: skip
    joined = track.join("p1.2", "p2")
    assert [p.id for p in joined.people] == ["p1", "p2"]
    assert np.array_equal(at(joined, "p2", 1020), at(two, "p2", 1020))
    assert track.join("p1.2", "p1").people[0].frames == two.people[0].frames
    gone = track.delete("p2")
    assert [p.id for p in gone.people] == ["p1", "p1.2"]
    holed = two.delete("p2", 1010, 1012)
    assert holed.face("p2", 1011) is None and holed.face("p2", 1013) is not None
    with pytest.raises(UsageError, match="no person 'p2'"):
        gone.face("p2", 1001)


def test_corrections_survive_a_new_track_in_which_people_come_in_another_order(two: Track) -> None:
    old = two.rename("p2", "Ben").key("p2", 1010, move=(5, 0)).split("p1", 1020)
    seen = shot(30, {2: lambda i: head(900, 350, 70, 0.1), 1: lambda i: head(300 + 4 * i, 300) if i > 2 else None})
    fresh = build(seen, PLATE, model.Smoothing(), {})
    assert Track(fresh).people[0].frames[0] == 1001 and np.allclose(
        at(Track(fresh), "p1", 1010)[RIGID, 0].mean(), 900, atol=1
    )
    new = Track(retracked(fresh, old.sidecar))
    assert new.sidecar.corrections == old.sidecar.corrections and new.orphans == ()
    assert new.choose("Ben") == "p2"
    assert np.allclose(at(new, "p2", 1010)[RIGID, 0].mean(), 905, atol=0.3)
    assert new.person("p1.2").frames == tuple(range(1020, 1031))
    gone = Track(
        retracked(build(shot(30, {1: lambda i: head(300 + 4 * i, 300)}), PLATE, model.Smoothing(), {}), old.sidecar)
    )
    assert any("p2" in line for line in gone.orphans)


def test_corrections_that_cannot_be_are_refused_in_a_sentence(two: Track) -> None:
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: two.key("p1", 1010, scale=0.0), "scale"),
        (lambda: two.key("p1", 1010, move=(float("nan"), 0)), "move"),
        (lambda: two.drag("p1", "jaw", 1010, (0, 7)), "move"),
        (lambda: two.drag("p1", "nose", 1010, (0, 0)), "region"),
        (lambda: two.mark_bad("p1", 1010, 1005), "last lies before first"),
        (lambda: two.in_out("p1", 1010, 1020, fade_in=-1), "fade_in"),
        (lambda: two.split("p1", 1010, "no good"), "new"),
        (lambda: two.split("p1", 1010, "p2"), "p2"),
        (lambda: two.rename("p1", ""), "name"),
        (lambda: two.rename("p9", "Anna"), "p9"),
        (lambda: two.smoothed(-1.0), "amount"),
    ]
    for ask, field in wrong:
        with pytest.raises(UsageError, match=field) as refused:
            ask()
        assert "\n" not in str(refused.value)


# Choosing -------------------------------------------------------------------------------------------------------------


def test_the_person_is_chosen_by_number_name_point_and_likeness(two: Track, tmp_path: Path) -> None:
    track = two.rename("p2", "Ben Weiss")
    words = (1, "2", "Ben Weiss", "p1", "1010:910,340", "1001:0,0", "largest", "rightmost")
    assert [track.choose(word) for word in words] == [
        "p1", "p2", "p2", "p1", "p2", "p1", "p1", "p2",
    ]  # fmt: skip
    picture = tmp_path / "who.png"
    picture.touch()
    assert track.choose(str(picture), lambda path: identity(2)) == "p2"
    with pytest.raises(RenderError, match="Nobody in the track is like"):
        track.choose(str(picture), lambda path: identity(99))
    with pytest.raises(RenderError, match="2 people"):
        track.choose("auto")
    for wrong in ("3", "0", "Carl", "1001:a,b"):
        with pytest.raises(UsageError):
            track.choose(wrong, lambda path: identity(1))
    assert two.delete("p2").choose(None) == "p1"


# Exports --------------------------------------------------------------------------------------------------------------


def curve(text: str) -> dict[int, float]:
    """A Nuke curve read as Nuke reads it."""
    found: dict[int, float] = {}
    frame = 0
    for word in text.removeprefix("{curve ").removesuffix("}").split():
        if word == "K":
            continue
        if word.startswith("x"):
            frame = int(word[1:])
        else:
            found[frame] = float(word)
            frame += 1
    return found


@pytest.fixture(scope="module")
def cropped() -> Track:
    """A display window that does not begin at 0, a face that turns, grows and leaves for two frames."""
    plate = PLATE.model_copy(update={"display": (100, 50, 1280, 720)})
    seen = shot(20, {1: lambda i: head(500 + 3 * i, 300, 90 * 1.01**i, 0.02 * i)})
    track = Track(build(seen, plate, model.Smoothing(), {}))
    return track.mark_bad("p1", 1008, 1009, exclude=True)


def nodes(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Nuke's text taken apart as TCL takes it apart: (class, knobs), a knob's value nested as its braces are."""
    words = re.findall(r"[{}\n]|\"[^\"]*\"|[^\s{}]+", text)

    def braced(at: int) -> tuple[list[Any], int]:
        inside: list[Any] = []
        while words[at] != "}":
            if words[at] == "{":
                item, at = braced(at + 1)
                inside.append(item)
            else:
                inside += [words[at]] if words[at] != "\n" else []
                at += 1
        return inside, at + 1

    found: list[tuple[str, dict[str, Any]]] = []
    at = 0
    while at < len(words):
        if at + 1 < len(words) and words[at + 1] == "{" and words[at] != "\n":
            kind, at, knobs = words[at], at + 2, {}
            while words[at] != "}":
                if words[at] == "\n":
                    at += 1
                    continue
                name, at = words[at], at + 1
                if words[at] == "{":
                    knobs[name], at = braced(at + 1)
                else:
                    knobs[name], at = words[at], at + 1
            found.append((kind, knobs))
        at += 1
    return found


def test_nuke_text_is_taken_apart_as_nuke_does_it(cropped: Track, tmp_path: Path) -> None:
    text = export_track(cropped, tmp_path / "shot.nk", "p1").read_text()
    tracker, pin, transform = (knobs for _, knobs in nodes(text))
    assert [kind for kind, _ in nodes(text)] == ["Tracker4", "CornerPin2D", "Transform"]
    head, columns, rows = tracker["tracks"]
    assert [int(v) for v in head] == [1, 31, len(TRACKER_POINTS)] and len(columns) == 31
    assert [row[1].strip('"') for row in rows] == [name for name, _ in TRACKER_POINTS]
    curves = [row[k] for row in rows for k in (2, 3)] + [v for k in range(1, 5) for v in pin[f"to{k}"]]
    curves += [*transform["translate"], transform["rotate"][0], transform["scale"][0]]
    for words in curves:
        assert words[0] == "curve" and words[1] == "x1001"
        assert [word for word in words[1:] if word.startswith("x")] == ["x1001", "x1010"]
        assert len([float(word) for word in words[1:] if not word.startswith("x")]) == 18
    for k in range(1, 5):
        assert len([float(v) for v in pin[f"from{k}"]]) == 2
        assert float(pin[f"to{k}"][0][2]) == pytest.approx(float(pin[f"from{k}"][0]), abs=1e-3)
    names = [knobs["name"] for knobs in (tracker, pin, transform)]
    assert len(set(names)) == 3 and all(re.fullmatch(r"\w+", name) for name in names)


def test_nuke_text_holds_the_face_in_nukes_coordinates(cropped: Track, tmp_path: Path) -> None:
    text = export_track(cropped, tmp_path / "shot.nk", "p1").read_text()
    assert text.count("{") == text.count("}") and text.startswith("set cut_paste_input")
    for node in ("Tracker4 {", "CornerPin2D {", "Transform {"):
        assert text.count(node) == 1
    curves = [curve(m) for m in re.findall(r"\{curve [^}]*\}", text)]
    tracker = [c for c in curves if len(c) == 18][: 2 * len(TRACKER_POINTS)]
    for k, (_, point) in enumerate(TRACKER_POINTS):
        for frame in (1001, 1007, 1010, 1020):
            x, y = at(cropped, "p1", frame)[point, :2]
            assert tracker[2 * k][frame] == pytest.approx(x - 100, abs=1e-3)
            assert tracker[2 * k + 1][frame] == pytest.approx(50 + 720 - y, abs=1e-3)
    assert 1008 not in tracker[0] and 1010 in tracker[0]
    rows = re.findall(r"^ \{ (\{curve K.*) \}$", text, re.M)
    assert len(rows) == len(TRACKER_POINTS)
    assert all(len(re.findall(r"\{[^}]*\}|\"[^\"]*\"|\S+", row)) == 31 for row in rows)
    columns = re.findall(r"^(?:\{ )?\{ (\d) (\d) (\d+) (\S+) (\S+) 1 \}$", text, re.M)
    assert [column[4] for column in columns[:9]] == ["e", "name", "track_x", "track_y", "offset_x", "offset_y", *"TRS"]
    assert len(columns) == 31
    # The Transform carries the reference frame's points onto those of every other frame.
    centre = np.array([float(v) for v in re.search(r"center \{(\S+) (\S+)\}", text).groups()])  # type: ignore[union-attr]
    tx, ty, turn, scale = curves[-4:]
    first = np.array([at(cropped, "p1", 1001)[RIGID, 0] - 100, 770 - at(cropped, "p1", 1001)[RIGID, 1]]).T
    then = np.array([at(cropped, "p1", 1020)[RIGID, 0] - 100, 770 - at(cropped, "p1", 1020)[RIGID, 1]]).T
    angle = np.radians(turn[1020])
    spin = scale[1020] * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert np.abs((first - centre) @ spin.T + centre + (tx[1020], ty[1020]) - then).max() < 0.1
    assert (tx[1001], ty[1001], turn[1001], scale[1001]) == (0, 0, 0, 1)


def test_csv_and_blender_data_hold_every_point(cropped: Track, tmp_path: Path) -> None:
    rows = list(csv.DictReader(export_track(cropped, tmp_path / "shot.csv", "p1").open()))
    assert [int(row["frame"]) for row in rows] == [f for f in range(1001, 1021) if f not in (1008, 1009)]
    assert float(rows[-1]["x4"]) == pytest.approx(at(cropped, "p1", 1020)[4, 0], abs=1e-3)
    item = json.loads(export_track(cropped, tmp_path / "shot.json", "p1").read_text())
    assert (item["width"], item["height"], len(item["frames"])) == (1280, 720, 18)
    u, v = np.array(item["frames"][-1]["points"]).reshape(478, 3)[4, :2]
    x, y = at(cropped, "p1", 1020)[4, :2]
    assert (u * 1280 + 100, 50 + 720 - v * 720) == (pytest.approx(x, abs=1e-2), pytest.approx(y, abs=1e-2))
    assert max(map(max, item["triangles"])) < 478


def test_usd_is_written_or_its_absence_told(cropped: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        usd, geom = (import_module(f"pxr.{name}") for name in ("Usd", "UsdGeom"))
    except ImportError:
        with pytest.raises(UsageError, match=r"faceplate\[usd\]"):
            export_track(cropped, tmp_path / "shot.usda", "p1")
    else:
        stage = usd.Stage.Open(str(export_track(cropped, tmp_path / "shot.usda", "p1")))
        mesh = geom.Mesh(stage.GetPrimAtPath("/faceplate/face"))
        assert mesh.GetPointsAttr().GetTimeSamples() == [float(f) for f in range(1001, 1021) if f not in (1008, 1009)]
        x, y = at(cropped, "p1", 1020)[4, :2]
        assert tuple(mesh.GetPointsAttr().Get(1020)[4])[:2] == (
            pytest.approx(x - 100, abs=0.01),
            pytest.approx(770 - y, abs=0.01),
        )
    monkeypatch.setitem(sys.modules, "pxr.Gf", None)
    with pytest.raises(UsageError, match=r"faceplate\[usd\]"):
        export_track(cropped, tmp_path / "again.usda", "p1")
    assert not (tmp_path / "again.usda").exists()


def test_exports_that_cannot_be_are_refused(cropped: Track, tmp_path: Path) -> None:
    for arguments in (("shot.xyz", "p1", None), ("shot.nk", "p9", None), ("shot.nk", "p1", 1008)):
        with pytest.raises(UsageError):
            export_track(cropped, tmp_path / arguments[0], arguments[1], reference=arguments[2])


def test_the_plotted_jitter_is_the_noise_that_was_put_in() -> None:
    def still(i: int) -> np.ndarray:
        return head(400, 300, 150)

    track = made(shot(48, {1: jittery(still, 0.3)}, truth={1: still}))
    _, raw, smooth = jitter(track, "p1")
    assert np.nanmedian(raw) == pytest.approx(0.3 * np.sqrt(2), rel=0.25) and np.nanmedian(smooth) < 0.03
