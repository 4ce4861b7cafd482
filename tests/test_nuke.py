"""The Nuke adapter without an engine: held against the stubs, and its parts one by one."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fake_nuke
from faceplate_client import parameters
from fake_nuke import nuke
from fake_nuke.check import problems, read_stubs
from nuke_stage import PLUGIN, Stage, open_nuke
from test_client import find_python

ROOT = Path(__file__).parent.parent
ADAPTER = PLUGIN / "faceplate_nuke"
GOLDEN = Path(__file__).parent / "fake_nuke" / "faceswap.nk"
HOST_FREE = ("color", "document", "files", "frames", "link", "names", "reads", "refusal", "request", "windows")
"""Modules that must work where there is no Nuke."""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A session with a window; the plate's files do not exist."""
    return Stage(tmp_path, f"{tmp_path}/plate.####.exr")


# Against the stubs ----------------------------------------------------------------------------------------------------


def test_the_fake_has_no_name_and_no_argument_that_the_stubs_lack() -> None:
    assert problems(nuke, read_stubs()) == []


def test_the_check_of_the_fake_finds_what_is_wrong() -> None:
    wrong = ModuleType("nuke")

    class Knob:
        def getValueAt(self, time: float) -> float:
            return time

        def setValeu(self, val: float) -> None: ...

    class Knobb: ...

    def executeInMainThred(call: Any) -> None: ...

    def nodeCopy() -> None: ...

    for thing in (Knob, Knobb, executeInMainThred, nodeCopy):
        setattr(wrong, thing.__name__, thing)
    found = problems(wrong, read_stubs())
    assert len(found) == 5, found
    for word in ("Knob.getValueAt", "Knob.setValeu", "Knobb", "executeInMainThred", "nodeCopy"):
        assert any(word in line for line in found), (word, found)


def test_pyright_passes_the_adapter_and_catches_each_planted_mistake(tmp_path: Path) -> None:
    """One run over five copies: pyright needs seconds to start."""
    planted = {
        "function": ("talk.py", "nuke.tprint(", "nuke.tprnt("),
        "method": ("access.py", "knob.clearAnimated()", "knob.clearAnimation()"),
        "count": ("access.py", "nuke.root()", 'nuke.root("here")'),
        "type": ("work.py", "nuke.executing()", 'nuke.executing("now")'),
    }
    for name in ("clean", *planted):
        shutil.copytree(ADAPTER, tmp_path / name / "faceplate_nuke", ignore=shutil.ignore_patterns("__pycache__"))
    for name, (module, right, wrong) in planted.items():
        file = tmp_path / name / "faceplate_nuke" / module
        text = file.read_text("utf-8")
        assert text.count(right) >= 1, (name, "the place to plant is gone")
        file.write_text(text.replace(right, wrong, 1), "utf-8")
    whole = (ROOT / "pyproject.toml").read_text("utf-8")
    mode = re.search(r'typeCheckingMode = "(\w+)"', whole)
    assert (
        mode
        and 'root = "plugins/nuke"' in whole
        and '"plugins/nuke"' in whole.split("[tool.pyright]")[1].splitlines()[1]
    )
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps(
            {"include": ["."], "pythonVersion": "3.9", "typeCheckingMode": mode[1], "extraPaths": [str(ROOT / "core")]}
        )
    )
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(tmp_path)]
    answer = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert answer["summary"]["filesAnalyzed"] >= 5 * len(list(ADAPTER.glob("*.py")))
    found = {
        (Path(one["file"]).relative_to(tmp_path).parts[0], Path(one["file"]).name)
        for one in answer["generalDiagnostics"]
        if one["severity"] == "error"
    }
    assert found == {(name, module) for name, (module, _, _) in planted.items()}, answer["generalDiagnostics"]


