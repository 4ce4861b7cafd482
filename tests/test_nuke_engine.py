"""The Nuke adapter through the fake Nuke, with the real engine doing the pixels: equal to `faceplate render`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import alive, end, state_of, until
from faceplate.cli import main as cli
from faceplate.color import ColorConfig
from fake_nuke import nuke
from nuke_stage import FIRST, PLUGIN, SIZE, Stage, engine_of_its_own, environment, make_plate
from plates import read_file

HALF = 2.0**-10
"""Half rounds to 11 bits; a merge in float of a half element and a half plate differs by no more."""


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_plate(tmp_path_factory.mktemp("plate"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("engine") / "run"
    with engine_of_its_own(folder):
        yield folder


@pytest.fixture
def stage(tmp_path: Path, plate: str, run: Path) -> Stage:
    return Stage(tmp_path / "job", plate)


def faceplate_render(stage: Stage, node: Any, frames: tuple[int, ...], mode: str = "over") -> dict[int, np.ndarray]:
    """The frames of the exported shot, rendered by the command line."""
    shot = stage.folder / "export" / f"{node.name()}.{mode}.shot.json"
    tools = stage.adapter("tools")
    tools.export_shot(node, str(shot), frames, f"{stage.folder}/export/{mode}.####.exr")
    document = json.loads(shot.read_text("utf-8"))
    shot.write_text(json.dumps({**document, "mode": mode}), "utf-8")
    assert cli._run(["render", str(shot)]) == 0
    return {frame: read_file(stage.folder / "export" / f"{mode}.{frame}.exr")[0] for frame in frames}


def finals(stage: Stage, frames: tuple[int, ...], name: str = "Write1") -> dict[int, np.ndarray]:
    return {frame: read_file(stage.folder / f"out_{name}" / f"final.{frame}.exr")[0] for frame in frames}


def assert_same(mine: np.ndarray, theirs: np.ndarray) -> None:
    """RGB to half rounding, and the exact plate where nothing was done."""
    difference = np.abs(mine[..., :3] - theirs[..., :3])
    assert np.all(difference <= HALF * np.maximum(np.abs(theirs[..., :3]), 2.0**-4)), float(difference.max())


def assert_swapped(pixels: np.ndarray, plate: str, frame: int) -> None:
    original = read_file(Path(plate.replace("####", str(frame))))[0]
    changed = np.abs(pixels[..., :3] - original).max(axis=2) > 0.01
    assert 0.05 < changed.mean() < 0.6


def terminal(run: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`nuke …` in a process of its own, which has no window."""
    command = [sys.executable, "-m", "fake_nuke", *words]
    return subprocess.run(command, env=environment(run), capture_output=True, text=True, timeout=120, check=False)


# In the session -------------------------------------------------------------------------------------------------------


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
    assert stage.session.said == ["FaceSwap1 is at work; wait, or press Cancel."]
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


# At render time -------------------------------------------------------------------------------------------------------


def test_x_renders_a_keyed_parameter_in_any_order(stage: Stage, run: Path, plate: str) -> None:
    node = stage.faceswap()
    for frame, value in ((1001, 0.0), (1006, 0.3)):
        node["matte_erode"].setValueAt(value, frame)
    stage.write(node)
    stage.save()
    expected = faceplate_render(stage, node, (1002, 1003, 1005))
    shutil.rmtree(stage.folder / "faceplate", ignore_errors=True)
    for words in (("-F", "1005"), ("-F", "1002-1003")):
        done = terminal(run, "-x", *words, str(stage.script))
        assert done.returncode == 0, done.stderr
    made = finals(stage, (1002, 1003, 1005))
    for frame in made:
        assert_same(made[frame], expected[frame])
    assert "Error:" not in done.stdout
    areas = [int((np.abs(made[f][..., :3] - _plate(plate, f)).max(axis=2) > 0).sum()) for f in (1002, 1003, 1005)]
    assert areas[0] > areas[1] > areas[2], "the erode is keyed"


