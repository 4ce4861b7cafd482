"""Resolve's workflow through the fake, with the real engine and real files: the timeline item by item, the pixels frame by
frame."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cli import main
from faceplate.face import FaceFinder
from faceplate.plate import write_over
from faceplate.render import Renderer
from faceplate.shot import load_shot
from faceplate_client import Engine, frame_path
from faceplate_resolve import menu
from faceplate_resolve.cli import main as command_line
from faceplate_resolve.clip import read_clip
from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host
from faceplate_resolve.memory import memory_of
from faceplate_resolve.panel import Answer
from faceplate_resolve.swap import batch, marked_items, next_version, swap_clip
from faceplate_resolve.talk import Console
from fake_resolve import Graph, World
from fake_resolve.ui import Bmd, Fusion
from movies import retimed
from plates import read_file
from resolve_scene import SIDE, CopyEngine, Scene, face_pictures, person, small_disk

QUICK = {"occlusion": 0.0, "grain": 0.0}
NULL = {"generator": "null", **QUICK}
"""The null generator gives the plate back, so that a frame that is out of step differs, and nothing else does."""
START = 86400


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return face_pictures(16)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return person(tmp_path_factory.mktemp("people") / "bea")


@pytest.fixture
def scene(tmp_path: Path, pictures: list[np.ndarray]) -> Scene:
    return Scene(tmp_path / "media", pictures)


@pytest.fixture
def answer(tmp_path: Path, source: Path) -> Callable[..., Answer]:
    def make(mode: str = "auto", handles: int = 0, swap: bool = False, space: str = "", **values: Any) -> Answer:
        """`swap`: really another face, tracked first."""
        values = {**(QUICK if swap else NULL), **values}
        return Answer(str(source), str(tmp_path / "results"), mode, handles, swap, space, values)

    return make


@pytest.fixture
def quick() -> Any:
    """For what happens in Resolve, whatever the engine makes."""
    return CopyEngine()


def host_of(scene: Scene) -> Host:
    return Host.of(scene.resolve)


def shot_of(item: Any) -> tuple[Path, dict[str, Any]]:
    memory = memory_of(item)
    assert memory is not None
    return Path(memory.shot), json.loads(Path(memory.shot).read_text())


def assert_equals_render(item: Any, finder: FaceFinder) -> None:
    """As `assert_equals_command_line`, by the call that the command line makes, in less time."""
    path, document = shot_of(item)
    renderer = Renderer(load_shot(path), finder)
    renderer.prepare()
    again = path.parent / "again.0001.exr"
    first, last = (int(part) for part in document["frames"].split("-"))
    for number in range(first, last + 1):
        rendered = renderer.render(number)
        written = Path(frame_path(document["output"], number))
        write_over(rendered.file, again, rendered.swapped.window, rendered.swapped.over, rendered.swapped.matte > 0, {})
        assert np.array_equal(read_file(written)[0], read_file(again)[0]), f"frame {number}"


def assert_equals_command_line(item: Any, tmp_path: Path) -> None:
    """The placed media's files hold the pixels that `faceplate render` makes of the shot file."""
    path, document = shot_of(item)
    assert Path(document["track"]).exists()
    pattern = tmp_path / "again" / "x.####.exr"
    with pytest.raises(SystemExit) as left:
        main.run(["render", str(path), "-o", str(pattern)])
    assert left.value.code == 0
    first, last = (int(part) for part in document["frames"].split("-"))
    for number in range(first, last + 1):
        own, _ = read_file(Path(frame_path(document["output"], number)))
        again, _ = read_file(pattern.with_name(f"x.{number:04d}.exr"))
        assert np.array_equal(own, again), f"frame {number}"
    shutil.rmtree(pattern.parent)


def assert_in_step(placed: Any, original: Any, swapped: bool = False) -> None:
    """At every record frame the result shows what the original shows: the same picture, or but for the face."""
    assert (placed._start, placed._end) == (original._start, original._end)
    for record in range(placed._start, placed._end):
        new = placed._media._pixels(placed._shows(record))
        old = original._media._pixels(original._shows(record))
        if swapped:
            assert np.abs(new - old).max() > 0.02, "no face was replaced"
            new, old = new[:24, :24], old[:24, :24]  # beyond the head and what moves with it
        above = SIDE * 2 // 3  # the slate of a preview without a release
        assert np.array_equal(new[:above], old[:above]), f"record frame {record}"