def test_the_adapter_is_python_39_and_imports_the_standard_library_nuke_and_the_client() -> None:
    for file in [*ADAPTER.glob("*.py"), *PLUGIN.glob("*.py")]:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            assert node.__class__.__name__ not in ("Match", "TryStar"), file
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names.append(node.module or "")
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names | {"nuke", "faceplate_client", "faceplate_nuke"}, (file, name)
                assert not (top == "nuke" and file.stem in HOST_FREE and file.parent == ADAPTER), file


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11"])
def test_the_parts_without_nuke_run_on_nukes_pythons(version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    code = (
        "import sys, types; package = types.ModuleType('faceplate_nuke'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['faceplate_nuke'] = package; sys.path.insert(0, sys.argv[2])\n"
        f"import importlib; [importlib.import_module('faceplate_nuke.' + name) for name in {HOST_FREE!r}]\n"
        "from faceplate_nuke.reads import ReadSettings; from faceplate_nuke.frames import parse_frames\n"
        "print(parse_frames('1-3,7'), ReadSettings('Read1', 'a.####.exr', 1, 2).before)"
    )
    done = subprocess.run(
        [python, "-c", code, str(ADAPTER), str(ROOT / "core")], capture_output=True, text=True, check=False
    )
    assert done.stdout == "(1, 2, 3, 7) hold\n", done.stderr


def test_node_classes_and_knobs_are_written_down_with_their_page() -> None:
    from fake_nuke.classes import KNOBS
    from fake_nuke.pages import KNOBS_OF_EVERY_NODE, NODES

    known = {name for page in NODES.values() for name in page.knobs} | KNOBS_OF_EVERY_NODE
    own = {entry["name"] for entry in parameters()} | {
        value for value in vars(adapter_module("names")).values() if isinstance(value, str)
    }
    for file in ADAPTER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("nuke.nodes."):
                cls = ast.unparse(node.func).rpartition(".")[2]
                used = {word.arg for word in node.keywords if word.arg} - {"inputs"}
                assert used <= set(NODES[cls].knobs) | KNOBS_OF_EVERY_NODE, (file.name, cls, used)
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ):
                assert node.slice.value in known | own | _WORDS, (file.name, node.lineno, node.slice.value)
    for cls, page in NODES.items():
        assert set(page.knobs) <= set(KNOBS[cls]), cls
        assert page.url.startswith("https://learn.foundry.com/nuke/")


_WORDS = {"group", "type", "minimum", "maximum", "default", "choices", "label", "help", "animatable", "frames", "result"} | {
    "faces", "plate", "number", "box", "done", "total"
}  # fmt: skip
"""Keys of the engine's documents and of the parameter list."""


def test_no_private_name_of_the_fake_is_used() -> None:
    text = "".join(file.read_text("utf-8") for file in ADAPTER.glob("*.py"))
    assert not re.findall(r"\b(?:node|knob|group|read|write)\._\w+", text)


# The node -------------------------------------------------------------------------------------------------------------


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
        assert knob is not None and knob.Class() == kinds[entry["type"]], entry["name"]
        assert knob.value() == entry["default"] and knob.label() == entry["label"] and knob.tooltip() == entry["help"]
        assert knob.getFlag(nuke.NO_ANIMATION) is not entry["animatable"]
        if entry["type"] == "float":
            assert (knob.min(), knob.max()) == (entry["minimum"], entry["maximum"])
    tabs = [knob.label() for knob in node.allKnobs() if knob.Class() == "Tab_Knob"]
    assert tabs == ["Face", "Source", "Matte", "Light", "Output", "Engine"]
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
    """The saved script is a file that a person reads in a diff. `PYTHONPATH=. python tests/test_nuke.py` writes it anew."""
    assert written(stage) == GOLDEN.read_text("utf-8")


def written(stage: Stage) -> str:
    node = stage.faceswap()
    node["shot_id"].setValue("0123456789abcdef0123456789abcdef")
    node["frames"].setValue("")
    node["track"].setValue("")
    node["source"].setValue("/shows/demo/people/bea")
    for frame, value in ((1001, 0.02), (1004, 0.1)):
        node["matte_feather"].setValueAt(value, frame)
    node["occlusion"].setExpression("0.5 + 0.1 * sin(frame)")
    stage.write(node)
    stage.save()
    text = stage.script.read_text("utf-8").replace(str(stage.folder), "/shows/demo/sh010")
    return re.sub(r"frames_made [0-9a-f]{32}", "frames_made 0123", text)


