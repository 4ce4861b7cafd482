"""`python3 install resolve`: what goes where, that what is there runs, and that it can be taken out again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from install.commands import COMMANDS
from install.commands import resolve as command
from install.errors import InstallError
from install.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(command, "ensure", lambda settings, extras: settings.python)
    return Settings(ROOT, tmp_path / "env")


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
    assert command.fusion_folder(platform, environ, all_users) == Path(folder)


def test_a_windows_that_does_not_say() -> None:
    with pytest.raises(InstallError, match="give --folder"):
        command.fusion_folder("win32", {}, False)


def test_it_is_among_the_commands() -> None:
    assert COMMANDS["resolve"] == "install.commands.resolve"


def test_put_there_and_taken_out_again(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fusion = tmp_path / "Fusion"
    other = fusion / "Scripts" / "Utility" / "somebody else's.py"
    other.parent.mkdir(parents=True)
    other.touch()
    for _ in range(2):  # again over what is there
        assert command.run(settings, ["--folder", str(fusion)]) == 0
    scripts = sorted(path.name for path in other.parent.iterdir())
    assert scripts == sorted([*(f"{title}.py" for title in command.MENU), other.name])
    package = fusion / "Faceplate"
    assert (package / "faceplate_resolve" / "menu.py").is_file() and (package / "faceplate-resolve.py").is_file()
    assert json.loads((package / "faceplate_client" / "engine.json").read_text()) == {"python": str(settings.python)}
    assert not list(fusion.rglob("__pycache__")) and not list(fusion.rglob("*.part"))
    assert "Workspace > Scripts" in capsys.readouterr().out
    assert command.run(settings, ["--folder", str(fusion), "--remove"]) == 0
    assert [path for path in fusion.rglob("*") if path.is_file()] == [other]
    assert command.run(settings, ["--folder", str(fusion), "--remove"]) == 0
    assert "nothing of Faceplate" in capsys.readouterr().out


@pytest.mark.usefixtures("_imports")
def test_the_menu_scripts_run_from_where_they_lie(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without __file__, as Resolve may run them, and with nothing of Resolve: one sentence."""
    fusion = tmp_path / 'a "quoted" place' / "Fusion"
    command.run(settings, ["--folder", str(fusion)])
    for title in command.MENU:
        text = (fusion / "Scripts" / "Utility" / f"{title}.py").read_text()
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(text, title, "exec"), names)
        module: ModuleType = sys.modules["faceplate_resolve.menu"]
        assert module.__file__ is not None and module.__file__.startswith(str(fusion))
    assert capsys.readouterr().out.count("must be started from Resolve's menu") == len(command.MENU)


def test_the_command_line_runs_on_its_own(settings: Settings, tmp_path: Path) -> None:
    fusion = tmp_path / "Fusion"
    command.run(settings, ["--folder", str(fusion)])
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


@pytest.mark.parametrize(
    ("words", "sentence"), [(["--folder"], "needs a folder"), (["--what"], "does not know: --what")]
)
def test_wrong_words(settings: Settings, words: list[str], sentence: str) -> None:
    with pytest.raises(InstallError, match=sentence) as caught:
        command.run(settings, words)
    assert caught.value.exit_code == 2


def test_a_folder_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(InstallError, match="could not be written"):
        command.run(settings, ["--folder", str(blocked / "Fusion")])


def test_the_package_is_all_that_the_clone_has() -> None:
    """Nothing in the menu's folder but the menu: the package would become entries of it."""
    names = {path.name for path in (ROOT / "plugins" / "resolve").iterdir() if path.name != "__pycache__"}
    assert names == {"faceplate_resolve", "faceplate-resolve.py"}
