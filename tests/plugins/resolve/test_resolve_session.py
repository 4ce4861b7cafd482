"""Which Resolve runs the script: editions, versions, rates, scripts from outside."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from faceplate_client import HostError
from faceplate_resolve.host import Host, from_menu, from_outside
from faceplate_resolve.interface import Console
from faceplate_resolve.menu import interface_for
from faceplate_resolve.ui_dialog import ResolveDialog
from fake_resolve import Project, Resolve, Timeline, World
from fake_resolve.ui import Bmd, Fusion


class TestHost:
    def test_the_edition_decides_about_the_ui_manager(self, edit: tuple[World, Project, Timeline]) -> None:
        world, project, _ = edit
        fusion = Fusion(world, lambda window: None)
        names = {"resolve": Resolve(world, project), "fusion": fusion, "bmd": Bmd(fusion)}
        studio = from_menu(names)
        assert studio.studio and studio.ui is fusion.UIManager and isinstance(interface_for(studio), ResolveDialog)
        world.studio = False
        assert not from_menu(names).studio and from_menu(names).ui is None

    def test_without_display_and_ui_manager_the_console_talks(
        self, edit: tuple[World, Project, Timeline], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        if sys.platform == "linux":
            assert isinstance(interface_for(Host.of(Resolve(edit[0], edit[1]))), Console)

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
        with pytest.raises(HostError, match="timeline rate of 'fast'"):
            Host.of(Resolve(edit[0], edit[1]))
