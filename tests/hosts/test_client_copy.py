"""The client's copy in an adapter, and the user's own note of where the engine is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import faceplate_client
from faceplate.errors import RenderError
from faceplate.hosts import copy_client
from faceplate_client import EngineError, launcher, paths
from faceplate_client.program import forget_program, note_program

CLIENT = Path(faceplate_client.__file__).parent


def test_is_replaced_whole(tmp_path: Path) -> None:
    where = copy_client(tmp_path / "adapter")
    (where / "old_module.py").write_text("")
    assert copy_client(tmp_path / "adapter", "/somewhere/python") == where
    names = {path.name for path in where.iterdir()}
    assert names == {path.name for path in CLIENT.glob("*.py")} | {"parameters.json", "engine.json"}
    assert json.loads((where / "engine.json").read_text()) == {"python": "/somewhere/python"}
    assert [path.name for path in (tmp_path / "adapter").iterdir()] == ["faceplate_client"]


def test_names_this_python(tmp_path: Path) -> None:
    assert json.loads((copy_client(tmp_path) / "engine.json").read_text()) == {"python": sys.executable}


def test_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RenderError, match="could not be written") as caught:
        copy_client(tmp_path / "file")
    assert caught.value.code == "host-unwritable"


def test_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("FACEPLATE_ENGINE", raising=False)
    python = tmp_path / "env" / "bin" / "python"
    path = note_program(str(python))
    assert path == paths.program_file(paths.user_folder())
    python.parent.mkdir(parents=True)
    python.write_text("")
    assert launcher.engine_command({"PATH": ""}) == [str(python), "-I", "-m", "faceplate.cli.main"]
    forget_program(str(tmp_path / "another" / "python"))
    assert Path(path).exists()
    forget_program(str(python))
    assert not Path(path).exists()
    with pytest.raises(EngineError) as refused:
        launcher.engine_command({"PATH": ""})
    assert refused.value.code == "engine-not-found" and "python3 install env" in refused.value.message
