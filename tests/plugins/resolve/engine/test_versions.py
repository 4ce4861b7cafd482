"""Further versions of a result, and batches of marked clips."""

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

from faceplate.face import FaceFinder
from faceplate.plate import write_over
from faceplate.render import Renderer
from faceplate.shot import load_shot
from faceplate_client import Engine, HostError, frame_path
from faceplate_resolve.batch import batch, marked_items
from faceplate_resolve.dialog import SwapRequest
from faceplate_resolve.interface import Console
from faceplate_resolve.swap import next_version, swap_clip
from fake_resolve import Graph
from placed_clips import QUICK, START, assert_in_step, host_of, shot_of
from plates import read_file
from resolve_scene import Scene


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
        write_over(rendered.file, again, rendered.result.window, rendered.result.over, rendered.result.matte > 0, {})
        assert np.array_equal(read_file(written)[0], read_file(again)[0]), f"frame {number}"


class TestVersions:
    def test_the_next_version_is_a_take(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], finder: FaceFinder
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
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest], refused: str
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

    def test_a_graded_clip_is_rendered_anew(self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 4), START, 1, offset=Fraction(1))
        item._graph, item._gain = Graph(scene.world, [["Primary"], []]), 0.7
        host = host_of(scene)
        asked = replace(answer("render", space="ACEScg"), burn_grade=True)
        placed: Any = swap_clip(host, item, asked, quick, Console())
        item._gain = 0.35
        assert next_version(host, placed, asked, quick, Console()) == 2
        wanted = scene.pictures[1][:24, :24] * 0.35
        assert np.abs(placed._media._pixels(0)[:24, :24] - wanted).max() < 2e-3

    def test_a_clip_of_somebody_else_has_no_versions(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        item.AddMarker(0, "Pink", "Faceplate", "", 1, "{}")
        with pytest.raises(HostError, match="not made by Faceplate"):
            next_version(host_of(scene), item, answer(), quick, Console())


class TestBatch:
    def test_five_marked_clips(
        self, scene: Scene, engine: Engine, answer: Callable[..., SwapRequest], finder: FaceFinder
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