def test_a_loaded_script_is_the_one_that_was_saved(stage: Stage) -> None:
    text = written(stage)
    before = stage.script.read_text("utf-8")
    nuke.scriptOpen(str(stage.script))
    stage.save()
    assert stage.script.read_text("utf-8") == before and "curve x1001 0.02 x1004 0.1" in text


@pytest.mark.parametrize("group_first", [False, True])
def test_copies_are_shots_of_their_own(stage: Stage, group_first: bool) -> None:
    stage.session.group_comes_first = group_first
    node = stage.faceswap(matte_feather=0.2)
    nuke.nodeCopy("%clipboard%")
    pasted = nuke.nodePaste("%clipboard%")
    assert pasted is not None
    pasted.redraw()
    first, second = stage.adapter("access").faceswaps()
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
    assert [one["shot_id"].value() for one in stage.adapter("access").faceswaps()] == [shot]


def test_making_a_node_is_one_step_of_undo(stage: Stage) -> None:
    steps = len(stage.session.undo_steps)
    stage.adapter("build").create()
    assert len(stage.session.undo_steps) == steps + 1
    nuke.undo()
    assert stage.adapter("access").faceswaps() == []


def test_status_and_colour_leave_no_step_of_undo(stage: Stage) -> None:
    node = stage.faceswap()
    stale, shot = stage.adapter("stale"), node["shot_id"].value()
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
    stale, shot = stage.adapter("stale"), node["shot_id"].value()
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


# What feeds it --------------------------------------------------------------------------------------------------------


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
    plan = stage.adapter("state").plan_of(node)
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
    assert stage.adapter("state").read_state(node, [1001]).plate == stage.read["file"].value()
    stage.read["file"].setValue(f"{tmp_path}/plate.%V.####.exr")
    node.setInput(0, stage.read)
    node["render_frame"].execute()
    assert "several views" in stage.session.said[-1]


def test_the_source_input_is_a_read_or_nothing(stage: Stage) -> None:
    node = stage.faceswap()
    person = nuke.nodes.Read(file="/people/bea/front.jpg")
    node.setInput(2, person)
    assert stage.adapter("state").read_state(node, [1001]).source == "/people/bea/front.jpg"
    person["file"].setValue("/people/bea/take.####.exr")
    assert stage.adapter("state").read_state(node, [1001]).source == "/people/bea"
    node.setInput(2, nuke.nodes.Blur(inputs=[person]))
    node["render_frame"].execute()
    assert "source input" in stage.session.said[-1]


def test_the_search_box_is_turned_upside_down(stage: Stage) -> None:
    import numpy as np

    from plates import write_plate

    write_plate(stage.folder / "plate.1001.exr", np.zeros((100, 200, 3), np.float32))
    node = stage.faceswap(use_search=True, search=[10, 20, 110, 70])
    assert stage.adapter("state").read_state(node, [1001]).search == (10, 30, 100, 50)
    crop = node.node("PlateCrop")
    assert crop["box"].value() == [10, 20, 110, 70] and not crop["disable"].value()


def test_a_display_window_may_begin_anywhere(tmp_path: Path) -> None:
    import numpy as np

    from faceplate.image.window import Window
    from plates import write_plate

    windows = adapter_module("windows")
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
    file_pattern = stage.adapter("access").file_pattern
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
    state = stage.adapter("state").read_state(node, [1001, 1002, 1003])
    assert state.values(1002)["grain"] == pytest.approx(0.2) and state.values(1002)["shape"] == pytest.approx(0.5)
    assert state.values(1003)["shape"] == 1.0 and state.values(1001)["matte_feather"] == 0.045
    assert state.structure["generator"] == "mesh" and "shape" not in state.structure


# Reads: the adapter's rules against the fake's ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def holes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("holes")
    for frame in (5, 6, 8, 9, 12):
        (folder / f"p.{frame:04d}.exr").touch()
    return folder


