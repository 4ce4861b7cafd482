"""What feeds a FaceSwap: its Read, views, search box, paths and values."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter_modules import adapter_module
from fake_nuke import nuke
from nuke_stage import Stage


def test_a_read_is_found_through_what_changes_no_pixel(stage: Stage) -> None:
    plain_read = stage.adapter("upstream").plain_read
    off = nuke.nodes.Blur(inputs=[stage.read], disable=True, size=3)
    dot = nuke.nodes.Dot(inputs=[nuke.nodes.PostageStamp(inputs=[off])])
    assert plain_read(dot) is stage.read
    off["disable"].setValue(False)
    assert plain_read(dot) is None
    assert plain_read(None) is None


def test_inside_a_group_the_read_is_found_outside(stage: Stage) -> None:
    group = nuke.nodes.Group(inputs=[stage.read])
    with group:
        inner = nuke.nodes.Input(name="Input1")
    assert stage.adapter("upstream").plain_read(inner) is stage.read


def test_the_inner_write_is_on_only_where_it_is_needed(stage: Stage) -> None:
    node = stage.faceswap()
    assert node.node("PlateOut")["disable"].value() and node.node("MatteOut")["disable"].value()
    node.setInput(0, nuke.nodes.Grade(inputs=[stage.read]))
    node.setInput(1, nuke.nodes.Blur(inputs=[stage.read]))
    assert not node.node("PlateOut")["disable"].value() and not node.node("MatteOut")["disable"].value()
    assert node.node("Result")["raw"].value()


@pytest.mark.parametrize(
    ("knob", "value", "word"),
    [
        ("file", "/x/plate.####.dpx", "OpenEXR"),
        ("file", "/x/plate.exr", "single file"),
        ("file", "[getenv SHOT]/plate.####.exr", "expressions"),
        ("colorspace", "ARRI LogC3 (EI800)", "linear"),
        ("before", "bounce", "bounces"),
        ("frame", "frame*2", "retimes"),
    ],
)
def test_reads_that_only_nuke_can_read(stage: Stage, knob: str, value: str, word: str) -> None:
    node = stage.faceswap()
    stage.read[knob].setValue(value)
    plan = stage.adapter("node_state").plan_of(node)
    assert plan.read is None and word in plan.why


def test_a_name_for_what_is_upstream(stage: Stage) -> None:
    state_of = stage.adapter("upstream").state_of
    grade = nuke.nodes.Grade(inputs=[stage.read])
    blur = nuke.nodes.Blur(inputs=[grade], size=2)
    before = state_of(blur, 1001)
    grade.setXYpos(50, 60)
    grade["label"].setValue("nice")
    assert state_of(blur, 1001) == before
    for change in (
        lambda: grade["white"].setValue(1.5),
        lambda: grade["white"].setValueAt(2.0, 1003),
        lambda: blur["size"].setExpression("frame / 1000"),
        lambda: stage.read["first"].setValue(1000),
        lambda: (stage.folder / "plate.1001.exr").write_bytes(b"other"),
        lambda: blur.setInput(0, stage.read),
    ):
        change()
        assert state_of(blur, 1001) != before
        before = state_of(blur, 1001)


def test_expressions_are_followed_to_other_nodes(stage: Stage) -> None:
    control = nuke.nodes.NoOp(name="Control")
    control.addKnob(nuke.Double_Knob("amount", "amount"))
    blur = nuke.nodes.Blur(inputs=[stage.read])
    blur["size"].setExpression("Control.amount")
    state_of = stage.adapter("upstream").state_of
    before = state_of(blur)
    control["amount"].setValue(3.0)
    assert state_of(blur) != before


def test_render_order_puts_inner_writes_first(stage: Stage) -> None:
    first = stage.faceswap()
    second = stage.faceswap(nuke.nodes.Grade(inputs=[first]))
    write = stage.write(second)
    stage.save()
    orders = [node["render_order"].value() for node in (first.node("PlateOut"), second.node("PlateOut"), write)]
    assert orders == sorted(set(orders)), orders


def test_faceswaps_are_named_in_their_order(stage: Stage) -> None:
    first = stage.faceswap()
    second = stage.faceswap(nuke.nodes.Grade(inputs=[first]))
    merge = nuke.nodes.Merge2(inputs=[first, second])
    assert stage.adapter("upstream").faceswaps_before(stage.write(merge)) == [first, second]


def test_several_views_are_refused(stage: Stage, tmp_path: Path) -> None:
    nuke.root()["views"].setValue("left right")
    node = stage.faceswap(nuke.nodes.Grade(inputs=[stage.read]))
    node["render_frame"].execute()
    assert "left, right" in stage.session.said[-1]
    (tmp_path / "plate.1001.exr").write_bytes(b"\x76\x2f\x31\x01....multiView\0stringvector\0....")
    node.setInput(0, stage.read)
    node["render_frame"].execute()
    assert "left, right" in stage.session.said[-1]
    (tmp_path / "plate.1001.exr").write_bytes(b"\x76\x2f\x31\x01....channels\0chlist\0....")
    assert stage.adapter("node_state").read_state(node, [1001]).plate == stage.read["file"].value()
    stage.read["file"].setValue(f"{tmp_path}/plate.%V.####.exr")
    node.setInput(0, stage.read)
    node["render_frame"].execute()
    assert "several views" in stage.session.said[-1]


def test_the_source_input_is_a_read_or_nothing(stage: Stage) -> None:
    node = stage.faceswap()
    person = nuke.nodes.Read(file="/people/bea/front.jpg")
    node.setInput(2, person)
    assert stage.adapter("node_state").read_state(node, [1001]).source == "/people/bea/front.jpg"
    person["file"].setValue("/people/bea/take.####.exr")
    assert stage.adapter("node_state").read_state(node, [1001]).source == "/people/bea"
    node.setInput(2, nuke.nodes.Blur(inputs=[person]))
    node["render_frame"].execute()
    assert "source input" in stage.session.said[-1]


def test_the_search_box_is_turned_upside_down(stage: Stage) -> None:
    import numpy as np

    from plates import write_plate

    write_plate(stage.folder / "plate.1001.exr", np.zeros((100, 200, 3), np.float32))
    node = stage.faceswap(use_search=True, search=[10, 20, 110, 70])
    assert stage.adapter("node_state").read_state(node, [1001]).search == (10, 30, 100, 50)
    crop = node.node("PlateCrop")
    assert crop["box"].value() == [10, 20, 110, 70] and not crop["disable"].value()


def test_a_display_window_may_begin_anywhere(tmp_path: Path) -> None:
    import numpy as np

    from faceplate.image.window import Window
    from plates import write_plate

    windows = adapter_module("coordinates")
    plate = tmp_path / "p.0007.exr"
    write_plate(plate, np.zeros((30, 40, 3), np.float32), data=Window(-4, 90, 40, 30), display=Window(-10, 80, 60, 50))
    display = windows.display_of(f"{tmp_path}/p.####.exr", 3, 1, 1)
    assert display == windows.Display(-10, 80, 60, 50)
    assert display.point_to_file(0, 50) == (-10, 80) and display.point_to_file(60, 0) == (50, 130)
    assert display.box_to_file((5, 10, 25, 40)) == (-5, 90, 20, 30)
    assert display.box_from_file(-5, 90, 15, 120) == (5, 10, 25, 40)
    assert display.box_from_file(-500, -500, 500, 500) == (0, 0, 60, 50)
    assert windows.display_of("/nowhere/p.####.exr", 1, 20, 10) == windows.Display(0, 0, 20, 10)


def test_a_relative_path_begins_where_nuke_has_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_pattern = stage.adapter("nodes").file_pattern
    stage.read["file"].setValue("plates/a.####.exr")
    monkeypatch.chdir(tmp_path)
    assert file_pattern(stage.read, "file") == f"{tmp_path}/plates/a.####.exr"
    nuke.root()["project_directory"].setValue("/shows/[getenv SHOW]")
    monkeypatch.setenv("SHOW", "demo")
    assert file_pattern(stage.read, "file") == "/shows/demo/plates/a.####.exr"


def test_values_are_read_at_their_frames(stage: Stage) -> None:
    node = stage.faceswap()
    node["grain"].setExpression("(frame - 1000) / 10")
    node["shape"].setValueAt(0.0, 1001)
    node["shape"].setValueAt(1.0, 1003)
    state = stage.adapter("node_state").read_state(node, [1001, 1002, 1003])
    assert state.values(1002)["grain"] == pytest.approx(0.2) and state.values(1002)["shape"] == pytest.approx(0.5)
    assert state.values(1003)["shape"] == 1.0 and state.values(1001)["matte_feather"] == 0.045
    assert state.structure["generator"] == "mesh" and "shape" not in state.structure
