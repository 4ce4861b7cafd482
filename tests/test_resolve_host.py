"""Resolve's adapter without an engine: held against the stubs, the fake held against them too, and each module alone."""

from __future__ import annotations

import ast
import importlib
import json
import shutil
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import fake_resolve
import stub_check
from faceplate.color import ColorConfig
from faceplate.shot.document import ShotDocument
from faceplate_client import EngineError, parameters
from faceplate_resolve.clip import judge, read_clip
from faceplate_resolve.deliver import exr_codec, settings_for
from faceplate_resolve.errors import HostError
from faceplate_resolve.host import Host, from_menu, from_outside, has
from faceplate_resolve.media import files_of, short_name
from faceplate_resolve.memory import Memory, folder_name, load_shot, memory_of, save_shot, take_of, write_memory
from faceplate_resolve.panel import ESSENTIALS, Answer, panel_for, read_answer
from faceplate_resolve.spaces import SPACES, delivered_space, is_managed, ocio_space
from faceplate_resolve.steps import Steps
from faceplate_resolve.swap import plate_space
from faceplate_resolve.talk import Console, talk_for
from faceplate_resolve.window import Window
from fake_resolve import ColorGroup, Graph, MediaPoolItem, Project, Resolve, Timeline, World
from fake_resolve.ui import Bmd, Fusion

ADAPTER = Path(__file__).parent.parent / "plugins" / "resolve"
CLIENT = Path(__file__).parent.parent / "core"
OWN = Answer("people/bea", "results", "auto", 8, True, "", {})


@pytest.fixture
def edit() -> tuple[World, Project, Timeline]:
    world = World()
    project = Project(world, "p", "24")
    project._timeline = Timeline(world, "t", "24", 86400)
    return world, project, project._timeline


