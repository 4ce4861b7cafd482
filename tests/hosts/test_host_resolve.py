"""The DaVinci Resolve adapter's installation: what goes where, that it runs there, and that it can be removed again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.hosts import adapter_folder, resolve


@pytest.fixture
def _imports() -> Iterator[None]:
    """What a menu script imports is not left for other tests."""
    before, path = dict(sys.modules), list(sys.path)
    for name in list(sys.modules):
        if name.split(".")[0] in ("faceplate_resolve", "faceplate_client"):
            del sys.modules[name]
    yield
    sys.modules.clear()
    sys.modules.update(before)
    sys.path[:] = path


@pytest.mark.parametrize(
    ("platform", "environ", "all_users", "folder"),
    [
        ("linux", {"HOME": "/home/ed"}, False, "/home/ed/.local/share/DaVinciResolve/Fusion"),
        ("linux", {"HOME": "/home/ed"}, True, "/opt/resolve/Fusion"),
        ("darwin", {"HOME": "/Users/ed"}, False, "/Users/ed/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion"),
        ("darwin", {"HOME": "/Users/ed"}, True, "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion"),
        ("win32", {"APPDATA": "/ad"}, False, "/ad/Blackmagic Design/DaVinci Resolve/Support/Fusion"),
        ("win32", {"PROGRAMDATA": "/pd"}, True, "/pd/Blackmagic Design/DaVinci Resolve/Fusion"),
    ],
)  # fmt: skip
def test_where_resolve_looks(platform: str, environ: dict[str, str], all_users: bool, folder: str) -> None:
    assert resolve.fusion_folder(platform, environ, all_users) == Path(folder)


def test_a_windows_that_does_not_say() -> None:
    with pytest.raises(UsageError, match="give --dir") as caught:
        resolve.fusion_folder("win32", {}, False)
    assert caught.value.code == "no-folder"


def test_put_there_and_taken_out_again(tmp_path: Path) -> None:
    fusion = tmp_path / "Fusion"
    other = fusion / "Scripts" / "Utility" / "somebody else's.py"
    other.parent.mkdir(parents=True)
    other.touch()
    for _ in range(2):  # again over what is there
        assert resolve.install(fusion) == fusion / "Faceplate"
    scripts = sorted(path.name for path in other.parent.iterdir())
    assert scripts == sorted([*(f"{title}.py" for title in resolve.MENU), other.name])
    package = fusion / "Faceplate"
    assert (package / "faceplate_resolve" / "menu.py").is_file() and (package / "faceplate-resolve.py").is_file()
    assert json.loads((package / "faceplate_client" / "engine.json").read_text()) == {"python": sys.executable}
    assert not list(fusion.rglob("__pycache__")) and not list(fusion.rglob("*.part"))
    gone = resolve.remove(fusion)
    assert len(gone) == len(resolve.MENU) + 1
    assert [path for path in fusion.rglob("*") if path.is_file()] == [other]
    assert resolve.remove(fusion) == []


@pytest.mark.usefixtures("_imports")
def test_the_menu_scripts_run_from_where_they_lie(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without __file__, as Resolve may run them, and with nothing of Resolve: one sentence."""
    fusion = tmp_path / 'a "quoted" place' / "Fusion"
    resolve.install(fusion)
    for title in resolve.MENU:
        text = (fusion / "Scripts" / "Utility" / f"{title}.py").read_text()
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(text, title, "exec"), names)
        module: ModuleType = sys.modules["faceplate_resolve.menu"]
        assert module.__file__ is not None and module.__file__.startswith(str(fusion))
    assert capsys.readouterr().out.count("must be started from Resolve's menu") == len(resolve.MENU)


def test_the_command_line_runs_on_its_own(tmp_path: Path) -> None:
    fusion = tmp_path / "Fusion"
    resolve.install(fusion)
    script = fusion / "Faceplate" / "faceplate-resolve.py"
    shown = subprocess.run(
        [sys.executable, "-I", str(script), "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--source" in shown.stdout and "batch" in shown.stdout
    failed = subprocess.run(
        [sys.executable, "-I", str(script), "swap"], capture_output=True, text=True, check=False, timeout=60
    )
    assert failed.returncode == 1 and failed.stderr.startswith("faceplate: DaVinciResolveScript was not found")
    assert failed.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(RenderError, match="could not be written") as caught:
        resolve.install(blocked / "Fusion")
    assert caught.value.code == "host-unwritable"


def test_the_package_is_all_that_the_clone_has() -> None:
    """Nothing in the menu's folder but the menu: the package would become entries of it."""
    names = {path.name for path in adapter_folder("resolve").iterdir() if path.name != "__pycache__"}
    assert names == {"faceplate_resolve", "faceplate-resolve.py"}
