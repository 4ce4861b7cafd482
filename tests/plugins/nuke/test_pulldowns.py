"""Target and networks are pulldowns that the engine fills, and one node swaps several faces."""

from __future__ import annotations

from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faceplate.shot.document import ShotDocument
from faceplate_client import CHOSEN, choices_of
from fake_nuke import nuke
from nuke_stage import Stage

MODELS = [
    {"name": "ghost_256", "role": "swap", "licence": "Apache-2.0", "commercial": True, "present": True},
    {"name": "simswap_256", "role": "swap", "licence": "CC-BY-NC-4.0", "commercial": False, "present": True},
    {"name": "uniface_256", "role": "swap", "licence": "unknown", "commercial": False, "present": False},
    {"name": "gfpgan", "role": "restore", "licence": "Apache-2.0", "commercial": True, "present": True},
]
INFO = {
    "people": [
        {"id": "a", "name": "Ada", "number": 1, "first": 1001, "last": 1006, "frames": 6},
        {"id": "b", "name": "", "number": 2, "first": 1003, "last": 1004, "frames": 2},
    ]
}


@pytest.fixture
def offered() -> dict[str, Any]:
    return {name: choices_of(name, MODELS, INFO) for name in CHOSEN}


def test_the_engine_fills_the_lists_and_what_is_chosen_stays(stage: Stage, offered: dict[str, Any]) -> None:
    node = stage.faceswap()
    fill, choose = stage.adapter("pulldowns").fill, stage.adapter("pulldowns").choose
    choose(node["target"], "1001:20,30")
    steps = len(stage.session.undo_steps)
    fill(node, offered)
    assert node["generator"].values() == ["mesh", "null", "ghost_256", "simswap_256"], "a missing file is not offered"
    assert node["restorer"].values() == ["default", "gfpgan"]
    assert node["target"].values() == ["auto", "largest", "leftmost", "rightmost", "Ada", "2", "1001:20,30"]
    assert node["target"].value() == "1001:20,30" and node["generator"].value() == "mesh"
    assert len(stage.session.undo_steps) == steps
    assert "simswap_256</b>: CC-BY-NC-4.0, NOT for commercial use" in node["generator"].tooltip()
    assert "person 2, frames 1003-1004, seen in 2" in node["face2_target"].tooltip()


def test_people_have_pictures_in_the_tooltip(stage: Stage, tmp_path: Path) -> None:
    node = stage.faceswap()
    picture = str(tmp_path / "people & more" / "a.png")
    stage.adapter("pulldowns").fill(node, {"target": choices_of("target", MODELS, INFO, {"a": picture})})
    shown = f'<img src="{escape(picture)}" height="64"> <b>Ada</b>: person 1'
    assert shown in node["target"].tooltip() and "&amp; more" in shown
    assert node["target"].tooltip().count("<img") == 1, "the other person has none"


def test_pictures_are_asked_for_once(stage: Stage) -> None:
    asked: list[str] = []

    class Engine:
        def people_pictures(self, shot: Any, folder: str) -> dict[str, str]:
            asked.append(folder)
            return {"a": "a.png"}

    client = stage.adapter("engine_client").EngineClient()
    shot = SimpleNamespace(info=INFO)
    for _ in range(2):
        assert client._pictures(Engine(), shot, "/f") == {"a": "a.png"}
    assert client._pictures(Engine(), SimpleNamespace(info={"people": []}), "/f") == {} and len(asked) == 1


def test_a_saved_choice_comes_back(stage: Stage, offered: dict[str, Any]) -> None:
    node = stage.faceswap()
    stage.adapter("pulldowns").fill(node, offered)
    node["generator"].setValue("ghost_256")
    stage.save()
    nuke.scriptOpen(str(stage.script))
    assert nuke.toNode("FaceSwap1")["generator"].value() == "ghost_256"


def test_default_is_the_empty_value_for_the_engine(stage: Stage) -> None:
    state = stage.adapter("node_state").read_state(stage.faceswap(), [1001])
    assert state.structure["detector"] == "" and state.structure["target"] == "auto"


def test_lists_that_change_make_no_frame_stale(stage: Stage, offered: dict[str, Any]) -> None:
    node = stage.faceswap()
    name = stage.adapter("frame_status").knobs_name
    before = name(node)
    stage.adapter("pulldowns").fill(node, offered)
    assert name(node) == before
    node["generator"].setValue("ghost_256")
    assert name(node) != before


def test_several_faces_in_one_node(stage: Stage, offered: dict[str, Any]) -> None:
    node = stage.faceswap(source="/people/bea")
    faces = stage.adapter("node_state").read_state
    assert faces(node, [1001]).faces == ()
    stage.adapter("pulldowns").fill(node, offered)
    node["target"].setValue("Ada")
    before = stage.adapter("frame_status").knobs_name(node)
    node["face2_source"].setValue("/people/cal")
    node["face2_target"].setValue("2")
    assert faces(node, [1001]).faces == (
        {"name": "face 1", "source": "/people/bea", "parameters": {"target": "Ada"}},
        {"name": "face 2", "source": "/people/cal", "parameters": {"target": "2"}},
    )
    assert stage.adapter("frame_status").knobs_name(node) != before
    document = stage.adapter("shot_state").engine_document(faces(node, [1001]))
    read = ShotDocument.model_validate({**document, "frames": "1001"}, strict=False)
    assert [face.name for face in read.faces or ()] == ["face 1", "face 2"], "the engine reads what the node sends"


def test_faces_of_a_shot_file_come_before_those_of_the_tab(stage: Stage) -> None:
    shot = stage.folder / "two.shot.json"
    shot.write_text('{"faces": [{"name": "Ada", "source": "/people/bea"}]}')
    node = stage.faceswap(faces_file=str(shot), face2_source="/people/cal")
    assert [face["name"] for face in stage.adapter("node_state").read_state(node, [1001]).faces] == ["Ada", "face 2"]