class TestOneClip:
    def test_on_its_own_media(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], tmp_path: Path
    ) -> None:
        media = scene.sequence("sh010", 14)
        original = scene.timeline._put(1, media, START + 100, 4, offset=Fraction(5), name="sh010")
        original._values["ZoomX"] = 1.25
        before = scene.state()
        placed: Any = swap_clip(host_of(scene), original, answer(handles=2, swap=True), engine, Console())
        name = "sh010.[1004-1011].exr"
        assert scene.track_list() == [
            ("Video 1", [("sh010", START + 100, START + 104)]),
            ("Face Swap", [(name, START + 100, START + 104)]),
        ]
        assert scene.pool._root._folders[0]._name == "Faceplate" and scene.pool._current is scene.pool._root
        assert [clip._name for clip in scene.pool._root._folders[0]._clips] == [name]
        assert (placed._offset, placed._values) == (2, {"ZoomX": 1.25})
        assert_in_step(placed, original, swapped=True)
        path, document = shot_of(placed)
        assert document["frames"] == "1004-1011" and document["mode"] == "over" and document["host"]["app"] == "resolve"
        assert document["takes"][0]["take"] == 1 and path.is_relative_to(tmp_path / "results" / "Episode_1")
        assert_equals_command_line(placed, tmp_path)
        assert scene.state()[4:8] == before[4:8], "nothing of the Deliver page was touched"
        assert (original._markers, original._takes, original._values) == ({}, [], {"ZoomX": 1.25})

    def test_a_movie_with_a_track_of_the_face(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], tmp_path: Path
    ) -> None:
        media = scene.movie("cam", 10)
        original = scene.timeline._put(1, media, START, 4, offset=Fraction(3))
        placed: Any = swap_clip(host_of(scene), original, answer(handles=1, swap=True), engine, Console())
        _, document = shot_of(placed)
        assert document["plate"] == str(scene.folder / "cam.mov") and document["frames"] == "2-7"
        assert Path(document["track"]).exists()
        assert placed._offset == 1
        for k in range(4):
            new, old = placed._media._pixels(k + 1)[:24, :24], original._media._pixels(k + 3)[:24, :24]
            assert np.abs(new - old).mean() < 0.005  # FFmpeg's own chroma is rougher at edges
            assert np.abs(new - original._media._pixels(k + 4)[:24, :24]).mean() > 2 * np.abs(new - old).mean()
        assert_equals_command_line(placed, tmp_path)

    def test_mixed_rates_stay_in_step(self, scene: Scene, quick: Any, answer: Callable[..., Answer]) -> None:
        media = scene.sequence("pal", 14, first=1, rate="25")
        original = scene.timeline._put(1, media, START, 8, offset=Fraction(0))
        placed: Any = swap_clip(host_of(scene), original, answer(), quick, Console())
        assert placed._media._properties["FPS"] == "25"
        assert placed._media._count == 9  # eight shown, one more so that rounding down gives eight
        assert_in_step(placed, original)

    def test_a_still_becomes_as_many_frames_as_it_is_long(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer]
    ) -> None:
        scene.sequence("still", 1)
        path = str(scene.folder / "still" / "still.1001.exr")
        media = scene._pooled("still.1001.exr", path, 1, "24", kind="Still")
        original = scene.timeline._put(1, media, START + 5, 6)
        placed: Any = swap_clip(host_of(scene), original, answer(), engine, Console())
        assert scene.track_list()[1] == ("Face Swap", [("still.[1001-1006].exr", START + 5, START + 11)])
        assert placed._media._count == 6
        first = placed._media._pixels(0)
        assert all(np.array_equal(placed._media._pixels(k), first) for k in range(6))

    def test_older_versions_count_the_last_frame_in(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer]
    ) -> None:
        scene.world.inclusive = True
        original = scene.timeline._put(1, scene.sequence("sh010", 8), START, 2, offset=Fraction(2))
        placed: Any = swap_clip(host_of(scene), original, answer(handles=1), quick, Console())
        assert_in_step(placed, original)


