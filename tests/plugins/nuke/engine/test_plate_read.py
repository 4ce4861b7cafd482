"""The plate's Read with the real engine: holes, shifts, colour, proxies, reopened scripts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cli import main as cli
from faceplate.color import ColorConfig
from fake_nuke import nuke
from nuke_stage import FIRST, SIZE, Stage
from plates import read_file
from rendered_frames import assert_same, faceplate_render, finals, plate_pixels


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
    plate = plate_pixels(stage.plate, 1001).reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean(axis=(1, 3))
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
