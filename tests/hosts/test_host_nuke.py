"""The Nuke adapter's installation: init.py stays byte for byte, and what was installed starts."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.hosts import nuke

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "text",
    [None, b"", b"import nuke\n", b"import nuke", b"# mine\r\nimport nuke\r\n", b"a = 1\n\n\n", "# über\n".encode()],
)
def test_install_and_remove_leave_init_py_as_it_was(tmp_path: Path, text: bytes | None) -> None:
    folder = tmp_path / "dot nuke"
    folder.mkdir()
    init = folder / "init.py"
    if text is not None:
        init.write_bytes(text)
    for _ in range(2):
        assert nuke.install(folder) == folder / "faceplate"
    assert init.read_bytes().count(nuke.LINE) == 1
    ast.parse(init.read_bytes())
    assert (folder / "faceplate" / "faceplate_client" / "parameters.json").is_file()
    assert not list(folder.rglob("__pycache__")) and not list(folder.rglob("*.part"))
    assert nuke.remove(folder)
    assert (init.read_bytes() if init.exists() else None) == text
    assert not (folder / "faceplate").exists()
    assert not nuke.remove(folder)


def test_an_installed_plugin_starts(tmp_path: Path) -> None:
    """With nothing of the clone on the path but what was installed."""
    folder = tmp_path / "nuke"
    folder.mkdir()
    nuke.install(folder)
    code = (
        "import sys, fake_nuke; from fake_nuke import terminal, nuke; fake_nuke.start(gui=True)\n"
        "terminal.load_plugins(True)\n"
        "import faceplate_client, faceplate_nuke; print(faceplate_client.__file__); print(faceplate_nuke.__file__)\n"
        "nuke.menu('Nodes').findItem('Faceplate').findItem('FaceSwap').invoke(); print(nuke.toNode('FaceSwap1').Class())"
    )
    # Where third-party packages are, without the clone that an editable installation adds.
    site = [path for path in sys.path if path.endswith("site-packages")]
    for path in (folder, folder / "faceplate"):
        done = subprocess.run(
            [
                sys.executable,
                "-S",
                "-c",
                "import sys; sys.path[:0] = sys.argv[1:]\n" + code,
                str(TESTS / "plugins" / "nuke"),
                *site,
            ],
            env={"NUKE_PATH": str(path), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines()
        assert lines[-1:] == ["Group"], done.stderr
        assert all(line.startswith(str(folder)) for line in lines[:2])


def test_a_mistyped_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder") as caught:
        nuke.install(tmp_path / "a" / "b")
    assert caught.value.code == "no-folder" and not (tmp_path / "a").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RenderError, match="could not be written") as caught:
        nuke.install(tmp_path / "file")
    assert caught.value.code == "host-unwritable"
