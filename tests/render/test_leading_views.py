"""The views that lead reach the generator: from the plan, the artist's keys and pins, or the face alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from commands import command, refused
from faceplate import FaceSwapper, open_frame
from faceplate.demo import person
from faceplate.face.shape import head_model
from faceplate.generators import Crop, Generated, MeshGenerator
from faceplate.shot.parameters import Parameters
from faceplate.track import Track
from faceplate.track.model import ViewPlan, ViewRun
from faceplate.track.view_plan import Views
from faceplate.track.view_planner import source_identity
from three_frame_shot import ThreeFrameShot, memory
from track_sightings import seen_frames, track_from

BEA = str(person("bea"))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Views | None]]:
    """What the mesh generator is told of the views, frame by frame; it gives the plate back."""
    told: list[Views | None] = []

    def generate(self: MeshGenerator, crop: Crop) -> Generated:
        told.append(crop.views)
        return Generated(crop.pixels, np.ones(crop.pixels.shape[:2], np.float32))

    monkeypatch.setattr(MeshGenerator, "generate", generate)
    yield told


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The track of a head that turns to one side, in the middle of the small plate."""

    def mesh(index: int) -> np.ndarray:
        turn = np.radians(0.3 * index)
        matrix = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
        return head_model().reference @ matrix.T * 40.0 + np.array([130.0, 130.0, 0.0])

    path = tmp_path_factory.mktemp("planned") / "shot.track.json"
    track_from(seen_frames(60, {1: mesh}, flowing=False)).save(path)
    return path


@pytest.fixture
def planned(track: Path, three_frames: ThreeFrameShot, tmp_path: Path) -> Path:
    """The track with a plan that hands over in the three frames of the plate."""
    source = three_frames.renderer(source=BEA).source
    runs = (
        ViewRun(first=1001, last=1001, view="front.jpg"),
        ViewRun(first=1002, last=1060, view="left.jpg", fade=2),
    )
    plan = ViewPlan(person="p1", source=source_identity(source), pictures={}, runs=runs)
    Track.load(track).with_plan(plan).save(tmp_path / "planned.track.json")
    return tmp_path / "planned.track.json"


def test_the_plan_of_the_track_reaches_the_generator(
    three_frames: ThreeFrameShot, planned: Path, shown: list[Views | None]
) -> None:
    renderer = three_frames.renderer(source=BEA, track=str(planned))
    for frame in (1001, 1002, 1003):
        renderer.render(frame)
    run = list(shown)
    assert run[0] == (("front.jpg", 1.0),)
    assert [dict(views or ())["left.jpg"] for views in run[1:]] == pytest.approx([7 / 27, 20 / 27])
    shown.clear()
    for frame in (1003, 1001, 1002):  # each by a renderer of its own
        three_frames.renderer(source=BEA, track=str(planned)).render(frame)
    assert shown == [run[2], run[0], run[1]]


def test_a_track_without_a_plan_is_not_changed_and_every_frame_alone_has_the_same_views(
    three_frames: ThreeFrameShot, track: Path, shown: list[Views | None]
) -> None:
    before = track.read_bytes()
    renderer = three_frames.renderer(source=BEA, track=str(track))
    renderer.prepare()
    for frame in (1001, 1003):
        renderer.render(frame)
    three_frames.renderer(source=BEA, track=str(track)).render(1003)
    assert shown[1] == shown[2] is not None and shown[0] is not None
    assert track.read_bytes() == before


def test_a_plan_of_another_source_is_not_used(
    three_frames: ThreeFrameShot, planned: Path, shown: list[Views | None]
) -> None:
    three_frames.renderer(track=str(planned)).render(1002)
    assert shown == [(("front.jpg", 1.0),)], "the source of the shot has one picture"


def test_keys_and_pins_override_the_plan(
    three_frames: ThreeFrameShot, planned: Path, shown: list[Views | None], tmp_path: Path
) -> None:
    keyed = tmp_path / "keyed.track.json"
    track = Track.load(planned).key_view("p1", 1002, 1002, "open.jpg").key_view("p1", 1003, 1003, "gone.jpg")
    track.save(keyed)
    renderer = three_frames.renderer(source=BEA, track=str(keyed))
    renderer.render(1002)
    renderer.render(1003)
    renderer.render(1002, values={"pins": "smile.jpg@1002"})
    renderer.render(1002, values={"pins": "smile.jpg@1002, right.jpg@1001-1003"})
    assert shown[0] == (("open.jpg", 1.0),)
    assert "gone.jpg" not in dict(shown[1] or ()), "a key of a view that the source lacks has no effect"
    assert shown[2:] == [(("smile.jpg", 1.0),), (("smile.jpg", 0.5), ("right.jpg", 0.5))]


