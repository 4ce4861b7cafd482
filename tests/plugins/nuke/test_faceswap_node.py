"""The FaceSwap node: knobs, layers, saved scripts, copies, undo, status."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

import fake_nuke
from adapter_modules import GOLDEN, ROOT, written
from faceplate_client import CHOSEN, __version__, parameters
from fake_nuke import nuke
from nuke_stage import PLUGIN, Stage, open_nuke


def test_knobs_are_made_from_the_list(stage: Stage) -> None:
    node = stage.faceswap()
    kinds = {
        "float": "Double_Knob",
        "int": "Int_Knob",
        "choice": "Enumeration_Knob",
        "string": "String_Knob",
        "path": "File_Knob",
    }
    for entry in parameters():
        knob = node.knob(entry["name"])
        pulldown = entry["name"] in CHOSEN
        kind, value = (
            ("Enumeration_Knob", entry["default"] or "default")
            if pulldown
            else (kinds[entry["type"]], entry["default"])
        )
        assert knob is not None and knob.Class() == kind, entry["name"]
        assert knob.value() == value and knob.label() == entry["label"] and knob.tooltip() == entry["help"]
        assert knob.getFlag(nuke.NO_ANIMATION) is not entry["animatable"]
        if entry["type"] == "float":
            assert (knob.min(), knob.max()) == (entry["minimum"], entry["maximum"])
    tabs = [knob.label() for knob in node.allKnobs() if knob.Class() == "Tab_Knob"]
    named = "Face, Track, Source, Faces, Expression, Matte, Light, Lens, Output, Export, Engine, About"
    assert ", ".join(tabs) == named
    assert node.knob("pick").Class() == "XY_Knob" and node.knob("search").Class() == "BBox_Knob"


def test_every_knob_has_a_tooltip_and_every_path_is_a_file_knob(stage: Stage) -> None:
    node = stage.faceswap()
    for name in node._user:
        knob = node.knob(name)
        silent = knob.Class() in ("Tab_Knob", "Text_Knob") or not knob.visible()
        assert silent or len(knob.tooltip()) > 10, name
    for inside in [node, *node.everybody()]:
        for knob in inside.allKnobs():
            looks = isinstance(knob.value(), str) and knob.value().startswith(str(stage.folder))
            assert not looks or knob.Class() == "File_Knob", knob.fullyQualifiedName()


def test_no_two_knobs_have_one_label(stage: Stage) -> None:
    node = stage.faceswap()
    shown = [
        node.knob(name) for name in node._user if node.knob(name).visible() and node.knob(name).Class() != "Tab_Knob"
    ]
    labels = [knob.label() for knob in shown if knob.label()]
    assert sorted(labels) == sorted(set(labels))
    assert all(knob.label() for knob in shown if knob.Class() != "Text_Knob")


def test_export_track_and_about_have_tabs_of_their_own(stage: Stage) -> None:
    node, tab, where = stage.faceswap(), "", {}
    for name in node._user:
        tab = node.knob(name).label() if node.knob(name).Class() == "Tab_Knob" else tab
        where[name] = tab
    assert {where[name] for name in ("export_shot", "comp_template", "create_take", "contact_sheet")} == {"Export"}
    assert {where[name] for name in ("track_shot", "track", "track_nodes", "fit_search")} == {"Track"}
    assert {where[name] for name in ("open_help", "plugin_version", "engine_state")} == {"About"}
    assert node["plugin_version"].value() == __version__


def test_the_help_button_opens_the_page_of_the_documentation(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    stage.faceswap()["open_help"].execute()
    page = Path(opened[0].removeprefix("file://"))
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "nuke.md").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"<h2[^>]*>(.+?)</h2>", page.read_text("utf-8")) == headings, "run docs/make_nuke_help.py"


def test_inputs_are_plate_matte_and_source(stage: Stage) -> None:
    node = stage.faceswap()
    names = {int(one["number"].value()): one.name() for one in node.nodes() if one.Class() == "Input"}
    assert names == {0: "plate", 1: "matte", 2: "source"}
    assert node.input(0) is stage.read


def test_layers_are_made_once(stage: Stage) -> None:
    stage.faceswap()
    before = {name: list(channels) for name, channels in stage.session.layers.items()}
    assert before["faceplate_matte"] == ["alpha"] and before["faceplate_raw"] == ["red", "green", "blue"]
    stage.session.layers["faceplate_matte"].append("mine")
    stage.faceswap()
    assert stage.session.layers["faceplate_matte"] == ["alpha", "mine"]


def test_layers_that_are_asked_for_are_copied(stage: Stage) -> None:
    node = stage.faceswap()
    assert [node.node("Layer_" + name)["disable"].value() for name in ("matte", "raw", "stmap")] == [False, True, True]
    node["layers"].setValue("matte, raw")
    assert [node.node("Layer_" + name)["disable"].value() for name in ("matte", "raw", "stmap")] == [False, False, True]


def test_start_up_scripts_are_short_and_ask_nothing_of_a_window(stage: Stage) -> None:
    for name in ("init.py", "menu.py"):
        lines = [line for line in (PLUGIN / name).read_text("utf-8").splitlines() if line.strip()]
        assert len(lines) <= 4
    session = open_nuke(gui=False)  # the fake raises at every call of the window
    assert session.menus == {}
    assert {"onCreate", "beforeFrameRender", "afterFrameRender", "onScriptLoad"} <= set(session.callbacks)
    assert "updateUI" not in session.callbacks


def test_the_menu_has_an_icon_that_is_there(stage: Stage) -> None:
    item = nuke.menu("Nodes").findItem("Faceplate")
    assert item is not None and item.findItem("FaceSwap") is not None
    assert any((Path(folder) / item.icon()).is_file() for folder in nuke.pluginPath())


def test_golden_script(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saved script is a file that a person reads in a diff. `adapter_modules.py` writes it anew."""
    assert written(stage) == GOLDEN.read_text("utf-8")