class TestRenderRange:
    @pytest.fixture
    def graded(self, scene: Scene) -> Any:
        item = scene.timeline._put(1, scene.sequence("sh010", 10), START + 10, 3, offset=Fraction(4), name="sh010")
        item._graph, item._gain = Graph(scene.world, [["Primary"], ["Curves"]]), 0.7
        scene.timeline._put(2, None, START, 50, name="Title")
        scene.timeline._marks = {"video": {"in": START + 1, "out": START + 40}}
        return item

    def test_a_graded_clip(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], graded: Any, tmp_path: Path
    ) -> None:
        before = scene.state()
        placed: Any = swap_clip(host_of(scene), graded, answer(space="ACEScg", swap=True), engine, Console())
        after = scene.state()
        first = START + 10
        name = f"sh010.[{first}-{first + 2}].exr"
        assert scene.track_list() == [
            ("Video 1", [("sh010", first, first + 3)]),
            ("Video 2", [("Title", START, START + 50)]),
            ("Face Swap", [(name, first, first + 3)]),
        ]
        assert after[4:8] == before[4:8], "render settings, presets, jobs and marks are as before"
        assert after[1][:2] == before[1]
        _, document = shot_of(placed)
        assert document["space"] == "ACEScg" and document["frames"] == f"{first}-{first + 2}"
        for k in range(3):
            new = placed._media._pixels(k)
            old = (scene.pictures[4 + k].astype(np.float16).astype(np.float32) * np.float32(0.7)).astype(np.float16)
            assert np.abs(new[:24, :24] - old[:24, :24]).max() < 2e-3  # the grade is in it, the title is not
            assert np.abs(new - old).max() > 0.02
        assert_equals_command_line(placed, tmp_path)

    @pytest.mark.parametrize("speed", [Fraction(2), Fraction(-1)])
    def test_a_retimed_clip_is_rendered_and_never_guessed(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer], speed: Fraction
    ) -> None:
        media = scene.sequence("fast", 16)
        item = scene.timeline._put(1, media, START, 4, offset=Fraction(9 if speed < 0 else 2), speed=speed)
        with pytest.raises(HostError, match=r"backwards|retimed"):
            swap_clip(host_of(scene), item, answer(mode="source"), quick, Console())
        placed: Any = swap_clip(host_of(scene), item, answer(space="ACEScg"), quick, Console())
        for record in range(START, START + 4):
            new, old = placed._media._pixels(placed._shows(record)), media._pixels(item._shows(record))
            assert np.abs(new[:24, :24] - old[:24, :24]).max() < 2e-3

    def test_a_compound_clip(self, scene: Scene, engine: Engine, answer: Callable[..., Answer]) -> None:
        inner = scene.timeline._put(1, scene.sequence("sh010", 6), START, 3, offset=Fraction(1))
        scene.timeline._tracks[0].items.clear()
        media = scene._pooled("Compound 1", "", 3, "24", kind="Compound")
        outer = scene.timeline._put(1, media, START, 3)
        outer._inside = inner
        placed: Any = swap_clip(host_of(scene), outer, answer(space="ACEScg"), engine, Console())
        assert scene.track_list()[0] == ("Video 1", [("Compound 1", START, START + 3)])
        assert_in_step(placed, inner)

    def test_one_frame_short_is_seen_in_the_files_and_undone(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer], graded: Any, tmp_path: Path
    ) -> None:
        scene.world.short_render = 1
        before = scene.state()
        with pytest.raises(
            HostError,
            match=r"While rendering the clip's range: Resolve rendered 2 frames instead of 3; it says: Complete",
        ):
            swap_clip(host_of(scene), graded, answer(space="ACEScg"), quick, Console())
        assert scene.state() == before
        assert not list((tmp_path / "results").rglob("*.exr"))

    def test_the_space_of_a_render_must_be_known(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer], graded: Any
    ) -> None:
        scene.project._settings["colorSpaceTimeline"] = "My Show Log"
        before = scene.state()
        with pytest.raises(HostError, match="Resolve renders in 'My Show Log': say which OCIO colour space"):
            swap_clip(host_of(scene), graded, answer(), quick, Console())
        assert scene.state() == before

    @pytest.mark.parametrize(
        "refused",
        ["Project.SaveAsNewRenderPreset", "Project.AddRenderJob", "Project.SetRenderSettings", "Project.StartRendering",
         "Project.SetCurrentRenderFormatAndCodec", "Project.SetCurrentRenderMode", "Timeline.SetTrackEnable"],
    )  # fmt: skip
    def test_whatever_resolve_refuses_all_is_as_before(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer], graded: Any, refused: str
    ) -> None:
        before = scene.state()
        scene.world.refuse = {refused}
        with pytest.raises(HostError, match="While rendering the clip's range") as caught:
            swap_clip(host_of(scene), graded, answer(space="ACEScg"), quick, Console())
        scene.world.refuse = set()
        # What could not be put back because Resolve refuses is said.
        if not caught.value.left:
            assert scene.state() == before
        else:
            assert caught.value.left == ["the render settings"] and "by hand" in str(caught.value)


