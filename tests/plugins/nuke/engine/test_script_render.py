"""Scripts rendered by `-x` and `-t` with the real engine, equal to `faceplate render`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_nuke import nuke
from nuke_stage import PLUGIN, SIZE, Stage, environment
from plates import read_file
from rendered_frames import assert_same, faceplate_render, finals, plate_pixels


def terminal(run: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`nuke …` in a process of its own, which has no window."""
    command = [sys.executable, "-m", "fake_nuke", *words]
    return subprocess.run(command, env=environment(run), capture_output=True, text=True, timeout=120, check=False)


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
    areas = [int((np.abs(made[f][..., :3] - plate_pixels(plate, f)).max(axis=2) > 0).sum()) for f in (1002, 1003, 1005)]
    assert areas[0] > areas[1] > areas[2], "the erode is keyed"


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
        graded_plate = 2.0 * plate_pixels(stage.plate, frame)
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
    with pytest.raises(RuntimeError, match="as the script is now"):
        nuke.execute(write, 1001, 1001)
    stage.press(node, "render_frame")  # in a session the button does both
    nuke.execute(write, 1001, 1001)
    shutil.copytree(Path(stage.plate).parent, stage.folder / "own")
    stage.read["file"].setValue(f"{stage.folder}/own/plate.####.exr")
    stage.press(node, "render_frame")
    nuke.execute(write, 1001, 1001)
    shutil.copyfile(stage.folder / "own" / "plate.1004.exr", stage.folder / "own" / "plate.1001.exr")
    with pytest.raises(RuntimeError, match="as the script is now"):
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
        ([], 2, "name a script and frames"),
        (["nothing.nk", "1-2"], 1, "nothing.nk"),
        (["SCRIPT", "--frames=ten"], 2, "no frame range"),
        (["SCRIPT", "ten"], 2, "name a script and frames"),
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