class TestStubs:
    def test_the_fake_has_nothing_that_resolve_has_not(self) -> None:
        assert stub_check.problems(fake_resolve, stub_check.read_stubs("fusionscript-stubs"), {"World"}) == []

    def test_the_check_finds_what_is_made_up(self) -> None:
        class Project:
            def AddRenderJob(self, name: str) -> str:  # noqa: N802
                return name

            def RenderNow(self) -> bool:  # noqa: N802
                return True

        class Swapper:
            pass

        module: Any = type(sys)("made_up")
        module.Project, module.Swapper = Project, Swapper
        found = stub_check.problems(module, stub_check.read_stubs("fusionscript-stubs"))
        assert (
            len(found) == 3 and any("RenderNow" in line for line in found) and any("Swapper" in line for line in found)
        )

    def test_dictionaries_for_resolve_use_its_keys(self) -> None:
        keys = stub_check.read_stubs("fusionscript-stubs").keys
        assert set(settings_for("folder", "name", 1, 2)) <= keys["RenderSettings"]
        text = (ADAPTER / "faceplate_resolve" / "place.py").read_text()
        used = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        assert keys["ImportClipInfo"] <= used and keys["MediaPoolClipInfo"] <= used

    def test_pyright_finds_planted_mistakes_and_nothing_else(self, tmp_path: Path) -> None:
        """Each mistake is one that a test without Resolve would not notice; the adapter as it is has none."""
        target = tmp_path / "faceplate_resolve"
        shutil.copytree(ADAPTER / "faceplate_resolve", target, ignore=shutil.ignore_patterns("__pycache__"))
        mistakes = {
            "deliver.py": ("project.AddRenderJob()", "project.AddRenderJobs()"),
            "place.py": ("item.SelectTakeByIndex(number)", "item.SelectTakeByIndex(str(number))"),
            "clip.py": ("item.GetMediaPoolItem()", "item.GetMediaPoolItem(1)"),
            "swap.py": ("host.timeline.GetCurrentVideoItem()", "host.project.GetCurrentVideoItem()"),
            "host.py": ("self.manager.SaveProject()", "self.project.SaveProject()"),
            "memory.py": ("thing.DeleteMarkerAtFrame(at)", "thing.DeleteMarkerAtFrame(str(at), 1)"),
            "talk.py": ("host.fusion", "host.fusions"),
        }
        expected = {}
        for name, (right, wrong) in mistakes.items():
            text = (target / name).read_text()
            assert text.count(right) >= 1, f"{name} does not call {right} any more"
            before, _, after = text.partition(right)
            (target / name).write_text(before + wrong + after)
            expected[name] = before.count("\n") + 1
        found = {(name, line) for name, line, _ in stub_check.errors_of(tmp_path, "3.11", [tmp_path, CLIENT])}
        assert found == set(expected.items())

    def test_only_the_standard_library_and_the_client_on_python_39(self) -> None:
        """Syntax of 3.9, and no import but the standard library, the client and what only a type checker sees."""
        for path in sorted(ADAPTER.rglob("*.py")):
            tree = ast.parse(path.read_text(), feature_version=(3, 9))
            hidden = {
                id(item)
                for node in ast.walk(tree)
                if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
                for item in ast.walk(node)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and id(node) not in hidden:
                    names = [node.module or ""]
                else:
                    continue
                for name in names:
                    top = name.split(".")[0]
                    assert top in sys.stdlib_module_names | {"faceplate_client", "faceplate_resolve"}, (
                        f"{path.name}: {name}"
                    )

    def test_capabilities_are_asked_by_dir(self, edit: tuple[World, Project, Timeline]) -> None:
        """`hasattr` is True for everything on Resolve's objects, as on the fake's."""
        assert hasattr(edit[1], "NoSuchMethod") and not has(edit[1], "NoSuchMethod") and has(edit[1], "AddRenderJob")
        for path in (ADAPTER / "faceplate_resolve").glob("*.py"):
            assert "hasattr(" not in path.read_text(), path.name


class TestHost:
    def test_the_edition_decides_about_the_ui_manager(self, edit: tuple[World, Project, Timeline]) -> None:
        world, project, _ = edit
        fusion = Fusion(world, lambda window: None)
        names = {"resolve": Resolve(world, project), "fusion": fusion, "bmd": Bmd(fusion)}
        studio = from_menu(names)
        assert studio.studio and studio.ui is fusion.UIManager and isinstance(talk_for(studio), Window)
        world.studio = False
        assert not from_menu(names).studio and from_menu(names).ui is None

    def test_without_display_and_ui_manager_the_console_talks(
        self, edit: tuple[World, Project, Timeline], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        if sys.platform == "linux":
            assert isinstance(talk_for(Host.of(Resolve(edit[0], edit[1]))), Console)

    def test_from_outside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RESOLVE_SCRIPT_API", str(tmp_path))
        monkeypatch.setattr(sys, "path", list(sys.path))
        with pytest.raises(HostError, match="DaVinciResolveScript was not found"):
            from_outside()
        (tmp_path / "Modules").mkdir()
        (tmp_path / "Modules" / "DaVinciResolveScript.py").write_text("def scriptapp(name):\n    return None\n")
        importlib.invalidate_caches()
        with pytest.raises(HostError, match="be the Studio edition"):
            from_outside()
        sys.modules.pop("DaVinciResolveScript", None)

    def test_an_old_resolve_is_told(self, edit: tuple[World, Project, Timeline]) -> None:
        resolve = Resolve(edit[0], edit[1])
        resolve._major = 18
        with pytest.raises(HostError, match=r"This is Resolve 18\.0\.0\.47; Faceplate needs 19"):
            Host.of(resolve)

    def test_a_rate_that_cannot_be_read(self, edit: tuple[World, Project, Timeline]) -> None:
        edit[2]._fps = "fast"
        with pytest.raises(HostError, match="runs at 'fast'"):
            Host.of(Resolve(edit[0], edit[1]))


MEDIA = [
    ("/p/sh010.[1001-1048].exr", "sequence", "/p/sh010.####.exr", 1001, 48),
    ("/p/A001_[00000086-00000100].dpx", "sequence", "/p/A001_########.dpx", 86, 15),
    ("/p/cam.MOV", "movie", "/p/cam.MOV", 0, 0),
    ("/p/cam.mxf", "movie", "/p/cam.mxf", 0, 0),
    ("/p/A001.braw", "raw", "/p/A001.braw", 0, 0),
    ("/p/B001.[0001-0100].dng", "raw", "/p/B001.####.dng", 1, 100),
    ("/p/still.jpg", "still", "/p/still.jpg", 1, 0),
    ("/p/still.1001.exr", "still", "/p/still.1001.exr", 1001, 0),
    ("/p/sound.wav", "other", "/p/sound.wav", 0, 0),
    ("", "none", "", 0, 0),
]


@pytest.mark.parametrize(("path", "kind", "pattern", "first", "count"), MEDIA)
def test_what_a_path_says(path: str, kind: str, pattern: str, first: int, count: int) -> None:
    files = files_of(path)
    assert (files.kind, files.pattern, files.count) == (kind, pattern, count)
    assert files.first == first or kind == "other"


def test_paths_of_frames() -> None:
    assert files_of("/p/a.[08-12].exr").path(9) == "/p/a.09.exr"
    assert files_of("/p/a.mov").path(9) == "/p/a.mov"
    assert files_of("/p/nowhere.[08-12].exr").missing() == "/p/nowhere.08.exr"
    assert files_of("").missing() == ""


@pytest.mark.parametrize(
    ("name", "short"),
    [("sh010.[1001-1048].exr", "sh010"), ("sh010.1001.exr", "sh010"), ("A001_C003.mov", "A001_C003"), ("My Clip", "My Clip"),
     ("sh010", "sh010"), ("2001.exr", "2001"), ("take 2.1", "take 2.1")],
)  # fmt: skip
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_folder_names_hold_nothing_that_a_system_minds() -> None:
    assert folder_name('a/b:c*"d".mov') == "a_b_c_d" and folder_name("...") == "clip"


class TestColour:
    def test_every_space_exists_in_the_config_that_the_hosts_share(self, color: ColorConfig) -> None:
        for resolve_name, name in SPACES.items():
            assert color.resolve(name) == name, resolve_name

    @pytest.mark.parametrize("name", ["", "Project", "Same as Project", "My Log", None])
    def test_what_says_nothing_is_not_guessed(self, name: Any) -> None:
        assert ocio_space(name) is None

    @pytest.mark.parametrize(
        ("mode", "timeline", "output", "found"),
        [
            ("davinciYRGB", "Rec.709 Gamma 2.4", "sRGB", "Rec.1886 Rec.709 - Display"),
            ("davinciYRGBColorManagedv2", "DaVinci WG", "Rec.709 Gamma 2.4", "Rec.1886 Rec.709 - Display"),
            ("davinciYRGBColorManagedv2", "ACEScct", "Same as Timeline", "ACEScct"),
            ("davinciYRGB", "My Log", "", None),
        ],
    )
    def test_what_a_render_is_in(self, mode: str, timeline: str, output: str, found: str | None) -> None:
        settings = {"colorScienceMode": mode, "colorSpaceTimeline": timeline, "colorSpaceOutput": output}
        assert delivered_space(lambda name: settings.get(name, ""))[1] == found
        assert is_managed(lambda name: settings.get(name, "")) == ("Managed" in mode)

    def test_a_managed_project_says_the_clip_s_own_space(self, edit: tuple[World, Project, Timeline]) -> None:
        world, project, timeline = edit
        project._settings["colorScienceMode"] = "davinciYRGBColorManagedv2"
        media = MediaPoolItem(world, "m", __file__, 10, "24")
        media._properties["Input Color Space"] = "ARRI LogC3"
        host = Host.of(Resolve(world, project))
        clip = read_clip(host, timeline._put(1, media, 86400, 4))
        assert plate_space(host, clip, "source", "") == ("ARRI LogC3 (EI800)", "ARRI LogC3")
        assert plate_space(host, clip, "source", "ACEScct") == ("ACEScct", "ARRI LogC3")
        project._settings["colorScienceMode"] = "davinciYRGB"
        assert plate_space(host, clip, "source", "") == (None, "")


class TestJudgement:
    def made(self, edit: tuple[World, Project, Timeline], path: str, kind: str = "Video", **more: Any) -> Any:
        media = MediaPoolItem(edit[0], "m", path, 100, "24", kind=kind)
        return edit[2]._put(1, media, 86400, 10, offset=Fraction(20), **more)

    def verdict(self, edit: tuple[World, Project, Timeline], item: Any) -> tuple[str, str]:
        found = judge(read_clip(Host.of(Resolve(edit[0], edit[1])), item))
        return found.mode, found.reason

    def test_each_kind(self, edit: tuple[World, Project, Timeline], tmp_path: Path) -> None:
        for name in ("a.mov", "b.braw", "c.gif"):
            (tmp_path / name).touch()
        movie = str(tmp_path / "a.mov")
        assert self.verdict(edit, self.made(edit, movie)) == ("source", "")
        assert self.verdict(edit, self.made(edit, str(tmp_path / "b.braw")))[0] == "render"
        assert "does not read" in self.verdict(edit, self.made(edit, str(tmp_path / "c.gif")))[1]
        assert self.verdict(edit, self.made(edit, movie, "Audio"))[0] == "refuse"
        for kind in ("Compound", "Timeline", "Multicam", "Fusion Clip"):
            assert self.verdict(edit, self.made(edit, "", kind))[0] == "render"
        gone = self.verdict(edit, self.made(edit, str(tmp_path / "gone.mov")))
        assert gone[0] == "refuse" and "gone.mov is not there" in gone[1]
        assert self.verdict(edit, edit[2]._put(1, None, 86400, 10))[0] == "refuse"

    @pytest.mark.parametrize("what", ["nodes", "tool", "lut", "group", "comp"])
    def test_a_grade_sends_to_a_render(self, edit: tuple[World, Project, Timeline], tmp_path: Path, what: str) -> None:
        (tmp_path / "a.mov").touch()
        item = self.made(edit, str(tmp_path / "a.mov"))
        if what == "nodes":
            item._graph = Graph(edit[0], [[], []])
        if what == "tool":
            item._graph = Graph(edit[0], [["Curves"]])
        if what == "lut":
            item._graph = Graph(edit[0], [[]], {1: "show.cube"})
        if what == "group":
            item._group = ColorGroup(edit[0])
        if what == "comp":
            item._comps = 1
        mode, reason = self.verdict(edit, item)
        assert mode == "render" and ("graded" in reason or "Fusion" in reason)

    def test_sizing_is_taken_over_as_far_as_it_is_not_plain(
        self, edit: tuple[World, Project, Timeline], tmp_path: Path
    ) -> None:
        (tmp_path / "a.mov").touch()
        item = self.made(edit, str(tmp_path / "a.mov"))
        item._values = {"ZoomX": 1.5, "Pan": 0.0, "FlipX": True}
        clip = read_clip(Host.of(Resolve(edit[0], edit[1])), item)
        assert clip.sizing == {"ZoomX": 1.5, "FlipX": True}


class TestSteps:
    def test_undone_last_first_and_told(self) -> None:
        order: list[str] = []
        with pytest.raises(HostError) as caught, Steps() as steps:
            steps.step("packing")
            steps.done("a", lambda: order.append("a"))
            steps.done("b", lambda: False)
            steps.done("c", lambda: order.append("c"))
            raise HostError("x", "It broke.")
        assert order == ["c", "a"] and caught.value.undone == ["c", "a"] and caught.value.left == ["b"]
        assert str(caught.value) == (
            "While packing: It broke. Undone: c, a. Could not be undone, please do it by hand: b."
        )

    def test_nothing_is_undone_when_nothing_fails(self) -> None:
        order: list[str] = []
        with Steps() as steps:
            steps.done("a", lambda: order.append("a"))
        assert order == []

    @pytest.mark.parametrize(
        ("error", "code", "told"),
        [
            (EngineError("disk-full", "The disk is full."), "disk-full", "While s: The disk is full."),
            (OSError(28, "No space left on device", "/out"), "disk", "While s: /out: No space left on device."),
        ],
    )
    def test_other_errors_become_sentences(self, error: Exception, code: str, told: str) -> None:
        with pytest.raises(HostError) as caught, Steps() as steps:
            steps.step("s")
            raise error
        assert (caught.value.code, str(caught.value)) == (code, told)

    def test_a_stopped_script_is_undone_too(self) -> None:
        order: list[str] = []
        with pytest.raises(KeyboardInterrupt), Steps() as steps:
            steps.done("a", lambda: order.append("a"))
            raise KeyboardInterrupt
        assert order == ["a"]


class TestMemory:
    def test_there_and_back(self, edit: tuple[World, Project, Timeline]) -> None:
        media: Any = MediaPoolItem(edit[0], "m", "", 10, "24")
        item = edit[2]._put(1, media, 86400, 4)
        memory = Memory("/s/a.shot.json", "f" * 32, 3, "source")
        write_memory(item, 2, memory)
        assert memory_of(item) == memory
        write_memory(media, 0, Memory("/s/a.shot.json", "f" * 32, 4, "source"))
        found = memory_of(item)
        assert found is not None and found.take == 4, "the media's word counts: it is the take's own"

    def test_one_marker_however_often(self, edit: tuple[World, Project, Timeline]) -> None:
        media: Any = MediaPoolItem(edit[0], "m", "", 10, "24")
        media.AddMarker(5, "Pink", "mine", "", 1, "something else")
        for take in (1, 2, 3):
            write_memory(media, 0, Memory("/s", "a", take, "render"))
        assert len(media._markers) == 2 and media._markers[5]["name"] == "mine"

    @pytest.mark.parametrize("text", ["", "{}", "null", "[1]", '{"faceplate": 2}', '{"faceplate": 1, "shot": "a"}'])
    def test_markers_of_others(self, text: str) -> None:
        assert Memory.parse(text) is None

    def test_the_shot_file_keeps_what_the_dialog_does_not_show(self, tmp_path: Path) -> None:
        path = str(tmp_path / "deep" / "a.shot.json")
        curve = {"keys": [[1, 0.5, "linear"]]}
        document = {"faceplate_shot": 1, "plate": "p.####.exr", "id": "a" * 32, "notes": "n"}
        document["parameters"] = {"matte_feather": curve, "grain": 0.2}
        first = save_shot(path, document, {"grain": 0.5, "occlusion": 0.5}, "v001/o.####.exr", "1-4")
        assert first["parameters"] == {"grain": 0.5, "matte_feather": curve} and take_of(first) == 2
        second = save_shot(path, first, {}, "v002/o.####.exr", "1-4")
        assert [take["take"] for take in second["takes"]] == [1, 2] and second["notes"] == "n"
        assert second == json.loads(Path(path).read_text())
        ShotDocument.model_validate(second, strict=False)
        assert load_shot(Memory(path, "a" * 32, 2, "source")) == second
        with pytest.raises(HostError, match="belongs to another shot"):
            load_shot(Memory(path, "b" * 32, 2, "source"))
        with pytest.raises(HostError, match="cannot be read"):
            load_shot(Memory(path + "x", "a" * 32, 2, "source"))


class TestPanel:
    def test_every_parameter_once_and_the_essentials_first(self) -> None:
        panel = panel_for("t", (), parameters(), {}, OWN)
        names = [field.name for field in panel.fields]
        own = ["source", "mode", "handles", "track", "space", "purpose", "folder"]
        assert sorted(names) == sorted([*own, *(entry["name"] for entry in parameters())])
        assert [field.name for field in panel.pages[0][1]] == ["source", *ESSENTIALS]
        assert {field.kind for field in panel.fields} <= {
            "float",
            "int",
            "string",
            "choice",
            "flag",
            "folder",
            "file",
            "note",
        }
        assert all(field.help for field in panel.fields)

    def test_values_and_keyed_values(self) -> None:
        panel = panel_for("t", (), parameters(), {"grain": 0.25, "matte_feather": {"keys": [[1, 0.1, "hold"]]}}, OWN)
        fields = {field.name: field for field in panel.fields}
        assert fields["grain"].value == 0.25 and fields["matte_feather"].kind == "note"
        answer = read_answer(panel, {})
        assert answer.values["grain"] == 0.25 and "matte_feather" not in answer.values

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"source": " "}, "Choose the person"),
            ({"grain": "much"}, "Grain is a number, not 'much'"),
            ({"grain": -1}, "Grain can be 0 to"),
            ({"handles": -1}, "Handles can be 0 to 1000"),
            ({"blend": "smear"}, "Blend is one of"),
            ({"mode": "magic"}, "Plate is one of auto, source, render"),
        ],
    )
    def test_what_is_wrong_is_said_by_its_label(self, given: dict[str, Any], sentence: str) -> None:
        with pytest.raises(HostError, match=sentence):
            read_answer(panel_for("t", (), parameters(), {}, OWN), given)

    def test_a_decimal_comma(self) -> None:
        assert read_answer(panel_for("t", (), parameters(), {}, OWN), {"grain": "0,5"}).values["grain"] == 0.5

    def test_the_window_s_pages_browsers_and_stop(self, edit: tuple[World, Project, Timeline]) -> None:
        panel = panel_for("t", ("note",), parameters(), {}, OWN)
        seen: dict[str, Any] = {}

        def acts(window: Any) -> None:
            items = window.GetItems()
            seen["tabs"] = items["pages"].tabs
            window.click("pages", "CurrentChanged", Index=1)
            seen["page"] = items["stack"].CurrentIndex
            window.click("browse_source")
            window.click("browse_hold_out")
            items["grain"].Value = 0.5
            window.click("go")

        fusion = Fusion(edit[0], acts, lambda window: window.click("stop"))
        window = Window(fusion.UIManager, Bmd(fusion).UIDispatcher(None), fusion)
        answer = read_answer(panel, window.ask(panel) or {})
        assert seen["tabs"] == [name for name, _ in panel.pages] and seen["page"] == 1
        assert answer.source == "people/bea/chosen" and answer.values["hold_out"].endswith("chosen.exr")
        assert answer.values["grain"] == 0.5 and answer.values["blend"] == "gradient"
        stopped: list[int] = []
        with pytest.raises(HostError, match="stopped"):
            window.follow(lambda: (1, 4, False), lambda: stopped.append(1), "working")
        window.follow(lambda: (4, 4, True), lambda: stopped.append(2), "working")
        window.close()
        assert stopped == [1] and not any(other.shown for other in fusion.windows)

    def test_the_plain_window(self) -> None:
        """Needs Tk and a display: the same contents by name, and the same answer."""
        tkinter = pytest.importorskip("tkinter", reason="this Python has no Tk")
        try:
            tkinter.Tk().destroy()
        except tkinter.TclError:
            pytest.skip("no display")
        from faceplate_resolve.plain import Plain

        panel = panel_for("t", ("note",), parameters(), {}, OWN)
        plain = Plain()
        _, variables, _ = plain.build(panel)
        variables["grain"].set("0.5")
        answer = read_answer(panel, {name: variable.get() for name, variable in variables.items()})
        assert answer.values["grain"] == 0.5 and answer.track is True and answer.handles == 8
        plain.follow(lambda: (4, 4, True), lambda: None, "working")
        plain.close()


@pytest.mark.parametrize(
    ("codecs", "found"),
    [
        ({"RGB Half (DWAA)": "dwaa", "RGB Half (ZIP)": "zip", "RGB Float": "float"}, "zip"),
        ({"RGB float": "f", "RGB half": "h"}, "h"),
        ({"RGB half (PXR24)": "p", "RGB float (RLE)": "r"}, "r"),
    ],
)
def test_the_codec_for_exr(codecs: dict[str, str], found: str) -> None:
    assert exr_codec(codecs) == found


def test_no_codec_for_exr() -> None:
    with pytest.raises(HostError, match="no lossless EXR"):
        exr_codec({"RGB Half (DWAB)": "dwab"})
