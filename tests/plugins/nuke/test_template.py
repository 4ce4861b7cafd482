"""The comp template with paint through the face, and the reader of finished takes that needs no plug-in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fake_nuke
from fake_nuke import nuke
from fake_nuke.pixels import picture
from nuke_stage import PLUGIN, Stage
from plates import write_plate

SIDE = 8


def chain(node: Any, end: Any) -> list[str]:
    """The classes from `node` up to `end`, along the first inputs."""
    classes = []
    while node is not end:
        classes.append(node.Class())
        node = node.input(0)
    return classes


def test_the_template_has_element_matte_and_a_live_stmap_in_one_step_of_undo(stage: Stage) -> None:
    node = stage.faceswap()
    steps = len(stage.session.undo_steps)
    node["comp_template"].execute()
    merge = next(one for one in nuke.allNodes("Merge2") if one["label"].value() == "face over plate")
    assert merge.input(0) is stage.read and node["result_mode"].value() == "element"
    painted = merge.input(1)
    assert chain(painted.input(0), node) == ["Grain2", "Premult", "Grade", "Unpremult"]
    placed = painted.input(1).input(0)
    assert placed.Class() == "STMap" and placed.input(1) is node and placed["uv"].value() == "faceplate_st"
    assert chain(placed.input(0), None) == ["RotoPaint", "Constant"], "paint lies on a square of its own"
    assert painted.input(1)["operation"].value() == "mask" and painted.input(1).input(1) is node
    assert node["layers"].value() == "matte, stmap" and not node.node("Layer_stmap")["disable"].value()
    matte = next(one for one in nuke.allNodes("Copy"))
    assert (matte["from0"].value(), matte["to0"].value()) == ("faceplate_matte.alpha", "rgba.alpha")
    assert len(stage.session.undo_steps) == steps + 1
    nuke.undo()
    left = {one.Class() for one in nuke.allNodes()}
    assert left == {"Read", "Group"} and node["result_mode"].value() == "over the plate"
    assert node["layers"].value() == "matte"


def take_of(stage: Stage, frames: tuple[int, ...] = (1001,)) -> Any:
    """A FaceSwap with frames that are rendered, and its take reader, in a Nuke without the plug-in."""
    for frame in (1001, 1002):
        write_plate(Path(stage.plate.replace("####", str(frame))), np.full((SIDE, SIDE, 3), 0.25, np.float32), "half")
    node = stage.faceswap()
    for frame in frames:
        path = Path(node["frames"].value().replace("####", str(frame)))
        pixels = np.zeros((SIDE, SIDE, 4), np.float32)
        pixels[:4] = [0.25, 0.125, 0.0, 0.5]
        write_plate(path, pixels, "half", channels=("R", "G", "B", "A"))
    stage.save()
    node["create_take"].execute()
    return node


def test_a_take_reader_is_a_plain_group_that_needs_no_plug_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    node = take_of(stage)
    take = nuke.toNode("FaceplateTake1")
    assert take.Class() == "Group" and take["file"].value() == node["frames"].value() and take.input(0) is stage.read
    assert not stage.adapter("nodes").is_faceswap(take)
    nuke.delete(node)
    stage.save()
    fake_nuke.start(gui=False)
    monkeypatch.setitem(sys.modules, "faceplate_nuke", None)
    nuke.scriptOpen(str(stage.script))
    take = nuke.toNode("FaceplateTake1")
    over = picture(take, 1001).channels
    assert np.all(over["rgba.red"][:4] == 0.25 + 0.25 * 0.5) and np.all(over["rgba.red"][4:] == 0.25)
    take["result_mode"].setValue("element")
    assert np.all(picture(take, 1001).channels["rgba.green"][:4] == 0.125)
    with pytest.raises(RuntimeError, match=r"element\.1002\.exr"):
        picture(take, 1002)  # a frame that is missing is an error, never the plate


def test_the_drop_in_is_one_gizmo_file(stage: Stage) -> None:
    """What `create_take` pastes is the file itself, which a person may put into ~/.nuke."""
    text = (PLUGIN / "FaceplateTake.gizmo").read_text("utf-8")
    assert text.count("\nGizmo {") == 1 and "faceplate_nuke" not in text and "python" not in text.lower()
    (stage.folder / "take.nk").write_text(text, "utf-8")
    made = nuke.nodePaste(str(stage.folder / "take.nk"))
    assert made is not None and made.Class() == "Gizmo"
    assert [one.Class() for one in made.nodes()] == ["Input", "Read", "Merge2", "Switch", "Output"]


def test_without_frames_there_is_no_take(stage: Stage) -> None:
    stage.faceswap()["create_take"].execute()
    assert stage.session.said == ["No frame of FaceSwap1 is rendered; press Render range first."]
