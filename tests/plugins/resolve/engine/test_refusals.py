"""Clips that cannot be swapped, and what a failure leaves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate_client import Engine, HostError
from faceplate_resolve.batch import batch
from faceplate_resolve.dialog import SwapRequest
from faceplate_resolve.interface import Console
from faceplate_resolve.swap import swap_clip
from movies import retimed
from placed_clips import START, host_of
from resolve_scene import SIDE, Scene, small_disk


class TestRefusals:
    def check(self, scene: Scene, item: Any, answer: SwapRequest, engine: Engine, sentence: str) -> None:
        before = scene.state()
        with pytest.raises(HostError, match=sentence):
            swap_clip(host_of(scene), item, answer, engine, Console())
        assert scene.state() == before

    def test_a_title(self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]) -> None:
        title = scene.timeline._put(1, None, START, 10, name="Lower third")
        self.check(scene, title, answer(), engine, "'Lower third' cannot be swapped: it is a title")

    def test_offline_media(self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]) -> None:
        media = scene.sequence("gone", 4)
        shutil.rmtree(scene.folder / "gone")
        item = scene.timeline._put(1, media, START, 4)
        self.check(scene, item, answer(), engine, r"offline: .*gone\.1001\.exr is not there")

    def test_a_frame_in_the_middle_that_is_not_there(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("hole", 6), START, 6)
        (scene.folder / "hole" / "hole.1003.exr").unlink()
        self.check(scene, item, answer(), engine, r"While replacing the face: .*hole\.1003\.exr does not exist")
        assert not list((tmp_path / "results").rglob("*.exr"))

    def test_a_final_without_a_release_of_the_person(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 1), START, 1)
        self.check(scene, item, replace(answer(), purpose="final"), engine, "While .*: .*release")
        assert not list((tmp_path / "results").rglob("*.exr"))

    def test_a_movie_whose_rate_varies(self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]) -> None:
        media = scene.movie("phone", 6)
        path = scene.folder / "phone.mov"
        steady = path.rename(path.with_name("steady.mov"))
        retimed(steady, path, lambda n, time: time + (300 if n > 2 else 0))
        item = scene.timeline._put(1, media, START, 4)
        self.check(
            scene, item, answer(), engine, "frame rate varies, so that its frames cannot be counted; choose render"
        )

    def test_nobody_in_the_picture(self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest]) -> None:
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
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], refused: str, step: str, tmp_path: Path
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

    def test_a_clip_that_is_gone_after_the_save(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        scene.world.lose_on_save = 1
        before = scene.state()
        with pytest.raises(HostError, match="After saving, the new clip is not on the timeline any more"):
            swap_clip(host_of(scene), item, answer(), quick, Console())
        assert scene.state() == before

    def test_an_occupied_face_swap_track_is_passed_over(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        """An append that overlaps would be dropped without a word."""
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        scene.timeline._put(2, None, START, 5, name="somebody's")
        scene.timeline._tracks[1].name = "Face Swap"
        swap_clip(host_of(scene), item, answer(), quick, Console())
        assert [name for name, _ in scene.track_list()] == ["Video 1", "Face Swap", "Face Swap 2"]
        assert scene.track_list()[2][1] == [("sh010 v001", START, START + 1)]

    def test_stopped_by_the_person(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
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

    def test_a_full_disk(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], tmp_path: Path
    ) -> None:
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

    def test_a_folder_that_cannot_be_made(self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 2)
        before, asked = scene.state(), answer()
        asked = SwapRequest(
            asked.source, str(scene.folder / "sh010" / "sh010.1001.exr"), "auto", 0, False, "", asked.values
        )
        with pytest.raises(HostError, match=r"While making the folder: .*sh010.1001.exr"):
            swap_clip(host_of(scene), item, asked, quick, Console())
        assert scene.state() == before
