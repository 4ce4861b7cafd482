"""One clip swapped through the fake Resolve with the real engine: timeline and pixels, frame by frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate_client import Engine, HostError
from faceplate_resolve.clip import read_clip
from faceplate_resolve.dialog import ELEMENT, TAKE, SwapRequest
from faceplate_resolve.interface import Console
from faceplate_resolve.swap import next_version, swap_clip
from faceplate_resolve.swap_record import record_of
from fake_resolve import ColorGroup, Graph, World
from placed_clips import QUICK, START, assert_equals_command_line, assert_in_step, host_of, shot_of
from plates import read_file
from resolve_scene import SIDE, Scene


class TestOneClip:
    def test_on_its_own_media(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
    ) -> None:
        media = scene.sequence("sh010", 14)
        original = scene.timeline._put(1, media, START + 100, 4, offset=Fraction(5), name="sh010")
        original._values["ZoomX"] = 1.25
        before = scene.state()
        placed: Any = swap_clip(host_of(scene), original, answer(handles=2, swap=True), engine, Console())
        name = "sh010 v001"
        assert scene.track_list() == [
            ("Video 1", [("sh010", START + 100, START + 104)]),
            ("Face Swap", [(name, START + 100, START + 104)]),
        ]
        assert scene.pool._root._folders[0]._name == "Faceplate" and scene.pool._current is scene.pool._root
        made = scene.pool._root._folders[0]._clips
        assert len(made) == 1 and re.fullmatch(r"sh010 v001 \d{4}-\d\d-\d\d \d\d:\d\d", made[0]._name)
        assert (placed._offset, placed._values) == (2, {"ZoomX": 1.25})
        assert_in_step(placed, original, swapped=True)
        path, document = shot_of(placed)
        assert document["frames"] == "1004-1011" and document["mode"] == "over" and document["host"]["app"] == "resolve"
        assert document["takes"][0]["take"] == 1 and path.is_relative_to(tmp_path / "results" / "Episode_1")
        assert_equals_command_line(placed, tmp_path)
        assert scene.state()[4:8] == before[4:8], "nothing of the Deliver page was touched"
        assert (original._markers, original._takes, original._values) == ({}, [], {"ZoomX": 1.25})

    def test_a_movie_with_a_track_of_the_face(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
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

    def test_mixed_rates_stay_in_step(self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]) -> None:
        media = scene.sequence("pal", 14, first=1, rate="25")
        original = scene.timeline._put(1, media, START, 8, offset=Fraction(0))
        placed: Any = swap_clip(host_of(scene), original, answer(), quick, Console())
        assert placed._media._properties["FPS"] == "25"
        assert placed._media._count == 9  # eight shown, one more so that rounding down gives eight
        assert_in_step(placed, original)

    def test_a_still_becomes_as_many_frames_as_it_is_long(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]
    ) -> None:
        scene.sequence("still", 1)
        path = str(scene.folder / "still" / "still.1001.exr")
        media = scene._pooled("still.1001.exr", path, 1, "24", kind="Still")
        original = scene.timeline._put(1, media, START + 5, 6)
        placed: Any = swap_clip(host_of(scene), original, answer(), engine, Console())
        assert scene.track_list()[1] == ("Face Swap", [("still v001", START + 5, START + 11)])
        assert placed._media._count == 6
        first = placed._media._pixels(0)
        assert all(np.array_equal(placed._media._pixels(k), first) for k in range(6))

    def test_older_versions_count_the_last_frame_in(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        scene.world.inclusive = True
        original = scene.timeline._put(1, scene.sequence("sh010", 8), START, 2, offset=Fraction(2))
        placed: Any = swap_clip(host_of(scene), original, answer(handles=1), quick, Console())
        assert_in_step(placed, original)


class TestWhereTheResultGoes:
    def test_the_element_alone_on_a_track_above(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]
    ) -> None:
        """Premultiplied RGBA of the plate's size; laid over the clip it is the swapped picture."""
        original = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        original._gain = 0.7
        request = replace(answer(), result=ELEMENT, values={**QUICK})
        placed: Any = swap_clip(host_of(scene), original, request, engine, Console())
        path, document = shot_of(placed)
        assert document["mode"] == "element" and document["parameters"]["window"] == "plate"
        assert placed._media._properties["Alpha mode"] == "Premultiplied" and placed._gain == 0.7
        pixels, spec = read_file(path.parent / "v001" / "sh010.1001.exr")
        assert (spec.width, spec.height) == (SIDE, SIDE) and list(spec.channelnames[:4]) == ["R", "G", "B", "A"]
        alpha = pixels[..., 3]
        assert alpha.max() == 1.0 and (alpha == 0).mean() > 0.3
        assert record_of(placed) is not None

    def test_a_take_of_the_clip_below_its_grade(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        original = scene.timeline._put(1, scene.sequence("sh010", 8), START, 2, offset=Fraction(2))
        original._gain, media = 0.7, original._media
        request = replace(answer(handles=1), result=TAKE)
        host = host_of(scene)
        placed: Any = swap_clip(host, original, request, quick, Console())
        assert placed is original and [name for name, _ in scene.track_list()] == ["Video 1"]
        assert [take.media for take in original._takes] == [media, original._media] and original._take == 2
        assert original._gain == 0.7 and re.match(r"sh010 v001 \d{4}", original._media._name)
        for record in (START, START + 1):
            k = record - START
            assert np.array_equal(original._media._pixels(original._shows(record)), media._pixels(2 + k))
        assert next_version(host, original, replace(request, values={"grain": 0.5}), quick, Console()) == 3
        original.SelectTakeByIndex(1)
        with pytest.raises(HostError, match="select the latest take"):
            next_version(host, original, request, quick, Console())

    def test_a_take_that_fails_leaves_the_clip_as_it_was(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        original = scene.timeline._put(1, scene.sequence("sh010", 4), START, 2, offset=Fraction(1))
        before = scene.state()
        scene.world.refuse = {"ProjectManager.SaveProject"}
        with pytest.raises(HostError, match="While saving the project"):
            swap_clip(host_of(scene), original, replace(answer(), result=TAKE), quick, Console())
        assert scene.state() == before

    def test_a_rendered_range_cannot_be_a_take_of_itself(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("fast", 16), START, 4, offset=Fraction(2), speed=Fraction(2))
        with pytest.raises(HostError, match="cannot be a take of itself: choose over the plate"):
            swap_clip(host_of(scene), item, replace(answer(space="ACEScg"), result=TAKE), quick, Console())


class TestRenderRange:
    @pytest.fixture
    def graded(self, scene: Scene) -> Any:
        item = scene.timeline._put(1, scene.sequence("sh010", 10), START + 10, 3, offset=Fraction(4), name="sh010")
        item._graph, item._gain = Graph(scene.world, [["Primary"], ["Curves"]]), 0.7
        scene.timeline._put(2, None, START, 50, name="Title")
        scene.timeline._marks = {"video": {"in": START + 1, "out": START + 40}}
        return item

    def test_a_graded_clip(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], graded: Any, tmp_path: Path
    ) -> None:
        before = scene.state()
        asked = replace(answer("render", space="ACEScg", swap=True), burn_grade=True)
        placed: Any = swap_clip(host_of(scene), graded, asked, engine, Console())
        after = scene.state()
        first = START + 10
        name = "sh010 v001"
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
        assert placed._gain == 1.0, "the grade is in the pictures: a second one would be too many"
        assert_equals_command_line(placed, tmp_path)

    def test_a_render_has_no_grade_unless_asked_and_the_result_gets_it(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], graded: Any
    ) -> None:
        """A version of the clip's own without a grade is rendered, and gone afterwards; groups too."""
        graded._group = group = ColorGroup(scene.world)
        before = scene.state()[8][0]
        placed: Any = swap_clip(host_of(scene), graded, answer("render", space="ACEScg"), quick, Console())
        for k in range(3):
            plain = scene.pictures[4 + k].astype(np.float16)
            assert np.abs(placed._media._pixels(k)[:24, :24] - plain[:24, :24]).max() < 2e-3
        assert scene.state()[8][0] == before
        assert (placed._gain, placed._graph._nodes, placed._group) == (0.7, [["Primary"], ["Curves"]], group)

    def test_a_graded_clip_is_swapped_on_its_own_media_below_the_grade(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], graded: Any
    ) -> None:
        interface = Console()
        placed: Any = swap_clip(host_of(scene), graded, answer(), quick, interface)
        _, document = shot_of(placed)
        assert document["plate"].startswith(str(scene.folder)) and placed._gain == 0.7 and interface.notes == []
        assert_in_step(placed, graded)
        scene.world.refuse = {"TimelineItem.CopyGrades"}
        swap_clip(host_of(scene), graded, answer(), quick, interface)
        assert interface.notes == ["Resolve did not copy the clip's grade to the result: copy it on the Color page."]

    @pytest.mark.parametrize("speed", [Fraction(2), Fraction(-1)])
    def test_a_retimed_clip_is_rendered_and_never_guessed(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], speed: Fraction
    ) -> None:
        media = scene.sequence("fast", 16)
        item = scene.timeline._put(1, media, START, 4, offset=Fraction(9 if speed < 0 else 2), speed=speed)
        with pytest.raises(HostError, match=r"backwards|retimed"):
            swap_clip(host_of(scene), item, answer(mode="source"), quick, Console())
        placed: Any = swap_clip(host_of(scene), item, answer(space="ACEScg"), quick, Console())
        for record in range(START, START + 4):
            new, old = placed._media._pixels(placed._shows(record)), media._pixels(item._shows(record))
            assert np.abs(new[:24, :24] - old[:24, :24]).max() < 2e-3

    def test_a_compound_clip(self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]) -> None:
        inner = scene.timeline._put(1, scene.sequence("sh010", 6), START, 3, offset=Fraction(1))
        scene.timeline._tracks[0].items.clear()
        media = scene._pooled("Compound 1", "", 3, "24", kind="Compound")
        outer = scene.timeline._put(1, media, START, 3)
        outer._inside = inner
        placed: Any = swap_clip(host_of(scene), outer, answer(space="ACEScg"), engine, Console())
        assert scene.track_list()[0] == ("Video 1", [("Compound 1", START, START + 3)])
        assert_in_step(placed, inner)

    def test_one_frame_short_is_seen_in_the_files_and_undone(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], graded: Any, tmp_path: Path
    ) -> None:
        scene.world.short_render = 1
        before = scene.state()
        with pytest.raises(
            HostError,
            match=r"While rendering the clip's range: Resolve rendered 2 frames instead of 3; it says: Complete",
        ):
            swap_clip(host_of(scene), graded, answer("render", space="ACEScg"), quick, Console())
        assert scene.state() == before
        assert not list((tmp_path / "results").rglob("*.exr"))

    def test_the_space_of_a_render_must_be_known(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], graded: Any
    ) -> None:
        scene.project._settings["colorSpaceTimeline"] = "My Show Log"
        before = scene.state()
        with pytest.raises(HostError, match="Resolve renders in 'My Show Log': say which OCIO colour space"):
            swap_clip(host_of(scene), graded, answer("render"), quick, Console())
        assert scene.state() == before

    @pytest.mark.parametrize(
        "refused",
        ["Project.SaveAsNewRenderPreset", "Project.AddRenderJob", "Project.SetRenderSettings", "Project.StartRendering",
         "Project.SetCurrentRenderFormatAndCodec", "Project.SetCurrentRenderMode", "Timeline.SetTrackEnable",
         "TimelineItem.AddVersion", "Graph.ResetAllGrades"],
    )  # fmt: skip
    def test_whatever_resolve_refuses_all_is_as_before(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], graded: Any, refused: str
    ) -> None:
        before = scene.state()
        scene.world.refuse = {refused}
        with pytest.raises(HostError, match="While rendering the clip's range") as caught:
            swap_clip(host_of(scene), graded, answer("render", space="ACEScg"), quick, Console())
        scene.world.refuse = set()
        # What could not be put back because Resolve refuses is said.
        if not caught.value.left:
            assert scene.state() == before
        else:
            assert caught.value.left == ["the render settings"] and "by hand" in str(caught.value)


def test_what_is_read_of_a_clip(scene: Scene) -> None:
    item = scene.timeline._put(2, scene.sequence("sh010", 10, rate="25"), START + 3, 4, offset=Fraction(5))
    clip = read_clip(host_of(scene), item)
    assert (clip.track, clip.start, clip.end, clip.files.first, clip.files.count) == (2, START + 3, START + 7, 1001, 10)
    assert clip.offset == 5 and clip.ratio == Fraction(25, 24)


def test_worlds_are_apart() -> None:
    assert World().calls == [] and World().new_id() == "id-1"