def test_a_loaded_script_is_the_one_that_was_saved(stage: Stage) -> None:
    text = written(stage)
    before = stage.script.read_text("utf-8")
    nuke.scriptOpen(str(stage.script))
    stage.save()
    assert stage.script.read_text("utf-8") == before and "curve x1001 0.02 x1004 0.1" in text


def test_a_script_of_version_0_1_keeps_its_values_under_former_parameter_names(stage: Stage) -> None:
    text = GOLDEN.with_name("faceswap_0_1.nk").read_text("utf-8")
    for knob, value in (("keep", "eyes"), ("garbage", "/g.####.exr")):
        line = next(line for line in text.splitlines() if line.startswith(" addUserKnob") and f" {knob} l " in line)
        text = text.replace(line, f"{line}\n {knob} {value}")
    for frame in range(1001, 1007):
        (stage.folder / f"plate.{frame}.exr").touch()
    stage.script.write_text(text.replace("/shows/demo/sh010", str(stage.folder)), "utf-8")
    nuke.scriptOpen(str(stage.script))
    node = nuke.toNode("FaceSwap1")
    state = stage.adapter("node_state").read_state(node, [1001])
    assert state.structure["keep_regions"] == "eyes" and state.constants["garbage_matte"] == "/g.####.exr"
    assert "holdout_matte" not in state.constants and not {"keep", "hold_out"} & set(state.structure)
    assert {"keep", "garbage", "hold_out"} <= set(stage.adapter("node_state").knob_names(node))


@pytest.mark.parametrize("group_first", [False, True])
def test_copies_are_shots_of_their_own(stage: Stage, group_first: bool) -> None:
    stage.session.group_comes_first = group_first
    node = stage.faceswap(matte_feather=0.2)
    nuke.nodeCopy("%clipboard%")
    pasted = nuke.nodePaste("%clipboard%")
    assert pasted is not None
    pasted.redraw()
    first, second = stage.adapter("nodes").faceswaps()
    assert first is node and second["matte_feather"].value() == 0.2
    assert first["shot_id"].value() != second["shot_id"].value()
    assert first["frames"].value() != second["frames"].value()
    assert second.node("Result")["file"].value() == second["frames"].value()