class TestRefusals:
    def check(self, scene: Scene, item: Any, answer: Answer, engine: Engine, sentence: str) -> None:
        before = scene.state()
        with pytest.raises(HostError, match=sentence):
            swap_clip(host_of(scene), item, answer, engine, Console())
        assert scene.state() == before

    def test_a_title(self, scene: Scene, engine: Engine, answer: Callable[..., Answer]) -> None:
        title = scene.timeline._put(1, None, START, 10, name="Lower third")
        self.check(scene, title, answer(), engine, "'Lower third' cannot be swapped: it is a title")

    def test_offline_media(self, scene: Scene, engine: Engine, answer: Callable[..., Answer]) -> None:
        media = scene.sequence("gone", 4)
        shutil.rmtree(scene.folder / "gone")
        item = scene.timeline._put(1, media, START, 4)
        self.check(scene, item, answer(), engine, r"offline: .*gone\.1001\.exr is not there")

    def test_a_frame_in_the_middle_that_is_not_there(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], tmp_path: Path
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("hole", 6), START, 6)
        (scene.folder / "hole" / "hole.1003.exr").unlink()
        self.check(scene, item, answer(), engine, r"While replacing the face: .*hole\.1003\.exr does not exist")
        assert not list((tmp_path / "results").rglob("*.exr"))

    def test_a_final_without_a_release_of_the_person(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], tmp_path: Path
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 1), START, 1)
        self.check(scene, item, replace(answer(), purpose="final"), engine, "While .*: .*release")
        assert not list((tmp_path / "results").rglob("*.exr"))

    def test_a_movie_whose_rate_varies(self, scene: Scene, engine: Engine, answer: Callable[..., Answer]) -> None:
        media = scene.movie("phone", 6)
        path = scene.folder / "phone.mov"
        steady = path.rename(path.with_name("steady.mov"))
        retimed(steady, path, lambda n, time: time + (300 if n > 2 else 0))
        item = scene.timeline._put(1, media, START, 4)
        self.check(
            scene, item, answer(), engine, "frame rate varies, so that its frames cannot be counted; choose render"
        )

    def test_nobody_in_the_picture(self, scene: Scene, engine: Engine, answer: Callable[..., Answer]) -> None:
        scene.pictures = [np.full((SIDE, SIDE, 3), 0.2, np.float32)]
        item = scene.timeline._put(1, scene.sequence("empty", 1), START, 1)
        self.check(scene, item, answer(), engine, "While replacing the face")