def test_another_leader_runs_the_generator_again_and_nothing_before_it(
    three_frames: ThreeFrameShot, planned: Path, shown: list[Views | None], tmp_path: Path
) -> None:
    cache = memory()
    first = three_frames.renderer(cache, source=BEA, track=str(planned)).render(1001)
    keyed = tmp_path / "keyed.track.json"
    Track.load(planned).key_view("p1", 1001, 1001, "right.jpg").save(keyed)
    cache.counts.computed.clear()
    second = three_frames.renderer(cache, source=BEA, track=str(keyed)).render(1001)
    assert shown == [(("front.jpg", 1.0),), (("right.jpg", 1.0),)] and first.key != second.key
    assert cache.counts.computed["generate"] == 1 and cache.counts.computed["prepare"] == 0
    three_frames.renderer(cache, source=BEA, track=str(planned)).render(1001)
    assert len(shown) == 2, "the first result is still kept"


def test_a_frame_without_a_track_has_the_view_that_suits_it_best(
    three_frames: ThreeFrameShot, shown: list[Views | None]
) -> None:
    renderer = three_frames.renderer(source=BEA)
    rendered = renderer.render(1001)
    assert rendered.face is not None
    generator = renderer.resources.generator(rendered.parameters)
    assert isinstance(generator, MeshGenerator)
    assert shown == [generator.views_alone(1001, rendered.face, 1.0)] and len(shown[0] or ()) == 1
    frame = open_frame(three_frames.folder / "plate.1001.exr")
    FaceSwapper(BEA, Parameters(grain=0.0)).swap(frame, rendered.face, 1001)
    FaceSwapper(BEA, Parameters(grain=0.0, pins="left.jpg@1001")).swap(frame, rendered.face, 1001)
    assert shown[1:] == [shown[0], (("left.jpg", 1.0),)]


def test_the_views_pass_a_restorer(three_frames: ThreeFrameShot, planned: Path, shown: list[Views | None]) -> None:
    renderer = three_frames.renderer(source=BEA, track=str(planned), parameters={"restorer": "sharper"})
    renderer.render(1001)
    renderer.render(1001, values={"pins": "smile.jpg@1001"})
    assert shown == [(("front.jpg", 1.0),), (("smile.jpg", 1.0),)]


def test_a_generator_without_views_is_told_of_none(three_frames: ThreeFrameShot, planned: Path) -> None:
    renderer = three_frames.renderer(source=BEA, track=str(planned), parameters={"generator": "null"})
    assert renderer.locate(1001).target.views is None
    track = Track.load(planned)
    assert renderer.resources.with_view_plans(track) is track
    other = three_frames.renderer(track=str(planned)).resources.with_view_plans(track)
    assert [len(plan.pictures) for plan in other.sidecar.plans] == [0, 1], "one plan for each source"


def test_a_range_keeps_its_plan_in_the_track_beside_its_output(
    three_frames: ThreeFrameShot, shown: list[Views | None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1001, 1002, 1003):
        shutil.copy(three_frames.folder / f"plate.{number}.exr", tmp_path)
    render = ("render", tmp_path / "plate.####.exr", "-s", BEA, "-o", tmp_path / "out" / "swap.####.exr", "--grain", 0)
    command(*render)
    kept = tmp_path / "out" / "swap.track.json"
    plans = Track.load(kept).sidecar.plans
    assert [plan.person for plan in plans] == ["p1"] and (plans[0].runs[0].first, plans[0].runs[-1].last) == (
        1001,
        1003,
    )
    before, run = kept.read_bytes(), list(shown)
    command(*render, "-f", "1002")
    assert kept.read_bytes() == before and shown[-1] == run[1]
    command("tracks", "views", kept)
    assert plans[0].runs[0].view in capsys.readouterr().out
    assert "no-face" not in refused(capsys, "tracks", "views", tmp_path / "none.json")
