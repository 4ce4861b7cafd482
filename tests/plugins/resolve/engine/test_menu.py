"""The menu and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceplate_client import Engine, HostError
from faceplate_resolve import menu
from faceplate_resolve.cli import main as command_line
from faceplate_resolve.dialog import SwapRequest
from faceplate_resolve.interface import Console
from faceplate_resolve.swap import swap_clip
from fake_resolve.ui import Bmd, Fusion
from placed_clips import NULL, START, assert_in_step, host_of
from resolve_scene import Scene


@pytest.mark.usefixtures("own_home")
class TestMenu:
    seen: Any
    """The last dialog's widgets."""

    def person_of(self, source: Path, folder: Path, **changed: Any) -> Callable[[Any], None]:
        def acts(window: Any) -> None:
            items = window.GetItems()
            if "source" not in items:
                window.click("go")
                return
            self.seen = {name: items[name].__dict__ for name in items}
            items["source"].Text, items["folder"].Text = str(source), str(folder)
            items["occlusion"].Value = items["grain"].Value = 0.0
            items["generator"].CurrentText = "null"
            items["track"].Checked = False
            items["handles"].Value = 0
            for name, value in changed.items():
                setattr(items[name], *value)
            window.click("go")

        return acts

    def names(self, scene: Scene, fusion: Fusion) -> dict[str, Any]:
        return {"resolve": scene.resolve, "fusion": fusion, "bmd": Bmd(fusion)}

    def test_studio_from_the_menu(
        self, scene: Scene, engine: Engine, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene.timeline._put(1, scene.sequence("sh010", 3), START, 2)
        scene.timeline._playhead = START + 1
        fusion = Fusion(scene.world, self.person_of(source, tmp_path / "results"))
        assert menu.run(self.names(scene, fusion), "swap", lambda: engine) == 0
        assert [name for name, _ in scene.track_list()] == ["Video 1", "Face Swap"]
        notes = [
            str(vars(item)["Text"])
            for item in fusion.windows[0].root.walk()
            if item.kind == "Label" and not hasattr(item, "ToolTip")
        ]
        assert notes[0].startswith("sh010: 01:00:00:00 to 01:00:00:01, 2 frames, on its own media")
        assert any("Colour: ACEScg" in note for note in notes)
        assert self.seen["matte_feather"]["Value"] == 0.045 and self.seen["blend"]["choices"][0] == "seam"
        assert not any(window.shown for window in fusion.windows)
        told = next(vars(item)["Text"] for item in fusion.windows[-1].root.walk() if item.kind == "TextEdit")
        assert told.startswith("Done: sh010 on the video track 'Face Swap'.") and "carry a slate" in told
        # The playhead now lies on the result: its next version, with the person's last words remembered.
        fusion.person = self.person_of(source, tmp_path / "results", light_luminance=("Value", 0.3))
        assert menu.run(self.names(scene, fusion), "next", lambda: engine) == 0
        assert scene.timeline._tracks[1].items[0]._take == 2
        assert self.seen["source"]["Text"] == str(source)

    def test_cancelling_the_dialog_does_nothing(self, scene: Scene, engine: Engine) -> None:
        scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        before = scene.state()
        fusion = Fusion(scene.world, lambda window: window.click("cancel"))
        assert menu.run(self.names(scene, fusion), "swap", lambda: engine) == 0
        assert scene.state() == before

    def test_the_free_edition_never_meets_a_studio_only_call(
        self, scene: Scene, quick: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The UI manager would open a dialog behind which the project is not saved any more."""
        scene.world.studio = False
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)

        class TkDialog(Console):
            def ask(self, panel: Any) -> Any:
                given = {field.name: field.value for field in panel.fields}
                return {
                    **given,
                    **NULL,
                    "source": str(source),
                    "folder": str(tmp_path / "r"),
                    "track": False,
                    "handles": 0,
                }

        monkeypatch.setattr(menu, "interface_for", lambda host: TkDialog())
        fusion = Fusion(scene.world, lambda window: None)
        assert menu.run(self.names(scene, fusion), "swap", lambda: quick) == 0
        assert not scene.world.blocked and not fusion.windows
        assert_in_step(scene.timeline._tracks[1].items[0], item)

    def test_behind_an_open_dialog_of_resolve_nothing_is_claimed(
        self, scene: Scene, quick: Any, answer: Callable[..., SwapRequest]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        host = host_of(scene)
        scene.world.blocked = True
        with pytest.raises(HostError):
            swap_clip(host, item, answer(), quick, Console())

    def test_what_nobody_thought_of_is_undone_and_told_without_a_traceback_in_the_dialog(
        self, scene: Scene, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scene.timeline._put(1, scene.sequence("sh010", 2), START, 1)
        before = scene.state()
        fusion = Fusion(scene.world, lambda window: window.click("go"))

        def broken() -> Any:
            raise ZeroDivisionError("by nought")

        assert menu.run(self.names(scene, fusion), "swap", broken) == 1
        told = next(vars(item)["Text"] for item in fusion.windows[-1].root.walk() if item.kind == "TextEdit")
        assert told == "Internal error (ZeroDivisionError: by nought); Resolve's console shows the details."
        assert "Traceback" in capsys.readouterr().err and scene.state() == before

    @pytest.mark.parametrize("case", ["no project", "no timeline", "no clip", "outside"])
    def test_one_sentence_for_each_reason(
        self, scene: Scene, engine: Engine, case: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fusion = Fusion(scene.world, lambda window: window.click("go"))
        names = self.names(scene, fusion)
        if case == "no project":
            scene.resolve._manager._project = None
        if case == "no timeline":
            scene.project._timeline = None
        if case == "outside":
            names = {}
        assert menu.run(names, "swap", lambda: engine) == 1
        said = capsys.readouterr().out
        assert said.startswith("Faceplate: ") and said.count("\n") == 1


@pytest.mark.usefixtures("own_home")
class TestCommandLine:
    def test_swap_next_and_batch(
        self, scene: Scene, quick: Any, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        item = scene.timeline._put(1, scene.sequence("sh010", 3), START + 24, 2)
        item._flags = ["Cream"]

        def run(*words: str) -> int:
            return command_line(list(words), lambda: host_of(scene), lambda: quick)

        common = [
            "--folder",
            str(tmp_path / "r"),
            "--no-track",
            "--handles",
            "0",
            "--set",
            "occlusion=0",
            "--set",
            "grain=0",
        ]
        swap = ["swap", "--source", str(source), *common]
        assert run(*swap, "--at", "01:00:01:00") == 0
        assert run("next", *common, "--set", "blend=multiband") == 0
        assert scene.timeline._tracks[1].items[0]._take == 2
        assert run(*swap, "--set", "grain=9") == 2
        assert run(*swap, "--set", "nothing=1") == 2
        assert run("swap", *common) == 2  # nobody was chosen
        assert run(*swap, "--at", "01:00:01:77") == 2
        assert run("batch", "--source", str(source), *common, "--color", "Cream") == 1  # it is done already
        said = capsys.readouterr()
        assert "done: take 2" in said.out
        assert "Grain can be 0 to" in said.err and "No clip has a Cream marker" in said.err