class TestUndo:
    @pytest.mark.parametrize(
        ("refused", "step"),
        [
            ("MediaPool.ImportMedia", "importing the frames"),
            ("MediaPool.AddSubFolder", "importing the frames"),
            ("MediaPoolItem.SetClipProperty", "importing the frames"),
            ("Timeline.AddTrack", "placing the clip"),
            ("Timeline.SetTrackName", "placing the clip"),
            ("MediaPool.AppendToTimeline", "placing the clip"),
            ("TimelineItem.SetProperty", "placing the clip"),
            ("MediaPoolItem.AddMarker", "marking the clip"),
            ("TimelineItem.AddMarker", "marking the clip"),
            ("ProjectManager.SaveProject", "saving the project"),
        ],
    )
    def test_a_step_that_fails_is_named_and_those_before_it_are_undone(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer], refused: str, step: str, tmp_path: Path
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 4, rate="25"), START, 1, offset=Fraction(0))
        item._values["Pan"] = 12.0
        before = scene.state()
        scene.world.refuse = {refused}
        with pytest.raises(HostError) as caught:
            swap_clip(host_of(scene), item, answer(), quick, Console())
        assert str(caught.value).startswith(f"While {step}: ") and "finished frames stay in" in str(caught.value)
        assert scene.state() == before
        assert list((tmp_path / "results").rglob("v001/*.exr")), "what took long is not thrown away"

    def test_a_clip_that_is_gone_after_the_save(self, scene: Scene, quick: Any, answer: Callable[..., Answer]) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        scene.world.lose_on_save = 1
        before = scene.state()
        with pytest.raises(HostError, match="After saving, the new clip is not on the timeline any more"):
            swap_clip(host_of(scene), item, answer(), quick, Console())
        assert scene.state() == before

    def test_an_occupied_face_swap_track_is_passed_over(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer]
    ) -> None:
        """An append that overlaps would be dropped without a word."""
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        scene.timeline._put(2, None, START, 5, name="somebody's")
        scene.timeline._tracks[1].name = "Face Swap"
        swap_clip(host_of(scene), item, answer(), quick, Console())
        assert [name for name, _ in scene.track_list()] == ["Video 1", "Face Swap", "Face Swap 2"]
        assert scene.track_list()[2][1] == [("sh010.[1001-1001].exr", START, START + 1)]

    def test_stopped_by_the_person(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], tmp_path: Path
    ) -> None:
        class Stops(Console):
            def follow(self, ask: Any, cancel: Any, title: str) -> None:
                ask()
                cancel()
                raise HostError("cancelled", "it was stopped.")

        item = scene.timeline._put(1, scene.sequence("sh010", 12), START, 12)
        before = scene.state()
        with pytest.raises(HostError, match="While replacing the face: it was stopped") as caught:
            swap_clip(host_of(scene), item, answer(), engine, Stops())
        assert caught.value.code == "cancelled" and scene.state() == before
        assert not list((tmp_path / "results").rglob("*.json")) and not list((tmp_path / "results").rglob("*.exr"))
        assert engine.status()["jobs"]["running"] == 0 or engine.status()["jobs"]["waiting"] == 0

    def test_a_full_disk(self, scene: Scene, engine: Engine, answer: Callable[..., Answer], tmp_path: Path) -> None:
        """The third frame does not fit; nothing of the others is left, in Resolve or on the disk."""
        item = scene.timeline._put(1, scene.sequence("sh010", 6), START, 6)
        before, results = scene.state(), tmp_path / "results"
        with small_disk(results, "300k") as mounted:
            if not mounted:
                pytest.skip("may not mount a small disk here: NOT TESTED: a disk that fills up during a swap")
            with pytest.raises(HostError, match=r"While replacing the face: .*full") as caught:
                swap_clip(host_of(scene), item, answer(), engine, Console())
            assert caught.value.code == "disk-full" and "the folder of this swap" in caught.value.undone
            assert scene.state() == before and not [path for path in results.rglob("*") if path.is_file()]
            outcomes = batch(host_of(scene), [item, item], answer(), engine, Console())
            assert [outcome.done for outcome in outcomes] == [False], "the next one would fail as well"

    def test_a_folder_that_cannot_be_made(self, scene: Scene, quick: Any, answer: Callable[..., Answer]) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 2)
        before, asked = scene.state(), answer()
        asked = Answer(asked.source, str(scene.folder / "sh010" / "sh010.1001.exr"), "auto", 0, False, "", asked.values)
        with pytest.raises(HostError, match=r"While making the folder: .*sh010.1001.exr"):
            swap_clip(host_of(scene), item, asked, quick, Console())
        assert scene.state() == before


