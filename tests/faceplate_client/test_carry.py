"""The copy of the client that an adapter carries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from install.carry import carry_client, forget_engine, note_engine
from install.errors import InstallError
from install.settings import Settings

from client_files import CLIENT, ROOT
from faceplate_client import EngineError, launcher, paths


class TestCarry:
    def test_is_replaced_whole(self, tmp_path: Path) -> None:
        settings = Settings(ROOT, tmp_path / "env")
        where = carry_client(settings, tmp_path / "adapter")
        (where / "old_module.py").write_text("")
        assert carry_client(settings, tmp_path / "adapter") == where
        names = {path.name for path in where.iterdir()}
        assert names == {path.name for path in CLIENT.glob("*.py")} | {"parameters.json", "engine.json"}
        assert json.loads((where / "engine.json").read_text()) == {"python": str(settings.python)}
        assert [path.name for path in (tmp_path / "adapter").iterdir()] == ["faceplate_client"]

    def test_says_why_it_cannot(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(InstallError, match="could not be written"):
            carry_client(Settings(ROOT, tmp_path), tmp_path / "file")

    def test_the_users_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
        settings = Settings(ROOT, tmp_path / "env")
        path = note_engine(settings)
        assert path == Path(paths.program_file(paths.user_folder()))
        settings.python.parent.mkdir(parents=True)
        settings.python.write_text("")
        assert launcher.engine_command({"PATH": ""}) == [str(settings.python), "-I", "-m", "faceplate.cli.main"]
        forget_engine(Settings(ROOT, tmp_path / "another"))
        assert path.exists()
        forget_engine(settings)
        assert not path.exists()
        with pytest.raises(EngineError) as refused:
            launcher.engine_command({"PATH": ""})
        assert refused.value.code == "engine-not-found" and "python3 install env" in refused.value.message