@settings(max_examples=150, deadline=None)
@given(
    frame=st.integers(-20, 40),
    edges=st.tuples(st.sampled_from(["hold", "loop", "black"]), st.sampled_from(["hold", "loop", "black"])),
    mode=st.sampled_from(
        [("expression", ""), ("expression", "frame+4"), ("expression", "frame - 3"), ("start at", "1")]
    ),
    on_error=st.sampled_from(["error", "black", "nearest frame"]),
)
def test_a_read_shows_the_file_that_it_should(
    holes: Path, frame: int, edges: tuple[str, str], mode: tuple[str, str], on_error: str
) -> None:
    """Foundry's rules written down twice, once in the adapter and once in the fake."""
    from fake_nuke.pixels import _file

    fake_nuke.start()
    knobs: dict[str, Any] = {"first": 5, "last": 12, "before": edges[0], "after": edges[1]}
    knobs |= {"frame_mode": mode[0], "frame": mode[1], "on_error": on_error}
    pattern = f"{holes}/p.####.exr"
    node = nuke.nodes.Read(name="Read1", file=pattern, **knobs)
    reads = adapter_module("reads")
    read = reads.ReadSettings(name="Read1", file=pattern, **knobs)
    assert reads.only_through_nuke(read, lambda name: True) is None
    try:
        shown = _file(node, pattern, frame)
    except RuntimeError:
        shown = None
    try:
        mine = f"{holes}/p.{reads.file_frame(read, frame):04d}.exr"
    except adapter_module("refusal").Refusal as refusal:
        mine = None
        assert str(refusal).endswith(".") and "Read1" in str(refusal)
    assert mine == shown


def adapter_module(name: str) -> Any:
    """A module of the adapter, with the plug-in loaded if it is not."""
    if "faceplate_nuke" not in sys.modules:
        open_nuke(gui=False)
    __import__("faceplate_nuke." + name)
    return sys.modules["faceplate_nuke." + name]


# Documents ------------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 1.0]), min_size=1, max_size=12), st.integers(-5, 2000))
def test_keys_give_back_every_value(values: list[float], first: int) -> None:
    import numpy as np

    curve = {first + index: value for index, value in enumerate(values)}
    keys = adapter_module("document").keys_of(curve)
    again = np.interp(list(curve), [key[0] for key in keys], [key[1] for key in keys])
    assert again == pytest.approx(values, abs=1e-8)
    assert len(keys) <= max(1, len(values))


def test_a_ramp_is_two_keys_and_a_constant_one() -> None:
    keys_of = adapter_module("document").keys_of
    assert keys_of({frame: frame / 100 for frame in range(1, 50)}) == [[1, 0.01, "linear"], [49, 0.49, "linear"]]
    assert keys_of({frame: 0.3 for frame in range(1, 50)}) == [[1, 0.3, "linear"]]


def test_an_exported_document_is_one_that_the_engine_knows(stage: Stage) -> None:
    from faceplate.shot.document import ShotDocument

    for frame in range(1001, 1007):
        (stage.folder / f"plate.{frame}.exr").touch()
    node = stage.faceswap()
    node["grain"].setExpression("frame == 1003 ? 0.5 : 1")
    state = stage.adapter("state").read_state(node, range(1001, 1007))
    document = stage.adapter("document").exported_document(state, "out/e.####.exr")
    known = ShotDocument.model_validate(json.loads(json.dumps(document)), strict=False)
    assert known.frames == "1001-1006" and known.host is not None and known.host.app == "nuke"
    assert document["parameters"]["grain"]["keys"][0] == [1001, 1.0, "linear"]
    assert document["working"] == "ACEScg" and document["space"] == "ACEScg"


def test_of_frames_that_show_one_file_the_first_gives_the_key(stage: Stage) -> None:
    for frame in (1001, 1002):
        (stage.folder / f"plate.{frame}.exr").touch()
    stage.read["last"].setValue(1002)
    node = stage.faceswap()
    node["grain"].setExpression("(frame - 1000) / 10")
    state = stage.adapter("state").read_state(node, range(1001, 1005))
    document = stage.adapter("document").exported_document(state, "out/e.####.exr")
    assert document["frames"] == "1001-1002"
    assert document["parameters"]["grain"]["keys"] == [[1001, 0.1, "linear"], [1002, 0.2, "linear"]]


