"""Installing and removing the Nuke plug-in."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from install.commands import nuke as install_nuke
from install.errors import InstallError
from install.settings import Settings

from adapter_modules import ROOT


@pytest.fixture
def settings_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setattr(install_nuke, "ensure", lambda settings: settings.python)
    yield Settings(ROOT, tmp_path / "env")


@pytest.mark.parametrize(
    "text",
    [None, b"", b"import nuke\n", b"import nuke", b"# mine\r\nimport nuke\r\n", b"a = 1\n\n\n", "# über\n".encode()],
)
def test_install_and_remove_leave_init_py_as_it_was(settings_: Settings, tmp_path: Path, text: bytes | None) -> None:
    folder = tmp_path / "dot nuke"
    folder.mkdir()
    init = folder / "init.py"
    if text is not None:
        init.write_bytes(text)
    for _ in range(2):
        assert install_nuke.run(settings_, ["--dir", str(folder)]) == 0
    assert init.read_bytes().count(install_nuke.LINE) == 1
    ast.parse(init.read_bytes())
    assert (folder / "faceplate" / "faceplate_client" / "parameters.json").is_file()
    assert install_nuke.run(settings_, ["--dir", str(folder), "--remove"]) == 0
    assert (init.read_bytes() if init.exists() else None) == text
    assert not (folder / "faceplate").exists()
    assert install_nuke.run(settings_, ["--dir", str(folder), "--remove"]) == 0


def test_an_installed_plugin_starts(settings_: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing of the clone on the path but what was installed."""
    folder = tmp_path / "nuke"
    folder.mkdir()
    install_nuke.run(settings_, ["--dir", str(folder)])
    code = (
        "import sys, fake_nuke; from fake_nuke import terminal, nuke; fake_nuke.start(gui=True)\n"
        "terminal.load_plugins(True)\n"
        "import faceplate_client, faceplate_nuke; print(faceplate_client.__file__); print(faceplate_nuke.__file__)\n"
        "nuke.menu('Nodes').findItem('Faceplate').findItem('FaceSwap').invoke(); print(nuke.toNode('FaceSwap1').Class())"
    )
    for path in (folder, folder / "faceplate"):
        done = subprocess.run(
            [
                sys.executable,
                "-S",
                "-c",
                "import sys; sys.path[:0] = sys.argv[1:]\n" + code,
                str(Path(__file__).parent),
                *site(),
            ],
            env={"NUKE_PATH": str(path), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        assert lines[-1:] == ["Group"], done.stderr
        assert all(line.startswith(str(folder)) for line in lines[:2])


def site() -> list[str]:
    """Where third-party packages are, without the clone that an editable install adds."""
    return [path for path in sys.path if path.endswith("site-packages")]


def test_wrong_words_are_refused(settings_: Settings, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="--dir FOLDER"):
        install_nuke.run(settings_, ["--dri", "x"])
    with pytest.raises(InstallError, match="no folder"):
        install_nuke.run(settings_, ["--dir", str(tmp_path / "a" / "b")])
