"""The Viewer never shows the plain plate as if it were the result: missing, stale and unchecked frames are marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_nuke import nuke
from fake_nuke.pixels import picture
from nuke_stage import SIZE, Stage
from plates import write_plate

GREY = 0.25


@pytest.fixture
def node(stage: Stage) -> Any:
    """A FaceSwap on a grey plate of six frames."""
    for frame in range(1001, 1007):
        write_plate(Path(stage.plate.replace("####", str(frame))), np.full((SIZE, SIZE, 3), GREY, np.float32), "half")
    return stage.faceswap()


def red(node: Any, frame: int) -> np.ndarray:
    """What the Viewer shows of the red channel at a frame."""
    return picture(node, frame).channels["rgba.red"]


def rendered(stage: Stage, node: Any, frame: int) -> Path:
    """Put an element of red 0.5 where the engine would write it, and record it as rendered now."""
    path = Path(node["frames"].value().replace("####", str(frame)))
    write_plate(path, np.full((SIZE, SIZE, 4), [0.5, 0, 0, 1], np.float32), "half", channels=("R", "G", "B", "A"))
    stage.adapter("frame_status").note_frame(str(path), stage.adapter("frame_status").knobs_name(node))
    node.redraw()
    return path


def marked(pixels: np.ndarray) -> float:
    """The part of the picture under stripes."""
    return float((pixels == 1.0).mean())


def test_a_frame_that_is_not_rendered_is_hatched_and_says_so(stage: Stage, node: Any) -> None:
    shown = red(node, 1001)
    assert 0.1 < marked(shown) < 0.3 and stage.session.drawn[-1] == "NOT RENDERED: this is the plate"
    # Stripes, not a flat colour: the plate stays recognisable between them.
    assert np.isclose(shown, GREY).mean() > 0.6


def test_a_current_frame_has_no_mark_and_a_changed_knob_brings_it(stage: Stage, node: Any) -> None:
    rendered(stage, node, 1001)
    assert np.all(red(node, 1001) == 0.5)
    steps = len(stage.session.undo_steps)
    node["matte_feather"].setValue(0.3)
    assert len(stage.session.undo_steps) == steps + 1, "marks leave no step of undo"
    assert marked(red(node, 1001)) > 0.1 and stage.session.drawn[-1].startswith("STALE")
    nuke.undo()
    assert np.all(red(node, 1001) == 0.5), "the knob is back, and so is the frame"


def test_each_frame_has_a_mark_of_its_own(stage: Stage, node: Any) -> None:
    rendered(stage, node, 1002)
    rendered(stage, node, 1003)
    assert [marked(red(node, frame)) > 0.1 for frame in range(1000, 1006)] == [True, True, False, False, True, True]


def test_the_mark_is_off_by_a_knob(stage: Stage, node: Any) -> None:
    node["mark_frames"].setValue(False)
    assert np.allclose(red(node, 1001), GREY)


def test_the_element_alone_is_marked_too(stage: Stage, node: Any) -> None:
    node["result_mode"].setValue("element")
    shown = picture(node, 1001).channels
    assert marked(shown["rgba.red"]) > 0.1 and shown["rgba.alpha"].max() == 1.0


def test_a_track_that_was_made_again_makes_frames_stale(stage: Stage, node: Any) -> None:
    node["track"].setValue(str(stage.folder / "a.track.json"))
    (stage.folder / "a.track.json").write_text("{}")
    rendered(stage, node, 1001)
    (stage.folder / "a.track.json").write_text('{"other": 1}')
    node.redraw()
    assert node["status"].value() == "stale: 1001" and marked(red(node, 1001)) > 0.1


def test_a_picture_added_to_the_source_makes_frames_stale(stage: Stage, node: Any) -> None:
    (stage.folder / "bea").mkdir()
    (stage.folder / "bea" / "a.jpg").write_bytes(b"a")
    node["source"].setValue(str(stage.folder / "bea"))
    rendered(stage, node, 1001)
    (stage.folder / "bea" / "analysis.json").write_text("{}")
    node.redraw()
    assert node["status"].value() == "1001", "what the engine keeps beside the pictures is no change"
    (stage.folder / "bea" / "b.jpg").write_bytes(b"b")
    node.redraw()
    assert node["status"].value() == "stale: 1001"


def test_a_script_that_is_opened_again_knows_its_frames(stage: Stage, node: Any) -> None:
    """By the notes beside the frames, without an engine; a frame without a note is marked as not checked."""
    rendered(stage, node, 1001)
    node["matte_feather"].setValue(0.3)
    rendered(stage, node, 1002)
    Path(rendered(stage, node, 1003).as_posix() + ".state").unlink()
    stage.save()
    again = Stage(stage.folder / "other", stage.plate)  # another session
    nuke.scriptOpen(str(stage.script))
    node = nuke.toNode("FaceSwap1")
    assert node["status"].value() == "stale: 1001"
    assert np.all(red(node, 1002) == 0.5)
    assert marked(red(node, 1001)) > 0.1 and again.session.drawn[-1].startswith("STALE")
    assert marked(red(node, 1003)) > 0.1 and again.session.drawn[-1].startswith("NOT CHECKED")


def test_no_mark_gets_into_a_render(stage: Stage, node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a terminal, whatever the saved curve says, nor in a session while a Write runs; after it they are back."""
    rendered(stage, node, 1001)
    node["matte_feather"].setValue(0.3)
    seen: list[float] = []
    monkeypatch.setattr(
        stage.adapter("render_callbacks"), "ensure", lambda group, frame: seen.append(marked(red(group, frame)))
    )
    nuke.execute(stage.write(node), 1001, 1001)
    assert seen == [0.0] and marked(red(node, 1001)) > 0.1
    stage.save()
    Stage(stage.folder / "terminal", stage.plate, gui=False)
    nuke.scriptOpen(str(stage.script))
    assert np.all(red(nuke.toNode("FaceSwap1"), 1001) == 0.5)


def test_marks_come_back_after_a_render_that_failed(stage: Stage, node: Any) -> None:
    """Nuke calls no afterRender then."""
    stage.adapter("nodes").set_quietly(node, "rendering", True)
    node.redraw()
    assert marked(red(node, 1001)) > 0.1


def test_a_flipbook_refuses_a_frame_that_cannot_be_rendered(stage: Stage, node: Any) -> None:
    """A flipbook renders through a Write of its own; the guard stops it instead of showing the plate."""
    node["source"].setValue("")
    stage.adapter("sync").sync(node)
    node.node("Result")["file"].setValue("/somewhere/else.####.exr")
    flipbook = stage.write(node, "Flipbook")
    node.node("Result")["file"].setValue("/somewhere/else.####.exr")
    with pytest.raises(RuntimeError, match="Error: FaceSwap1"):
        stage.adapter("render_callbacks").sync = lambda group: None
        nuke.execute(flipbook, 1001, 1001)
    assert not list(stage.folder.glob("out_Flipbook/*"))


def test_the_curve_of_states() -> None:
    from adapter_modules import adapter_module

    curve = adapter_module("marks").state_curve
    assert curve({}) == "{{curve K x-100000 1}}"
    assert curve({1001: 0, 1002: 0, 1003: 2}) == "{{curve K x-100000 1 x1001 0 x1003 2 x1004 1}}"
    assert curve({0: 0}) == "{{curve K x-100000 1 x0 0 x1 1}}"