def _plate(pattern: str, frame: int) -> np.ndarray:
    return read_file(Path(pattern.replace("####", str(frame))))[0]


@pytest.mark.parametrize("by_frame", [True, False], ids=["frame by frame", "node by node"])
def test_x_with_upstream_nodes_and_a_hold_out_matte(stage: Stage, by_frame: bool) -> None:
    """Whether Nuke goes frame by frame or Write by Write, the inner Writes come first by their render order."""
    from fake_nuke.terminal import render_script

    graded = nuke.nodes.Grade(inputs=[stage.read], white=2.0)
    node = stage.faceswap(graded)
    node.setInput(1, _roto(stage))
    stage.write(node)
    stage.save()
    render_script(str(stage.script), [1001, 1002], by_frame=by_frame)
    node = nuke.toNode("FaceSwap1")
    made, expected = finals(stage, (1001, 1002)), faceplate_render(stage, node, (1001, 1002))
    for frame in made:
        assert_same(made[frame], expected[frame])
        graded_plate = 2.0 * _plate(stage.plate, frame)
        assert np.array_equal(made[frame][:, : SIZE // 2, :3], graded_plate[:, : SIZE // 2].astype(np.float16))
        assert np.abs(made[frame][:, SIZE // 2 :, :3] - graded_plate[:, SIZE // 2 :]).max() > 0.05


def _roto(stage: Stage) -> Any:
    """A matte whose alpha holds out the left half."""
    from plates import write_plate

    pixels = np.zeros((SIZE, SIZE, 4), np.float32)
    pixels[:, : SIZE // 2, 3] = 1.0
    write_plate(stage.folder / "roto.exr", pixels, channels=("R", "G", "B", "A"))
    return nuke.nodes.Read(file=f"{stage.folder}/roto.exr", raw=True)


def test_an_upstream_change_after_the_prerender_fails_the_render(stage: Stage) -> None:
    grade = nuke.nodes.Grade(inputs=[stage.read], white=1.5)
    node = stage.faceswap(grade)
    write = stage.write(node)
    stage.save()
    nuke.execute(node.node("PlateOut"), 1001, 1001)
    nuke.execute(write, 1001, 1001)
    grade["white"].setValue(1.6)
    with pytest.raises(RuntimeError, match="as the script shows it"):
        nuke.execute(write, 1001, 1001)
    stage.press(node, "render_frame")  # in a session the button does both
    nuke.execute(write, 1001, 1001)
    shutil.copytree(Path(stage.plate).parent, stage.folder / "own")
    stage.read["file"].setValue(f"{stage.folder}/own/plate.####.exr")
    stage.press(node, "render_frame")
    nuke.execute(write, 1001, 1001)
    shutil.copyfile(stage.folder / "own" / "plate.1004.exr", stage.folder / "own" / "plate.1001.exr")
    with pytest.raises(RuntimeError, match="as the script shows it"):
        nuke.execute(write, 1001, 1001)


def test_a_stale_frame_is_known_by_its_key_and_not_by_its_time(stage: Stage, run: Path) -> None:
    node = stage.faceswap()
    write = stage.write(node)
    nuke.execute(write, 1001, 1001)
    file = Path(node.node("Result")["file"].getEvaluatedValue())
    first, written = read_file(file)[0], file.stat().st_mtime_ns
    os.utime(file, (1, 1))
    nuke.execute(write, 1001, 1001)
    assert file.stat().st_mtime_ns == 10**9, "an old file with the right key is left alone"
    node["matte_erode"].setValue(0.15)
    os.utime(file, (2**31, 2**31))
    nuke.execute(write, 1001, 1001)
    assert not np.array_equal(first, read_file(file)[0]), "a new file with another key is rendered again"
    assert written and node["status"].value() != "stale: 1001"
    # Nuke keeps what it has read: the second render shows the new frame only if the Read was reloaded.
    assert_same(finals(stage, (1001,))[1001], faceplate_render(stage, node, (1001,))[1001])


def test_two_nodes_in_one_script(stage: Stage) -> None:
    """Side by side on one plate, and one behind the other."""
    from fake_nuke.terminal import render_script

    one, two = stage.faceswap(matte_erode=0.1), stage.faceswap(shape=0.0)
    three = stage.faceswap(one, generator="null", occlusion=0.0, grain=0.0)
    for name, node in (("A", one), ("B", two), ("C", three)):
        stage.write(node, name)
    stage.save()
    render_script(str(stage.script), [1001])
    for name, node in (("A", "FaceSwap1"), ("B", "FaceSwap2")):
        expected = faceplate_render(stage, nuke.toNode(node), (1001,))[1001]
        assert_same(finals(stage, (1001,), name)[1001], expected)
    # The third changes nothing, so it gives the first one's picture.
    assert_same(finals(stage, (1001,), "C")[1001], finals(stage, (1001,), "A")[1001])
    assert not np.array_equal(finals(stage, (1001,), "A")[1001], finals(stage, (1001,), "B")[1001])
    # A machine without the first one's frame makes it again; what was rendered from it is still what it was.
    before = finals(stage, (1001,), "C")[1001]
    Path(nuke.toNode("FaceSwap1")["frames"].value().replace("####", "1001")).unlink()
    nuke.execute(nuke.toNode("C"), 1001, 1001)
    assert np.array_equal(before, finals(stage, (1001,), "C")[1001])


def test_a_copy_renders_to_frames_of_its_own(stage: Stage) -> None:
    node = stage.faceswap()
    nuke.execute(stage.write(node), 1001, 1001)
    for other in nuke.selectedNodes():
        other.setSelected(False)
    node.setSelected(True)
    nuke.nodeCopy("%clipboard%")
    node.setSelected(False)
    copy = nuke.nodePaste("%clipboard%")
    assert copy is not None
    copy.setInput(0, stage.read)
    copy["matte_erode"].setValue(0.2)
    before = read_file(Path(node["frames"].value().replace("####", "1001")))[0]
    nuke.execute(stage.write(copy, "Copy"), 1001, 1001)
    assert np.array_equal(before, read_file(Path(node["frames"].value().replace("####", "1001")))[0])
    assert not np.array_equal(finals(stage, (1001,))[1001], finals(stage, (1001,), "Copy")[1001])


def test_t_renders_in_three_steps(stage: Stage, run: Path) -> None:
    node = stage.faceswap(nuke.nodes.Grade(inputs=[stage.read], white=1.5))
    stage.write(node)
    stage.save()
    done = terminal(run, "-t", str(PLUGIN / "render_faceplate.py"), str(stage.script), "--frames=1001,1003")
    assert done.returncode == 0, done.stderr
    expected = faceplate_render(stage, node, (1001, 1003))
    for frame, pixels in finals(stage, (1001, 1003)).items():
        assert_same(pixels, expected[frame])
    assert not (stage.folder / "out_Write1" / "final.1002.exr").exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "say which script"),
        (["nothing.nk", "1-2"], 1, "nothing.nk"),
        (["SCRIPT", "--frames=ten"], 2, "no frame range"),
        (["SCRIPT", "ten"], 2, "say which script"),
        (["SCRIPT", "1001", "Write9"], 1, "no Write Write9"),
    ],
)
def test_t_with_wrong_words(
    stage: Stage, capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    stage.write(stage.faceswap())
    stage.save()
    farm = stage.adapter("script_render")
    assert farm.main([word.replace("SCRIPT", str(stage.script)) for word in words]) == code
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said


def test_x_without_an_engine_fails_with_a_message(stage: Stage, tmp_path: Path) -> None:
    stage.write(stage.faceswap())
    stage.save()
    variables = {**environment(tmp_path / "other"), "FACEPLATE_ENGINE": str(tmp_path / "nothing")}
    command = [sys.executable, "-m", "fake_nuke", "-x", "-F", "1001", str(stage.script)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Error: FaceSwap1 (frame 1001)" in done.stdout and "FACEPLATE_ENGINE" in done.stdout
    assert not (stage.folder / "out_Write1").exists()


# The plate's Read -----------------------------------------------------------------------------------------------------


@pytest.fixture
def holed(tmp_path: Path, plate: str) -> str:
    """The plate without frame 1002."""
    folder = tmp_path / "holes"
    folder.mkdir()
    for frame in (1001, 1003, 1004):
        shutil.copyfile(plate.replace("####", str(frame)), folder / f"plate.{frame}.exr")
    return f"{folder}/plate.####.exr"


def test_a_plate_with_holes(stage: Stage, holed: str) -> None:
    stage.read["file"].setValue(holed)
    node = stage.faceswap()
    write = stage.write(node)
    with pytest.raises(RuntimeError, match=r"plate\.1002\.exr is missing; restore it"):
        nuke.execute(write, 1001, 1003)
    assert (stage.folder / "out_Write1" / "final.1001.exr").exists()
    assert not (stage.folder / "out_Write1" / "final.1002.exr").exists()
    stage.read["on_error"].setValue("black")
    with pytest.raises(RuntimeError, match="shows black for it"):
        nuke.execute(write, 1002, 1002)
    stage.read["on_error"].setValue("nearest frame")
    nuke.execute(write, 1001, 1003)
    made = finals(stage, (1001, 1002))
    assert np.array_equal(made[1001], made[1002])


def test_a_shifted_read_and_values_by_nukes_frames(stage: Stage) -> None:
    stage.read["frame_mode"].setValue("start at")
    stage.read["frame"].setValue("1")
    for name, value in (("first_frame", 1), ("last_frame", 6)):
        nuke.root()[name].setValue(value)
    node = stage.faceswap()
    node["matte_erode"].setExpression("frame > 2 ? 0.2 : 0")
    nuke.execute(stage.write(node), 2, 3)
    expected = faceplate_render_at(stage, node, (2, 3), FIRST - 1)
    for frame, pixels in finals_at(stage, (2, 3)).items():
        assert_same(pixels, expected[frame])


def faceplate_render_at(stage: Stage, node: Any, frames: tuple[int, ...], shift: int) -> dict[int, np.ndarray]:
    """As `faceplate_render` where the plate's numbers are Nuke's plus `shift`."""
    shot = stage.folder / "export" / "shifted.shot.json"
    stage.adapter("tools").export_shot(node, str(shot), frames, f"{stage.folder}/export/s.####.exr")
    shot.write_text(json.dumps({**json.loads(shot.read_text("utf-8")), "mode": "over"}), "utf-8")
    assert cli._run(["render", str(shot)]) == 0
    return {frame: read_file(stage.folder / "export" / f"s.{frame + shift}.exr")[0] for frame in frames}


def finals_at(stage: Stage, frames: tuple[int, ...]) -> dict[int, np.ndarray]:
    return {frame: read_file(stage.folder / "out_Write1" / f"final.{frame:04d}.exr")[0] for frame in frames}


def test_a_plate_in_another_linear_space(stage: Stage) -> None:
    """The engine reads and writes in the Read's space; Nuke brings both into the working space."""
    stage.read["colorspace"].setValue("ACES2065-1")
    node = stage.faceswap()
    assert node.node("Result")["colorspace"].value() == "ACES2065-1" and not node.node("Result")["raw"].value()
    nuke.execute(stage.write(node), 1001, 1001)
    expected = faceplate_render(stage, node, (1001,))[1001]
    config = ColorConfig.load(environ={})
    inside = config.convert(expected[..., :3], config.resolve("ACES2065-1"), config.resolve("ACEScg"))
    made = finals(stage, (1001,))[1001][..., :3]
    assert np.abs(made - inside).max() < 4e-3, "the half element is converted after it was rounded"


def test_nukes_own_colour_management(stage: Stage) -> None:
    root = nuke.root()
    root["colorManagement"].setValue("Nuke")
    root["workingSpaceLUT"].setValue("linear")
    stage.read["colorspace"].setValue("default (linear)")
    node = stage.faceswap()
    nuke.execute(stage.write(node), 1001, 1001)
    assert_same(finals(stage, (1001,))[1001], faceplate_render(stage, node, (1001,))[1001])
    document = json.loads(next((stage.folder / "export").glob("*.shot.json")).read_text("utf-8"))
    assert document["space"] == document["working"] == "Linear Rec.709 (sRGB)" and "ocio" not in document


@pytest.mark.parametrize(
    ("knob", "value", "sentence"),
    [
        ("target", "5", "the track holds 1"),
        ("generator", "nothing_like_it", "nothing_like_it"),
        ("source", "/no/such/folder", "/no/such/folder"),
        ("matte_feather", 7.0, "matte_feather"),
    ],
)
def test_what_the_engine_refuses_fails_the_render_in_its_words(
    stage: Stage, knob: str, value: Any, sentence: str
) -> None:
    node = stage.faceswap(**{knob: value})
    with pytest.raises(RuntimeError, match="Error: FaceSwap1 ") as caught:
        nuke.execute(stage.write(node), 1001, 1001)
    assert sentence in str(caught.value) and "Traceback" not in str(caught.value)
    assert not (stage.folder / "out_Write1" / "final.1001.exr").exists()


def test_proxy_mode_has_frames_of_its_own(stage: Stage) -> None:
    root = nuke.root()
    root["proxy_type"].setValue("scale")
    root["proxy"].setValue(True)
    node = stage.faceswap()
    write = stage.write(node)
    write["proxy"].setValue(f"{stage.folder}/out_Write1/half.####.exr")
    nuke.execute(write, 1001, 1001)
    pixels, spec = read_file(stage.folder / "out_Write1" / "half.1001.exr")
    assert (spec.full_width, spec.full_height) == (SIZE // 2, SIZE // 2)
    folder = Path(node["frames"].value()).parent
    assert [path.name for path in folder.glob("element*.exr")] == ["element.proxy2.1001.exr"]
    _, element = read_file(folder / "element.proxy2.1001.exr")
    assert (element.full_width, element.full_height) == (SIZE // 2, SIZE // 2)
    plate = _plate(stage.plate, 1001).reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean(axis=(1, 3))
    changed = np.abs(pixels[..., :3] - plate).max(axis=2) > 0.05
    assert 0.03 < changed.mean() < 0.6
    node.setInput(0, nuke.nodes.Grade(inputs=[stage.read]))
    with pytest.raises(RuntimeError, match="turn proxy mode off"):
        nuke.execute(write, 1001, 1001)


def test_a_saved_script_renders_the_same_when_it_is_opened_again(stage: Stage) -> None:
    node = stage.faceswap(matte_feather=0.12)
    nuke.execute(stage.write(node), 1001, 1001)
    stage.save()
    before = finals(stage, (1001,))[1001]
    shutil.rmtree(stage.folder / "faceplate")
    nuke.scriptOpen(str(stage.script))
    nuke.execute(nuke.toNode("Write1"), 1001, 1001)
    assert np.array_equal(before, finals(stage, (1001,))[1001])


# Tracks and tools -----------------------------------------------------------------------------------------------------


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
    assert_same(finals(stage, (1001,))[1001], 1.25 * _plate(stage.plate, 1001) + _added(stage, node))
    node["search"].setValue([10, 10, SIZE - 20, SIZE - 4])
    with pytest.raises(RuntimeError, match="as the script shows it"):
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