# Colour ---------------------------------------------------------------------------------------------------------------


def test_colour_management_is_handed_on() -> None:
    color = adapter_module("color")
    made = color.ColorSettings
    legacy = made("Nuke", "nuke-default", working="linear")
    assert color.config_of(legacy) is None and color.working_space(legacy) == "Linear Rec.709 (sRGB)"
    assert color.space_of(legacy, "linear", False) == "Linear Rec.709 (sRGB)"
    custom = made("OCIO", "custom", "/c/config.ocio", "ACES - ACEScg")
    assert color.config_of(custom) == "/c/config.ocio" and color.working_space(custom) == "ACES - ACEScg"
    assert color.space_of(custom, "ACES - ACES2065-1", False) == "ACES - ACES2065-1"
    assert color.space_of(custom, "whatever", True) == "ACES - ACEScg"
    assert color.config_of(made("OCIO", "custom", "/c/config.ocio", environment="/e.ocio")) == "/e.ocio"
    shipped = made("OCIO", "aces_1.2", config_folder="/n/configs")
    assert color.config_of(shipped, lambda path: path == "/n/configs/aces_1.2/config.ocio").endswith(
        "aces_1.2/config.ocio"
    )
    with pytest.raises(adapter_module("refusal").Refusal, match=r"aces_1\.2"):
        color.config_of(shipped, lambda path: False)
    assert color.plain_name("default (ACES - ACEScg)") == "ACES - ACEScg"


def test_the_names_that_the_adapter_takes_for_linear_are_linear() -> None:
    """Against the config itself: every space that the names call linear decodes without a curve."""
    import numpy as np

    from faceplate.color import ColorConfig

    is_linear = adapter_module("color").is_linear
    config = ColorConfig.load(environ={})
    raw = __import__("PyOpenColorIO").Config.CreateFromBuiltinConfig("cg-config-v2.1.0_aces-v1.3_ocio-v2.3")
    names = [space.getName() for space in raw.getColorSpaces()]
    called = [name for name in names if is_linear(name)]
    assert "ACEScg" in called and "Linear Rec.709 (sRGB)" in called and "ARRI LogC3 (EI800)" not in called
    sample = np.full((1, 1, 3), 0.2, np.float32)
    for name in called:
        once = config.convert(sample, config.resolve(name), config.resolve("ACEScg"))
        twice = config.convert(2 * sample, config.resolve(name), config.resolve("ACEScg"))
        assert np.allclose(twice, 2 * once, rtol=1e-5), name


def test_the_proxy_factor_is_no_coarser_than_the_projects(stage: Stage) -> None:
    factor, root = stage.adapter("state").proxy_factor, nuke.root()
    assert factor() == 1
    root["proxy"].setValue(True)
    root["proxy_type"].setValue("scale")
    for scale, expected in ((1.0, 1), (0.5, 2), (0.4, 2), (0.25, 4), (0.1, 8), (0.05, 8)):
        root["proxy_scale"].setValue(scale)
        assert factor() == expected, scale


# Threads and rendering, without an engine -----------------------------------------------------------------------------


def test_the_fake_refuses_other_threads_and_nesting(stage: Stage) -> None:
    caught: list[BaseException] = []

    def elsewhere() -> None:
        try:
            stage.read["first"].setValue(3)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])
    with pytest.raises(RuntimeError, match="main thread"):
        nuke.executeInMainThread(print)


