"""Auto-update without an engine: what is asked for, in which order, and what is cancelled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from faceplate_client import HostError
from fake_nuke import nuke
from nuke_stage import Stage


class SlowEngine:
    """In the place of the engine: a render lasts until it is let go, or until its progress says that nobody wants it."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[tuple[str, int, int]] = []
        self.held = True
        client = stage.adapter("engine_client").EngineClient
        monkeypatch.setattr(client, "render", staticmethod(self.render))
        monkeypatch.setattr(client, "notices", staticmethod(lambda request: ("", "")))
        monkeypatch.setattr(client, "choices", staticmethod(lambda request: {}))

    def render(self, request: Any, progress: Any) -> dict[int, Any]:
        frame = request.frames[0].frame
        self.log.append(("begins", frame, request.proxy))
        while self.held:
            if not progress(0, 1):
                self.log.append(("cancelled", frame, request.proxy))
                raise HostError("cancelled", "Cancelled.")
            time.sleep(0.005)
        Path(request.frames[0].path).parent.mkdir(parents=True, exist_ok=True)
        Path(request.frames[0].path).touch()
        self.log.append(("done", frame, request.proxy))
        return {}

    def count(self, what: str) -> int:
        return sum(entry[0] == what for entry in self.log)


@pytest.fixture
def node(stage: Stage) -> Any:
    for frame in range(1001, 1007):
        Path(stage.plate.replace("####", str(frame))).touch()
    return stage.faceswap()


@pytest.fixture
def slow(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> SlowEngine:
    return SlowEngine(stage, monkeypatch)


def test_quick_changes_are_one_request(stage: Stage, node: Any, slow: SlowEngine) -> None:
    slow.held = False
    node["auto_update"].setValue(True)
    for step in range(8):
        node["matte_erode"].setValue(step / 20)
        stage.session.pump()
    stage.settle()
    assert slow.log == [("begins", 1001, 2), ("done", 1001, 2), ("begins", 1001, 1), ("done", 1001, 1)]


def test_a_render_that_is_overtaken_is_cancelled_and_the_latest_comes_next(
    stage: Stage, node: Any, slow: SlowEngine
) -> None:
    node["auto_update"].setValue(True)
    stage.settle(until=lambda: slow.count("begins") == 1)
    for frame in (1002, 1003, 1004):
        nuke.frame(frame)
    stage.settle(until=lambda: slow.count("begins") == 2)
    slow.held = False
    stage.settle()
    assert [entry[:2] for entry in slow.log[:3]] == [("begins", 1001), ("cancelled", 1001), ("begins", 1004)]
    assert {entry[1] for entry in slow.log[2:]} == {1004} and slow.log[-1] == ("done", 1004, 1)
    assert stage.session.said == [] and stage.session.tasks == [], "nobody asked, so no window and no message"


def test_a_task_of_the_user_goes_on_and_the_picture_comes_after_it(stage: Stage, node: Any, slow: SlowEngine) -> None:
    node["range_first"].setValue(1001)
    node["range_last"].setValue(1001)
    node["render_range"].execute()
    stage.settle(until=lambda: slow.count("begins") == 1)
    node["auto_update"].setValue(True)
    nuke.frame(1005)
    time.sleep(0.2)
    stage.session.pump()
    assert slow.log == [("begins", 1001, 1)], "a range is not cancelled by a picture that nobody pressed for"
    slow.held = False
    stage.settle()
    assert ("done", 1001, 1) in slow.log and slow.log[-1] == ("done", 1005, 1)


def test_a_frame_that_is_there_asks_for_nothing(stage: Stage, node: Any, slow: SlowEngine) -> None:
    slow.held = False
    node["auto_update"].setValue(True)
    stage.settle()
    before = len(slow.log)
    nuke.frame(1002)
    stage.settle()
    nuke.frame(1001)
    node.redraw()
    stage.settle()
    assert {entry[1] for entry in slow.log[before:]} == {1002}


def test_a_node_that_is_off_or_disabled_asks_for_nothing(stage: Stage, node: Any, slow: SlowEngine) -> None:
    node["matte_erode"].setValue(0.1)
    stage.settle()
    node["disable"].setValue(True)
    node["auto_update"].setValue(True)
    stage.settle()
    assert slow.log == []


def test_a_node_that_is_deleted_while_a_picture_is_pending_is_forgotten(
    stage: Stage, node: Any, slow: SlowEngine
) -> None:
    node["auto_update"].setValue(True)
    nuke.delete(node)
    stage.settle()
    assert slow.log == [] and stage.session.said == []
