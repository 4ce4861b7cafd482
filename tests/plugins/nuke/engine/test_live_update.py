"""Auto-update with the real engine: debounced, latest first, half size before full, and what it follows."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_nuke import nuke
from fake_nuke.pixels import picture
from nuke_stage import SIZE, Stage
from plates import read_file


class Requests:
    """What the adapter asks the engine to render, in order."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[int, int]] = []
        client = stage.adapter("engine_client").EngineClient
        whole = client.render

        def render(engine: Any, request: Any, progress: Any = None) -> Any:
            assert threading.current_thread() is not stage.session.main, "the window would stand still"
            self.asked.append((request.frames[0].frame, request.proxy))
            return whole(engine, request, progress)

        monkeypatch.setattr(client, "render", render)


@pytest.fixture
def node(stage: Stage) -> Any:
    node = stage.faceswap()
    node["auto_update"].setValue(True)
    stage.settle()
    return node


def states(stage: Stage, node: Any, frame: int) -> int:
    return int(node["frame_state"].getValueAt(frame))


def test_a_half_size_picture_comes_first_and_then_the_full_one(
    stage: Stage, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = stage.adapter("live_update")
    monkeypatch.setattr(live, "QUICK", 0.0)  # as on a large plate
    requests, seen = Requests(stage, monkeypatch), []
    shown = live._show_half

    def look(shot: str, wanted: Any) -> None:
        shown(shot, wanted)
        seen.append((states(stage, node, 1001), picture(node, 1001).channels["rgba.red"].copy()))

    monkeypatch.setattr(live, "_show_half", look)
    node["matte_erode"].setValue(0.1)
    stage.settle()
    assert requests.asked == [(1001, 2), (1001, 1)]
    state, half = seen[0]
    assert state == 3 and half.shape == (SIZE, SIZE) and stage.session.drawn[-1].startswith("HALF SIZE")
    full = picture(node, 1001).channels["rgba.red"]
    assert states(stage, node, 1001) == 0 and not np.array_equal(half, full)
    changed = np.abs(half - full)[: SIZE - 24]  # without the line of text
    assert changed.mean() < 0.02, "the half-size picture lies where the full one does"


def test_no_half_size_picture_where_the_full_one_is_quick(
    stage: Stage, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.adapter("live_update"), "QUICK", 60.0)
    requests = Requests(stage, monkeypatch)
    node["matte_erode"].setValue(0.05)
    stage.settle()
    assert [proxy for _, proxy in requests.asked][-1] == 1 and len(requests.asked) == 1


def test_it_follows_the_viewers_frame(stage: Stage, node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drag over four frames asks for the last one alone; going back asks for nothing."""
    requests = Requests(stage, monkeypatch)
    for frame in (1002, 1003, 1004):
        nuke.frame(frame)
        stage.session.pump()
    stage.settle()
    assert {frame for frame, _ in requests.asked} == {1004} and states(stage, node, 1004) == 0
    count = len(requests.asked)
    nuke.frame(1001)
    node.redraw()
    stage.settle()
    assert len(requests.asked) == count and node["status"].value() == "1001,1004"


def test_it_follows_nodes_upstream_and_renders_the_inner_write(stage: Stage, node: Any) -> None:
    grade = nuke.nodes.Grade(inputs=[stage.read], white=1.2)
    node.setInput(0, grade)
    stage.settle()
    first = read_file(Path(node["frames"].value().replace("####", "1001")))[0]
    grade["white"].setValue(1.6)
    node.redraw()  # what Nuke does when it has drawn
    stage.settle()
    assert stage.session.said == [] and node["status"].value() == "1001"
    assert not np.array_equal(first, read_file(Path(node["frames"].value().replace("####", "1001")))[0])


def test_an_error_is_shown_on_the_node_and_not_tried_again_and_again(
    stage: Stage, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Requests(stage, monkeypatch)
    node["source"].setValue(str(stage.folder / "nobody"))
    stage.settle()
    for _ in range(3):
        node.redraw()
        stage.settle()
    assert 1 <= len(requests.asked) <= 2 and stage.session.said == []
    assert "nobody" in node["notes"].value() and states(stage, node, 1001) != 0


def test_the_pulldowns_are_filled_when_a_frame_was_rendered(stage: Stage) -> None:
    node = stage.faceswap()
    stage.press(node, "render_frame")
    assert stage.session.said == [] and "yunet" in node["detector"].values()
    assert node["target"].values() == ["auto", "largest", "leftmost", "rightmost", "p1"]
    stage.press(node, "check_engine")
    assert "CPUExecutionProvider" in node["engine_state"].value()


def test_a_button_takes_the_place_of_a_live_render(stage: Stage, node: Any) -> None:
    node["matte_erode"].setValue(0.2)
    stage.settle(until=lambda: stage.adapter("actions").TASKS.busy(node["shot_id"].value()))
    stage.press(node, "render_frame")
    assert stage.session.said == [] and node["status"].value() == "1001"
