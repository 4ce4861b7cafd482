"""Which file a Read shows, and a node's state as a shot document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fake_nuke
from adapter_modules import adapter_module
from faceplate_client import HostError
from fake_nuke import nuke
from nuke_stage import Stage


@pytest.fixture(scope="module")
def holes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("holes")
    for frame in (5, 6, 8, 9, 12):
        (folder / f"p.{frame:04d}.exr").touch()
    return folder


@settings(max_examples=150, deadline=None)
@given(
    frame=st.integers(-20, 40),
    edges=st.tuples(st.sampled_from(["hold", "loop", "black"]), st.sampled_from(["hold", "loop", "black"])),
    mode=st.sampled_from(
        [("expression", ""), ("expression", "frame+4"), ("expression", "frame - 3"), ("start at", "1")]
    ),
    on_error=st.sampled_from(["error", "black", "nearest frame"]),
)
def test_a_read_shows_the_file_that_it_should(
    holes: Path, frame: int, edges: tuple[str, str], mode: tuple[str, str], on_error: str
) -> None:
    """Foundry's rules written down twice, once in the adapter and once in the fake."""
    from fake_nuke.pixels import _file

    fake_nuke.start()
    knobs: dict[str, Any] = {"first": 5, "last": 12, "before": edges[0], "after": edges[1]}
    knobs |= {"frame_mode": mode[0], "frame": mode[1], "on_error": on_error}
    pattern = f"{holes}/p.####.exr"
    node = nuke.nodes.Read(name="Read1", file=pattern, **knobs)
    reads = adapter_module("read_node")
    read = reads.ReadSettings(name="Read1", file=pattern, **knobs)
    assert reads.only_through_nuke(read, lambda name: True) is None
    try:
        shown = _file(node, pattern, frame)
    except RuntimeError:
        shown = None
    try:
        mine = f"{holes}/p.{reads.file_frame(read, frame):04d}.exr"
    except HostError as refusal:
        mine = None
        assert str(refusal).endswith(".") and "Read1" in str(refusal)
    assert mine == shown


def test_an_exported_document_is_one_that_the_engine_knows(stage: Stage) -> None:
    from faceplate.shot.document import ShotDocument

    for frame in range(1001, 1007):
        (stage.folder / f"plate.{frame}.exr").touch()
    node = stage.faceswap()
    node["grain"].setExpression("frame == 1003 ? 0.5 : 1")
    state = stage.adapter("node_state").read_state(node, range(1001, 1007))
    document = stage.adapter("shot_state").exported_document(state, "out/e.####.exr")
    known = ShotDocument.model_validate(json.loads(json.dumps(document)), strict=False)
    assert known.frames == "1001-1006" and known.host is not None and known.host.app == "nuke"
    assert document["parameters"]["grain"]["keys"][0] == [1001, 1.0, "linear"]
    assert document["working"] == "ACEScg" and document["space"] == "ACEScg"


def test_of_frames_that_show_one_file_the_first_gives_the_key(stage: Stage) -> None:
    for frame in (1001, 1002):
        (stage.folder / f"plate.{frame}.exr").touch()
    stage.read["last"].setValue(1002)
    node = stage.faceswap()
    node["grain"].setExpression("(frame - 1000) / 10")
    state = stage.adapter("node_state").read_state(node, range(1001, 1005))
    document = stage.adapter("shot_state").exported_document(state, "out/e.####.exr")
    assert document["frames"] == "1001-1002"
    assert document["parameters"]["grain"]["keys"] == [[1001, 0.1, "linear"], [1002, 0.2, "linear"]]


def test_the_faces_of_a_shot_file_reach_the_engine_with_their_own_values(stage: Stage) -> None:
    from faceplate.shot.document import ShotDocument

    faces = [{"name": "Ada", "source": "ada", "parameters": {"target": "1", "grain": 0.5}}, {"name": "Eve"}]
    (stage.folder / "two.shot.json").write_text(json.dumps({"faceplate_shot": 1, "faces": faces}))
    (stage.folder / "plate.1001.exr").touch()
    node = stage.faceswap()
    state = stage.adapter("node_state").read_state(node, [1001])
    assert "faces" not in stage.adapter("shot_state").engine_document(state)
    node["faces_file"].setValue(str(stage.folder / "two.shot.json"))
    state = stage.adapter("node_state").read_state(node, [1001])
    document = stage.adapter("shot_state").exported_document(state, "out/e.####.exr")
    known = ShotDocument.model_validate(json.loads(json.dumps(document)), strict=False)
    assert known.faces is not None and [face.name for face in known.faces] == ["Ada", "Eve"]
    assert document["faces"][0] == {**faces[0], "source": str(stage.folder / "ada")}
    assert stage.adapter("shot_state").engine_document(state)["faces"] == document["faces"]
    assert "faces_file" in stage.adapter("node_state").knob_names(node)


def test_the_menu_steps_through_the_issues_at_nukes_frames(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Read shows the plate's frame 1001 at Nuke's frame 1; the selected node is the one that is asked."""
    for frame in range(1001, 1007):
        (stage.folder / f"plate.{frame}.exr").touch()
    stage.read["frame_mode"].setValue("expression")
    stage.read["frame"].setValue("frame+1000")
    node = stage.faceswap()
    node["range_first"].setValue(1)
    node["range_last"].setValue(6)
    actions, said = stage.adapter("actions"), []
    found = {"kind": "fast-turn", "face": "", "severity": "low", "text": "It turns.", "value": 9.0, "threshold": 6.0}
    issues = [{**found, "first": number, "last": number} for number in (900, 1003, 1005)]
    monkeypatch.setattr(actions.ENGINE, "issues", lambda request: issues)
    monkeypatch.setattr(actions, "say", said.append)
    monkeypatch.setattr(nuke, "GUI", False)
    nuke.frame(1)
    shown = []
    for step in (1, 1, 1, -1):
        stage.adapter("registration")._step_issue(step)
        shown.append(nuke.frame())
    assert shown == [3, 5, 5, 3] and said == [f"{node.name()} has no issue after frame 5."]
    assert node["notes"].value() == "1003: fast turn. It turns."
