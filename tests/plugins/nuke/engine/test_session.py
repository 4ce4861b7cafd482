"""FaceSwap in a session with the real engine: renders, updates, cancelling, a killed engine."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

from engines import state_of
from fake_nuke import nuke
from nuke_stage import SIZE, Stage
from plates import read_file
from rendered_frames import assert_same, faceplate_render, finals


def assert_swapped(pixels: np.ndarray, plate: str, frame: int) -> None:
    original = read_file(Path(plate.replace("####", str(frame))))[0]
    changed = np.abs(pixels[..., :3] - original).max(axis=2) > 0.01
    assert 0.05 < changed.mean() < 0.6


def test_render_frame_and_range_in_a_session(stage: Stage, plate: str) -> None:
    node = stage.faceswap(occlusion=0.5, grain=1.0)
    stage.press(node, "render_frame")
    assert stage.session.said == [] and node["status"].value() == "1001"
    assert len(stage.session.tasks) == 1 and node.node("Result").reloads == 1
    node["matte_feather"].setValue(0.1)
    assert node["status"].value() == "stale: 1001"
    node["range_first"].setValue(1001)
    node["range_last"].setValue(1002)
    stage.press(node, "render_range")
    assert node["status"].value() == "1001-1002" and node["tile_color"].value() == 0
    assert stage.session.tasks[-1]._progress == 100
    nuke.execute(stage.write(node), 1001, 1002)
    made, expected = finals(stage, (1001, 1002)), faceplate_render(stage, node, (1001, 1002))
    for frame in made:
        assert_same(made[frame], expected[frame])
        assert_swapped(made[frame], plate, frame)
    assert "commercial" in node["licences"].value() and "release" in node["notes"].value()


def test_the_element_alone_and_its_layers(stage: Stage) -> None:
    node = stage.faceswap(result_mode="element", layers="matte, raw")
    write = stage.write(node)
    nuke.execute(write, 1002, 1002)
    pixels, spec = read_file(stage.folder / "out_Write1" / "final.1002.exr")
    names = list(spec.channelnames)
    expected, theirs = read_file(_rendered_element(stage, node, 1002))
    for name, other in (("A", "A"), ("R", "R"), ("faceplate_matte.alpha", "matte"), ("faceplate_raw.red", "raw.R")):
        mine = _on(pixels[..., names.index(name)], spec)
        truth = _on(expected[..., list(theirs.channelnames).index(other)], theirs)
        assert np.array_equal(mine, truth), name
    assert not any(name.startswith("faceplate_st") for name in names)


def _rendered_element(stage: Stage, node: Any, frame: int) -> Path:
    faceplate_render(stage, node, (frame,), "element")
    return stage.folder / "export" / f"element.{frame}.exr"


def _on(pixels: np.ndarray, spec: Any) -> np.ndarray:
    whole = np.zeros((SIZE, SIZE), np.float32)
    whole[spec.y : spec.y + spec.height, spec.x : spec.x + spec.width] = pixels
    return whole


def test_auto_update_renders_the_current_frame(stage: Stage) -> None:
    node = stage.faceswap()
    stage.press(node, "render_frame")
    node["auto_update"].setValue(True)
    before = read_file(Path(node.node("Result")["file"].getEvaluatedValue()))[0]
    node["matte_feather"].setValue(0.2)
    stage.settle()
    after = read_file(Path(node.node("Result")["file"].getEvaluatedValue()))[0]
    assert before.shape != after.shape or not np.array_equal(before, after)
    assert node["status"].value() == "1001" and stage.session.said == []


def test_the_latest_of_quick_changes_wins(stage: Stage) -> None:
    node = stage.faceswap(auto_update=True)
    for step in range(1, 6):
        node["matte_erode"].setValue(step / 20)
        stage.session.pump()
    stage.settle()
    hasty = read_file(Path(node.node("Result")["file"].getEvaluatedValue()))[0]
    assert node["status"].value() == "1001" and stage.session.said == []
    Path(node.node("Result")["file"].getEvaluatedValue()).unlink()
    stage.press(node, "render_frame")
    assert np.array_equal(hasty, read_file(Path(node.node("Result")["file"].getEvaluatedValue()))[0])


def test_undo_of_a_knob_brings_the_old_frame_back(stage: Stage) -> None:
    node = stage.faceswap()
    stage.press(node, "render_frame")
    file = Path(node.node("Result")["file"].getEvaluatedValue())
    before = read_file(file)[0]
    node["matte_erode"].setValue(0.2)
    stage.press(node, "render_frame")
    assert not np.array_equal(before, read_file(file)[0])
    nuke.undo()
    assert node["matte_erode"].value() == 0.0 and node["status"].value().startswith("stale")
    stage.press(node, "render_frame")
    assert np.array_equal(before, read_file(file)[0])


def test_cancel_stops_a_range_and_keeps_what_is_done(stage: Stage) -> None:
    node = stage.faceswap()
    node["render_range"].execute()
    folder = Path(node["frames"].value()).parent
    stage.settle(until=lambda: len(list(folder.glob("element.*.exr"))) >= 1)
    node["cancel"].execute()
    stage.settle()
    there = len(list(folder.glob("element.*.exr")))
    assert 1 <= there < 6
    assert stage.session.said == ["FaceSwap1: Render 1001-1006: Cancelled; the frames that are done stay."]
    stage.press(node, "render_range")
    assert node["status"].value() == "1001-1006"


def test_a_second_press_is_refused_while_one_works(stage: Stage) -> None:
    node = stage.faceswap()
    node["render_range"].execute()
    node["render_frame"].execute()
    assert stage.session.said == ["FaceSwap1 is busy; wait, or press Cancel."]
    stage.session.tasks[0]._cancelled = True  # the cross in Nuke's task window
    stage.settle()


def test_a_node_deleted_while_it_works_is_forgotten(stage: Stage) -> None:
    node = stage.faceswap()
    node["render_frame"].execute()
    nuke.delete(node)
    stage.settle()
    assert stage.session.said == []


def test_an_engine_killed_in_mid_render_is_started_again(stage: Stage, run: Path) -> None:
    node = stage.faceswap()
    node["render_range"].execute()
    folder = Path(node["frames"].value()).parent
    stage.settle(until=lambda: len(list(folder.glob("element.*.exr"))) >= 1)
    state = state_of(run)
    assert state is not None
    os.kill(state["pid"], signal.SIGKILL)
    stage.settle()
    assert stage.session.said == [] and node["status"].value() == "1001-1006"