def test_callbacks_come_in_nukes_order(stage: Stage, tmp_path: Path) -> None:
    import numpy as np

    from plates import write_plate

    for frame in (1001, 1002):
        write_plate(tmp_path / f"plate.{frame}.exr", np.zeros((4, 4, 3), np.float32))
    write = stage.write(stage.read)
    heard: list[str] = []
    write["beforeFrameRender"].setValue("nuke.heard.append('knob')")
    nuke.heard = heard  # type: ignore[attr-defined]
    nuke.addBeforeFrameRender(lambda: heard.append("*"), nodeClass="*")
    nuke.addBeforeFrameRender(lambda: heard.append("Write"))
    nested: list[str] = []

    def nest() -> None:
        try:
            nuke.execute(write, 1001, 1001)
        except RuntimeError as error:
            nested.append(str(error))

    nuke.addAfterFrameRender(nest)
    stage.session.log.clear()
    nuke.execute(write, 1001, 1002)
    del nuke.heard  # type: ignore[attr-defined]
    assert heard == ["knob", "Write", "*"] * 2
    assert [(event, frame) for event, _, frame in stage.session.log] == [
        ("beforeRender", 1001),
        ("beforeFrameRender", 1001),
        ("afterFrameRender", 1001),
        ("beforeFrameRender", 1002),
        ("afterFrameRender", 1002),
        ("afterRender", 1001),
    ]
    assert nested == ["I'm already executing something else"] * 2


def test_a_stale_prerender_fails_the_render_with_what_to_type(stage: Stage) -> None:
    node = stage.faceswap(nuke.nodes.Grade(inputs=[stage.read]))
    write = stage.write(node)
    stage.save()
    with pytest.raises(RuntimeError, match=r"Error: FaceSwap1 \(frame 1001\).*nuke -X FaceSwap1\.PlateOut"):
        nuke.execute(write, 1001, 1001)
    assert stage.session.printed[-1].startswith("Error: FaceSwap1")


def test_a_node_that_is_switched_off_asks_for_nothing(stage: Stage, tmp_path: Path) -> None:
    import numpy as np

    from plates import write_plate

    write_plate(tmp_path / "plate.1001.exr", np.zeros((4, 4, 3), np.float32))
    write = stage.write(stage.faceswap(disable=True))
    nuke.execute(write, 1001, 1001)
    assert (tmp_path / "out_Write1" / "final.1001.exr").exists()


@pytest.mark.parametrize(
    "button", ["track_shot", "render_frame", "render_range", "take_pick", "export_shot", "track_nodes"]
)
def test_a_button_that_cannot_do_it_says_one_sentence(stage: Stage, button: str) -> None:
    node = stage.faceswap()
    stage.session.answers["getFilename"] = str(stage.folder / "a.shot.json")
    node[button].execute()
    assert len(stage.session.said) == 1 and stage.session.said[0].endswith(".")
    assert "Traceback" not in stage.session.said[0]


@pytest.mark.parametrize(
    ("words", "kept", "frames", "writes"),
    [
        (["a.nk", "--frames=1-3,7"], "", (1, 2, 3, 7), []),
        (["a.nk", "--frames=1-3", "Write2"], "", (1, 2, 3), ["Write2"]),
        (["a.nk", "Write2"], "5-6", (5, 6), ["Write2"]),
        (["a.nk"], "5,8", (5, 6, 7, 8), []),
        (["a.nk"], "5", (5,), []),
    ],
)
def test_words_of_render_faceplate(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    kept: str,
    frames: tuple[int, ...],
    writes: list[str],
) -> None:
    """`kept` is what Nuke takes off the end of the script's words."""
    monkeypatch.setattr(nuke, "rawArgs", ["nuke", "-t", "render_faceplate.py", *words, *([kept] if kept else [])])
    assert stage.adapter("farm")._asked(words) == ("a.nk", frames, writes)


def test_a_template_and_its_undo(stage: Stage) -> None:
    node = stage.faceswap()
    node["comp_template"].execute()
    merge = next(one for one in nuke.allNodes("Merge2"))
    assert merge.input(0) is stage.read and node["result_mode"].value() == "element"
    classes = []
    here = merge.input(1)
    while here is not node:
        classes.append(here.Class())
        here = here.input(0)
    assert classes == ["Grain2", "Premult", "Grade", "Unpremult"]
    nuke.undo()
    assert (
        nuke.allNodes("Merge2") == []
        and nuke.allNodes("Grade") == []
        and node["result_mode"].value() == "over the plate"
    )


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        GOLDEN.write_text(written(Stage(Path(made), f"{made}/plate.####.exr")), "utf-8")