def test_another_version_of_the_script_has_frames_of_its_own(stage: Stage) -> None:
    """A render of the old version must not meet frames of the new one. A path that a person has typed stays."""
    node = stage.faceswap()
    track, before = node["track"].value(), node["frames"].value()
    stage.save()
    assert node["frames"].value() == before and "/faceplate/shot/" in before
    nuke.scriptSaveAs(str(stage.folder / "shot_v002.nk"), 1)
    assert "/faceplate/shot_v002/" in node["frames"].value() and node["track"].value() == track
    assert node.node("Result")["file"].value() == node["frames"].value()
    node["frames"].setValue("/mine/e.####.exr")
    nuke.scriptSaveAs(str(stage.folder / "shot_v003.nk"), 1)
    assert node["frames"].value() == "/mine/e.####.exr"


def test_a_copy_of_the_script_elsewhere_keeps_its_frames(stage: Stage, tmp_path: Path) -> None:
    """Farm managers copy scripts."""
    node = stage.faceswap()
    stage.save()
    before = node["frames"].value()
    copy = tmp_path / "spool" / "job 17.nk"
    copy.parent.mkdir()
    shutil.copyfile(stage.script, copy)
    nuke.scriptOpen(str(copy))
    assert nuke.toNode("FaceSwap1")["frames"].value() == before


def test_a_node_brought_back_by_undo_keeps_its_shot(stage: Stage) -> None:
    node = stage.faceswap()
    shot = node["shot_id"].value()
    nuke.delete(node)
    nuke.undo()
    assert [one["shot_id"].value() for one in stage.adapter("nodes").faceswaps()] == [shot]


def test_making_a_node_is_one_step_of_undo(stage: Stage) -> None:
    steps = len(stage.session.undo_steps)
    stage.adapter("group").create()
    assert len(stage.session.undo_steps) == steps + 1
    nuke.undo()
    assert stage.adapter("nodes").faceswaps() == []


def test_status_and_colour_leave_no_step_of_undo(stage: Stage) -> None:
    node = stage.faceswap()
    stale, shot = stage.adapter("frame_status"), node["shot_id"].value()
    stale.LEDGER.rendered(shot, 1001, stale.knobs_name(node))
    steps = len(stage.session.undo_steps)
    node["matte_feather"].setValue(0.3)
    assert node["status"].value() == "stale: 1001" and node["tile_color"].value() == 0xC88020FF
    assert len(stage.session.undo_steps) == steps + 1
    nuke.undo()
    assert node["matte_feather"].value() == 0.045
    assert node["status"].value() != "stale: 1001" and node["tile_color"].value() == 0


def test_upstream_changes_make_frames_stale_when_nuke_redraws(stage: Stage) -> None:
    grade = nuke.nodes.Grade(inputs=[stage.read])
    node = stage.faceswap(grade)
    stale, shot = stage.adapter("frame_status"), node["shot_id"].value()
    stale.LEDGER.rendered(shot, 1001, stale.knobs_name(node))
    grade["white"].setValue(2.0)
    node.redraw()
    assert node["status"].value() == "stale: 1001"


def test_the_label_shows_the_status(stage: Stage) -> None:
    assert stage.faceswap()["label"].value() == "[value status]"


def test_an_unsaved_script_is_refused_with_a_sentence(stage: Stage) -> None:
    node = stage.faceswap()
    nuke.root()["name"]._values[0] = ""
    node["render_frame"].execute()
    assert stage.session.said[-1].startswith("Save the script first")


def test_a_node_without_plate_is_refused_with_a_sentence(stage: Stage) -> None:
    node = stage.faceswap()
    node.setInput(0, None)
    node["render_frame"].execute()
    assert stage.session.said[-1] == "Connect a plate to FaceSwap1."


def test_a_machine_without_the_plugin_fails(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames lie in the cache, of which nobody knows whether they are current: they must not be taken."""
    node = stage.faceswap()
    write = stage.write(node)
    stage.save()
    fake_nuke.start(gui=False)  # no plug-in loaded
    monkeypatch.setitem(sys.modules, "faceplate_nuke", None)
    nuke.scriptOpen(str(stage.script))
    with pytest.raises(RuntimeError, match="Faceplate is not installed on this machine"):
        nuke.toNode("FaceSwap1").node("Result").channels()
    assert write is not None
