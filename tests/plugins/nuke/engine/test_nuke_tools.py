"""Tracking, picking, exported shots and the other tools with the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import alive, end, state_of, until
from faceplate.cli import main as cli
from fake_nuke import nuke
from nuke_stage import SIZE, Stage
from plates import read_file
from rendered_frames import assert_same, faceplate_render, finals, plate_pixels


def test_track_then_render_then_track_nodes_and_sheet(stage: Stage) -> None:
    node = stage.faceswap(track=f"{stage.folder}/own.track.json", range_first=1001, range_last=1003)
    stage.press(node, "track_shot")
    assert stage.session.said == []
    assert Path(node["track"].value()).is_file()
    stage.press(node, "render_range")
    nuke.execute(stage.write(node), 1001, 1001)
    assert_same(finals(stage, (1001,))[1001], faceplate_render(stage, node, (1001,))[1001])
    node["track_nodes"].execute()
    assert stage.session.said == []
    made = {one.Class(): one for one in nuke.allNodes() if one.Class() in ("Tracker4", "CornerPin2D", "Transform")}
    assert len(made) == 3 and all(one.input(0) is stage.read for one in made.values())
    assert made["Transform"]["translate"].isAnimated()
    node["contact_sheet"].execute()
    sheet = next(one for one in nuke.allNodes("ContactSheet"))
    holds = [sheet.input(index) for index in range(sheet.inputs())]
    assert [hold["first_frame"].value() for hold in holds] == [1001, 1002, 1003] * 2
    assert [hold.input(0) for hold in holds] == [stage.read] * 3 + [node] * 3


def test_the_picked_face_becomes_the_target(stage: Stage) -> None:
    node = stage.faceswap(pick=[SIZE * 0.5, SIZE * 0.55])
    stage.press(node, "take_pick")
    assert stage.session.said == [] and node["target"].value() == f"1001:{SIZE * 0.5:g},{SIZE * 0.45:g}"
    stage.press(node, "render_frame")
    assert stage.session.said == []
    node["pick"].setValue([2, 2])
    stage.press(node, "take_pick")
    assert stage.session.said == ["There is no face under the point; the frame shows 1."]


def test_the_search_box_fits_the_track_and_cuts_what_is_prerendered(stage: Stage) -> None:
    wide = nuke.nodes.Grade(inputs=[stage.read], white=1.25)
    node = stage.faceswap(wide)
    node["fit_search"].execute()
    assert stage.session.said == [] and node["use_search"].value()
    whole = node["search"].value()
    assert whole[0] >= 0 and whole[2] <= SIZE and whole[2] - whole[0] > SIZE * 0.6
    node["search"].setValue([20, 10, SIZE - 20, SIZE - 4])
    nuke.execute(node.node("PlateOut"), 1001, 1001)
    _, spec = read_file(Path(node.node("PlateOut")["file"].getEvaluatedValue()))
    assert (spec.x, spec.y, spec.width, spec.height) == (20, 4, SIZE - 40, SIZE - 14)
    nuke.execute(stage.write(node), 1001, 1001)
    assert_same(finals(stage, (1001,))[1001], 1.25 * plate_pixels(stage.plate, 1001) + _added(stage, node))
    node["search"].setValue([10, 10, SIZE - 20, SIZE - 4])
    with pytest.raises(RuntimeError, match="as the script is now"):
        nuke.execute(nuke.toNode("Write1"), 1001, 1001)


def _added(stage: Stage, node: Any) -> np.ndarray:
    """What the exported shot adds to its plate, on the whole frame."""
    shot = stage.folder / "export" / "cut.shot.json"
    stage.adapter("tools").export_shot(node, str(shot), (1001,), f"{stage.folder}/export/cut.####.exr")
    shot.write_text(json.dumps({**json.loads(shot.read_text("utf-8")), "mode": "over"}), "utf-8")
    assert cli._run(["render", str(shot)]) == 0
    over, spec = read_file(stage.folder / "export" / "cut.1001.exr")
    own, _ = read_file(Path(node.node("PlateOut")["file"].getEvaluatedValue()))
    whole = np.zeros((SIZE, SIZE, 3), np.float32)
    whole[spec.y : spec.y + spec.height, spec.x : spec.x + spec.width] = over[..., :3] - own[..., :3]
    return whole


def test_export_writes_a_shot_beside_the_script(stage: Stage) -> None:
    node = stage.faceswap()
    stage.session.answers["getFilename"] = str(stage.folder / "sh010.shot.json")
    node["export_shot"].execute()
    document = json.loads((stage.folder / "sh010.shot.json").read_text("utf-8"))
    assert document["frames"] == "1001-1006" and document["plate"] == stage.plate
    assert [path.name for path in stage.folder.glob("*.part")] == []


def test_the_engine_stops_by_its_button(stage: Stage, run: Path) -> None:
    node = stage.faceswap()
    stage.press(node, "render_frame")
    state = state_of(run)
    assert state is not None and alive(state["pid"])
    node["stop_engine"].execute()
    until(lambda: not alive(state["pid"]), 20)
    end(run)
