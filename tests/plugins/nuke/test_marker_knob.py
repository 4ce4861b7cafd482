"""A FaceSwap is known by its marker knob: as Gizmo, LiveGroup, in a Precomp, in groups, and copied into another script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_nuke import nuke
from fake_nuke.nodes import Gizmo, LiveGroup, Precomp
from nuke_stage import Stage


def turned_into(node: Any, kind: type, cls: str) -> Any:
    """The node as Nuke has it when it was saved as a gizmo, or published as a LiveGroup."""
    node.__class__, node._cls = kind, cls
    return node


KINDS = [(Gizmo, "HouseFaceSwap"), (LiveGroup, "LiveGroup")]


@pytest.mark.parametrize(("kind", "cls"), KINDS, ids=["Gizmo", "LiveGroup"])
def test_guard_buttons_and_callbacks_work_whatever_the_class(stage: Stage, kind: type, cls: str) -> None:
    node = turned_into(stage.faceswap(nuke.nodes.Grade(inputs=[stage.read])), kind, cls)
    assert stage.adapter("nodes").faceswaps() == [node]
    write = stage.write(node)
    with pytest.raises(RuntimeError, match=r"Error: FaceSwap1 \(frame 1001\)"):
        nuke.execute(write, 1001, 1001)
    before = node["status"].value()
    stage.adapter("frame_status").LEDGER.rendered(node["shot_id"].value(), 1001, "other")
    node["matte_feather"].setValue(0.3)
    assert before == "no frames" and node["status"].value() == "stale: 1001"
    node["source"].setValue("")
    nuke.root()["name"]._values[0] = ""
    node["render_frame"].execute()
    assert stage.session.said[-1].startswith("Save the script first")


def test_in_a_group_in_a_group(stage: Stage) -> None:
    outer = nuke.nodes.Group(name="Comp", inputs=[stage.read])
    with outer:
        plate = nuke.nodes.Input(name="plate", number=0)
        inside = nuke.nodes.Group(name="Faces", inputs=[plate])
        with inside:
            again = nuke.nodes.Input(name="plate", number=0)
            node = stage.faceswap(again)
            nuke.nodes.Output(inputs=[node])
        nuke.nodes.Output(inputs=[inside])
    assert node.fullName() == "Comp.Faces.FaceSwap1" and stage.adapter("nodes").faceswaps() == [node]
    assert stage.adapter("upstream").faceswaps_before(stage.write(outer)) == [node]
    assert stage.adapter("node_state").plan_of(node).read.name == "Read1", "the plate is found through both groups"


def test_a_precomp_keeps_the_frames_of_its_own_script(stage: Stage) -> None:
    """Its nodes carry another script's identity, and a second Precomp of one script the same shot: both are as they were."""
    frames = "/shows/other/faceplate/shot/FaceSwap1_00000000/element.####.exr"
    made = []
    for name in ("Precomp1", "Precomp2"):
        precomp = nuke.nodes.Precomp(name=name)
        with precomp:
            node = stage.faceswap(nuke.nodes.Read(file=stage.plate, first=1001, last=1006))
            nuke.nodes.Output(inputs=[node])
        for knob, value in (("shot_id", "0" * 32), ("script_id", "other"), ("frames", frames)):
            node[knob].setValue(value)
        made.append(node)
    assert isinstance(nuke.toNode("Precomp1"), Precomp)
    for node in made:
        stage.adapter("sync").adopt(node)
    stage.adapter("sync").separate_copies()
    assert [node["frames"].value() for node in made] == [frames] * 2
    assert [node["shot_id"].value() for node in made] == ["0" * 32] * 2
    write = stage.write(nuke.toNode("Precomp1"))
    assert stage.adapter("upstream").faceswaps_before(write) == made[:1]


def test_a_node_copied_into_another_script_is_a_shot_of_that_script(stage: Stage) -> None:
    """Both scripts would write the same frames. The track is copied, so that tracking again leaves the first one alone."""
    node = stage.faceswap(matte_feather=0.2)
    track = Path(node["track"].value())
    track.parent.mkdir(parents=True, exist_ok=True)
    track.write_text("{}")
    shot, frames = node["shot_id"].value(), node["frames"].value()
    nuke.nodeCopy("%clipboard%")
    nuke.scriptClear()
    (stage.folder / "other").mkdir()
    nuke.scriptSaveAs(str(stage.folder / "other" / "second.nk"))
    pasted = nuke.nodePaste("%clipboard%")
    assert pasted is not None
    assert pasted["shot_id"].value() != shot and pasted["frames"].value() != frames
    assert "/other/faceplate/second/" in pasted["frames"].value() and pasted["matte_feather"].value() == 0.2
    own = Path(pasted["track"].value())
    assert own != track and own.read_text() == "{}"
    assert pasted.node("Result")["file"].value() == pasted["frames"].value()


def test_a_node_pasted_with_frames_that_a_person_typed_keeps_them(stage: Stage) -> None:
    stage.faceswap()["frames"].setValue("/mine/e.####.exr")
    nuke.nodeCopy("%clipboard%")
    nuke.scriptClear()
    nuke.scriptSaveAs(str(stage.folder / "second.nk"), 1)
    pasted = nuke.nodePaste("%clipboard%")
    assert pasted is not None and pasted["frames"].value() == "/mine/e.####.exr"


def test_a_node_whose_inside_cannot_be_set_refuses_loudly(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A published LiveGroup may keep its inner knobs: then the Read would show frames that nobody checked."""
    node = turned_into(stage.faceswap(), LiveGroup, "LiveGroup")
    write = stage.write(node)
    knob = node.node("Result")["file"]
    knob._values[0] = "/published/element.####.exr"
    monkeypatch.setattr(type(knob), "_set", lambda self, values, first: False)
    with pytest.raises(RuntimeError, match=r"Error: FaceSwap1 .*locked .a published LiveGroup"):
        nuke.execute(write, 1001, 1001)


def test_a_node_of_the_first_layout_works_without_marks(stage: Stage) -> None:
    """Scripts of version 0.1 hold nodes without the knobs that came later."""
    text = (Path(__file__).parent / "fake_nuke" / "faceswap_0_1.nk").read_text("utf-8")
    stage.script.write_text(text.replace("/shows/demo/sh010", str(stage.folder)), "utf-8")
    nuke.scriptOpen(str(stage.script))
    node = nuke.toNode("FaceSwap1")
    assert node.knob("frame_state") is None
    node["matte_feather"].setValue(0.3)
    node.redraw()
    stage.adapter("render_callbacks").before_render()
    assert stage.session.said == [] and stage.adapter("nodes").faceswaps() == [node]