class TestVersions:
    def test_the_next_version_is_a_take(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], finder: FaceFinder
    ) -> None:
        original = scene.timeline._put(1, scene.sequence("sh010", 8), START, 2, offset=Fraction(2))
        host = host_of(scene)
        placed: Any = swap_clip(host, original, answer(handles=1, swap=True), engine, Console())
        first = placed._media
        # A later session knows nothing but the project.
        again = host_of(scene)
        assert next_version(again, placed, answer(swap=True, light_luminance=0.2), engine, Console()) == 2
        assert (placed._start, placed._end, placed._take) == (START, START + 2, 2)
        assert [take.media for take in placed._takes] == [first, placed._media]
        assert_in_step(placed, original, swapped=True)
        assert not np.array_equal(first._pixels(2), placed._media._pixels(2))
        _, document = shot_of(placed)
        assert [take["take"] for take in document["takes"]] == [1, 2]
        assert (
            document["parameters"] == {"light_luminance": 0.2, **QUICK}
            and json.loads(next(iter(placed._markers.values()))["customData"])["take"] == 2
        )
        assert_equals_render(placed, finder)
        assert next_version(again, placed, answer(), engine, Console()) == 3
        assert len(placed._takes) == 3 and len(scene.pool._root._folders[0]._clips) == 3

    @pytest.mark.parametrize("refused", ["TimelineItem.AddTake", "ProjectManager.SaveProject", "MediaPool.ImportMedia"])
    def test_a_version_that_fails_leaves_the_one_before(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer], refused: str
    ) -> None:
        original = scene.timeline._put(1, scene.sequence("sh010", 3), START, 1, offset=Fraction(1))
        host = host_of(scene)
        placed: Any = swap_clip(host, original, answer(), quick, Console())
        media, takes = placed._media, list(placed._takes)
        scene.world.refuse = {refused}
        with pytest.raises(HostError):
            next_version(host, placed, answer(light_luminance=0.2), quick, Console())
        assert (placed._media, placed._takes, placed._start, placed._end) == (media, takes, START, START + 1)
        assert len(scene.pool._root._folders[0]._clips) == 1

    def test_a_graded_clip_is_rendered_anew(self, scene: Scene, quick: Any, answer: Callable[..., Answer]) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 4), START, 1, offset=Fraction(1))
        item._graph, item._gain = Graph(scene.world, [["Primary"], []]), 0.7
        host = host_of(scene)
        placed: Any = swap_clip(host, item, answer(space="ACEScg"), quick, Console())
        item._gain = 0.35
        assert next_version(host, placed, answer(space="ACEScg"), quick, Console()) == 2
        wanted = scene.pictures[1][:24, :24] * 0.35
        assert np.abs(placed._media._pixels(0)[:24, :24] - wanted).max() < 2e-3

    def test_a_clip_of_somebody_else_has_no_versions(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        item.AddMarker(0, "Pink", "Faceplate", "", 1, "{}")
        with pytest.raises(HostError, match="not made by Faceplate"):
            next_version(host_of(scene), item, answer(), quick, Console())


class TestBatch:
    def test_five_marked_clips(
        self, scene: Scene, engine: Engine, answer: Callable[..., Answer], finder: FaceFinder
    ) -> None:
        """Five are done, each where it belongs; a sixth, offline, is told; the one that is not marked is left alone."""
        put, items = scene.timeline._put, []
        for index in range(5):
            media = scene.sequence(f"sh{index}", 6, first=100 * index + 1)
            items.append(put(1 + index % 2, media, START + 10 * index, 2, offset=Fraction(index)))
        gone = scene.sequence("gone", 2)
        shutil.rmtree(scene.folder / "gone")
        items.append(put(1, gone, START + 50, 2))
        put(1, scene.sequence("plain", 2), START + 60, 2)
        items[0].AddMarker(0, "Fuchsia", "", "", 1, "")
        items[1]._flags = ["Fuchsia"]
        items[2]._color = "Fuchsia"
        items[3].AddMarker(1, "Fuchsia", "", "", 1, "")
        items[4]._flags = ["Blue"]
        items[4]._color = "Fuchsia"
        items[5]._flags = ["Fuchsia", "Blue"]
        host = host_of(scene)
        marked: Any = marked_items(host, "Fuchsia")
        assert {item._name for item in marked} == {"sh0", "sh1", "sh2", "sh3", "sh4", "gone"}
        outcomes = batch(host, marked, answer(handles=0, swap=True), engine, Console())
        assert [(outcome.name, outcome.done) for outcome in outcomes] == [
            ("sh0", True), ("sh2", True), ("sh4", True), ("gone", False), ("sh1", True), ("sh3", True)
        ]  # fmt: skip
        assert "offline" in next(outcome.text for outcome in outcomes if not outcome.done)
        # sh1 and sh3 lie on track 2, the others on track 1: one track above both holds all of them.
        name, found = scene.track_list()[2]
        assert name == "Face Swap" and len(scene.track_list()) == 3
        assert sorted((start, end) for _, start, end in found) == [
            (START + 10 * i, START + 10 * i + 2) for i in range(5)
        ]
        for item in items[:5]:
            placed = next(p for p in scene.timeline._tracks[2].items if p._start == item._start)
            assert_in_step(placed, item, swapped=True)
        assert_equals_render(next(iter(scene.timeline._tracks[2].items)), finder)
        assert marked_items(host, "Fuchsia") == [items[5]], "what is done is not done again"


class TestMenu:
    seen: Any
    """The last dialog's widgets."""

    def person_of(self, source: Path, folder: Path, **changed: Any) -> Callable[[Any], None]:
        def acts(window: Any) -> None:
            items = window.GetItems()
            if "source" not in items:
                window.click("go")
                return
            self.seen = {name: items[name].__dict__ for name in items}
            items["source"].Text, items["folder"].Text = str(source), str(folder)
            items["occlusion"].Value = items["grain"].Value = 0.0
            items["generator"].Text = "null"
            items["track"].Checked = False
            items["handles"].Value = 0
            for name, value in changed.items():
                setattr(items[name], *value)
            window.click("go")

        return acts

    def names(self, scene: Scene, fusion: Fusion) -> dict[str, Any]:
        return {"resolve": scene.resolve, "fusion": fusion, "bmd": Bmd(fusion)}

    def test_studio_from_the_menu(
        self, scene: Scene, engine: Engine, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("HOME", str(tmp_path))
        scene.timeline._put(1, scene.sequence("sh010", 3), START, 2)
        scene.timeline._playhead = START + 1
        fusion = Fusion(scene.world, self.person_of(source, tmp_path / "results"))
        assert menu.run(self.names(scene, fusion), "swap", lambda: engine) == 0
        assert [name for name, _ in scene.track_list()] == ["Video 1", "Face Swap"]
        notes = [
            str(vars(item)["Text"])
            for item in fusion.windows[0].root.walk()
            if item.kind == "Label" and not hasattr(item, "ToolTip")
        ]
        assert notes[0].startswith("sh010: 01:00:00:00 to 01:00:00:01, 2 frames, on its own media")
        assert any("Colour: ACEScg" in note for note in notes)
        assert self.seen["matte_feather"]["Value"] == 0.045 and self.seen["blend"]["choices"][0] == "gradient"
        assert not any(window.shown for window in fusion.windows)
        told = next(vars(item)["Text"] for item in fusion.windows[-1].root.walk() if item.kind == "TextEdit")
        assert told.startswith("Done: sh010 on the video track 'Face Swap'.") and "carry a slate" in told
        # The playhead now lies on the result: its next version, with the person's last words remembered.
        fusion.person = self.person_of(source, tmp_path / "results", light_luminance=("Value", 0.3))
        assert menu.run(self.names(scene, fusion), "next", lambda: engine) == 0
        assert scene.timeline._tracks[1].items[0]._take == 2
        assert self.seen["source"]["Text"] == str(source)

    def test_cancelling_the_dialog_does_nothing(self, scene: Scene, engine: Engine) -> None:
        scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        before = scene.state()
        fusion = Fusion(scene.world, lambda window: window.click("cancel"))
        assert menu.run(self.names(scene, fusion), "swap", lambda: engine) == 0
        assert scene.state() == before

    def test_the_free_edition_never_meets_a_studio_only_call(
        self, scene: Scene, quick: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The UI manager would open a dialog behind which the project is not saved any more."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("HOME", str(tmp_path))
        scene.world.studio = False
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)

        class Plain(Console):
            def ask(self, panel: Any) -> Any:
                given = {field.name: field.value for field in panel.fields}
                return {
                    **given,
                    **NULL,
                    "source": str(source),
                    "folder": str(tmp_path / "r"),
                    "track": False,
                    "handles": 0,
                }

        monkeypatch.setattr(menu, "talk_for", lambda host: Plain())
        fusion = Fusion(scene.world, lambda window: None)
        assert menu.run(self.names(scene, fusion), "swap", lambda: quick) == 0
        assert not scene.world.blocked and not fusion.windows
        assert_in_step(scene.timeline._tracks[1].items[0], item)

    def test_behind_an_open_dialog_of_resolve_nothing_is_claimed(
        self, scene: Scene, quick: Any, answer: Callable[..., Answer]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        host = host_of(scene)
        scene.world.blocked = True
        with pytest.raises(HostError):
            swap_clip(host, item, answer(), quick, Console())

    def test_what_nobody_thought_of_is_undone_and_told_without_a_traceback_in_the_dialog(
        self, scene: Scene, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        before = scene.state()
        fusion = Fusion(scene.world, lambda window: window.click("go"))

        def broken() -> Any:
            raise ZeroDivisionError("by nought")

        assert menu.run(self.names(scene, fusion), "swap", broken) == 1
        told = next(vars(item)["Text"] for item in fusion.windows[-1].root.walk() if item.kind == "TextEdit")
        assert (
            told == "Something went wrong that should not (ZeroDivisionError: by nought); Resolve's console has more."
        )
        assert "Traceback" in capsys.readouterr().err and scene.state() == before

    @pytest.mark.parametrize("case", ["no project", "no timeline", "no clip", "outside"])
    def test_one_sentence_for_each_reason(
        self, scene: Scene, engine: Engine, case: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fusion = Fusion(scene.world, lambda window: window.click("go"))
        names = self.names(scene, fusion)
        if case == "no project":
            scene.resolve._manager._project = None
        if case == "no timeline":
            scene.project._timeline = None
        if case == "outside":
            names = {}
        assert menu.run(names, "swap", lambda: engine) == 1
        said = capsys.readouterr().out
        assert said.startswith("Faceplate: ") and said.count("\n") == 1


class TestCommandLine:
    def test_swap_next_and_batch(
        self, scene: Scene, quick: Any, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 3), START + 24, 2)
        item._flags = ["Cream"]

        def run(*words: str) -> int:
            return command_line(list(words), lambda: host_of(scene), lambda: quick)

        common = [
            "--folder",
            str(tmp_path / "r"),
            "--no-track",
            "--handles",
            "0",
            "--set",
            "occlusion=0",
            "--set",
            "grain=0",
        ]
        swap = ["swap", "--source", str(source), *common]
        assert run(*swap, "--at", "01:00:01:00") == 0
        assert run("next", *common, "--set", "blend=multiband") == 0
        assert scene.timeline._tracks[1].items[0]._take == 2
        assert run(*swap, "--set", "grain=9") == 2
        assert run(*swap, "--set", "nothing=1") == 2
        assert run("swap", *common) == 2  # nobody was chosen
        assert run(*swap, "--at", "01:00:01:77") == 2
        assert run("batch", "--source", str(source), *common, "--color", "Cream") == 1  # it is done already
        said = capsys.readouterr()
        assert "done: take 2" in said.out
        assert "Grain can be 0 to" in said.err and "No clip has a Cream marker" in said.err


def test_what_is_read_of_a_clip(scene: Scene) -> None:
    item = scene.timeline._put(2, scene.sequence("sh010", 10, rate="25"), START + 3, 4, offset=Fraction(5))
    clip = read_clip(host_of(scene), item)
    assert (clip.track, clip.start, clip.end, clip.files.first, clip.files.count) == (2, START + 3, START + 7, 1001, 10)
    assert clip.offset == 5 and clip.ratio == Fraction(25, 24)


def test_worlds_are_apart() -> None:
    assert World().calls == [] and World().new_id() == "id-1"
