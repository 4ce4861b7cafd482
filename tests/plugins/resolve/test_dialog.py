"""The dialog as data, in Resolve and in Tk."""

from __future__ import annotations

from typing import Any

import pytest

from faceplate_client import CHOSEN, Choice, HostError, parameters
from faceplate_resolve.dialog import ESSENTIALS, SwapRequest, read_request, swap_panel
from faceplate_resolve.ui_dialog import ResolveDialog
from fake_resolve import Project, Timeline, World
from fake_resolve.ui import Bmd, Fusion

OWN = SwapRequest("people/bea", "results", "auto", 8, True, "", {})


class TestPanel:
    def test_every_parameter_once_and_the_essentials_first(self) -> None:
        panel = swap_panel("t", (), parameters(), {}, OWN)
        names = [field.name for field in panel.fields]
        own = ["source", "mode", "handles", "track", "space", "purpose", "folder", "result", "burn_grade"]
        assert sorted(names) == sorted([*own, *(entry["name"] for entry in parameters())])
        assert [field.name for field in panel.pages[0][1]] == ["source", *ESSENTIALS]
        assert {field.kind for field in panel.fields} <= {
            "float",
            "int",
            "string",
            "choice",
            "list",
            "flag",
            "folder",
            "file",
            "note",
        }
        assert all(field.help for field in panel.fields)

    def test_target_and_networks_are_lists_that_the_engine_fills(self) -> None:
        """A list takes other text too: a place in the picture is no line of it. `default` is the empty value."""
        offered = {"generator": [Choice("mesh", ""), Choice("ghost_256", "Apache-2.0, for commercial use")]}
        panel = swap_panel("t", (), parameters(), {}, OWN, offered=offered)
        fields = {field.name: field for field in panel.fields}
        assert {name for name, field in fields.items() if field.kind == "list"} == set(CHOSEN)
        assert fields["generator"].choices == ("mesh", "ghost_256") and fields["detector"].value == "default"
        assert "ghost_256: Apache-2.0" in fields["generator"].help
        answer = read_request(panel, {"generator": "ghost_256", "target": "12,40", "restorer": "default"})
        values = answer.values
        assert (values["generator"], values["target"], values["restorer"]) == ("ghost_256", "12,40", "")

    def test_values_and_keyed_values(self) -> None:
        panel = swap_panel("t", (), parameters(), {"grain": 0.25, "matte_feather": {"keys": [[1, 0.1, "hold"]]}}, OWN)
        fields = {field.name: field for field in panel.fields}
        assert fields["grain"].value == 0.25 and fields["matte_feather"].kind == "note"
        answer = read_request(panel, {})
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
            read_request(swap_panel("t", (), parameters(), {}, OWN), given)

    def test_a_decimal_comma(self) -> None:
        assert read_request(swap_panel("t", (), parameters(), {}, OWN), {"grain": "0,5"}).values["grain"] == 0.5

    def test_the_window_s_pages_browsers_and_stop(self, edit: tuple[World, Project, Timeline]) -> None:
        panel = swap_panel("t", ("note",), parameters(), {}, OWN)
        seen: dict[str, Any] = {}

        def acts(window: Any) -> None:
            items = window.GetItems()
            seen["tabs"] = items["pages"].tabs
            window.click("pages", "CurrentChanged", Index=1)
            seen["page"] = items["stack"].CurrentIndex
            window.click("browse_source")
            window.click("browse_holdout_matte")
            items["grain"].Value = 0.5
            window.click("go")

        fusion = Fusion(edit[0], acts, lambda window: window.click("stop"))
        window = ResolveDialog(fusion.UIManager, Bmd(fusion).UIDispatcher(None), fusion)
        answer = read_request(panel, window.ask(panel) or {})
        assert seen["tabs"] == [name for name, _ in panel.pages] and seen["page"] == 1
        assert answer.source == "people/bea/chosen" and answer.values["holdout_matte"].endswith("chosen.exr")
        assert answer.values["grain"] == 0.5 and answer.values["blend"] == "seam"
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
        from faceplate_resolve.tk_dialog import TkDialog

        panel = swap_panel("t", ("note",), parameters(), {}, OWN)
        plain = TkDialog()
        _, variables, _ = plain.build(panel)
        variables["grain"].set("0.5")
        answer = read_request(panel, {name: variable.get() for name, variable in variables.items()})
        assert answer.values["grain"] == 0.5 and answer.track is True and answer.handles == 8
        plain.follow(lambda: (4, 4, True), lambda: None, "working")
        plain.close()
