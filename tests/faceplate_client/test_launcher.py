"""Starting the engine, with stand-ins for its program, and finding one that runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import faceplate_client
from engines import state_of
from faceplate_client import Engine, EngineError, discovery, paths


class TestStart:
    """With stand-ins for the engine's program, which write down how they were started."""

    @pytest.fixture
    def program(self, tmp_path: Path) -> Path:
        """Notes its words and variables, says something, and fails."""
        path = tmp_path / "faceplate"
        path.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/words\nenv > {tmp_path}/variables\necho "libfoo is missing" >&2\nexit 3\n'
        )
        path.chmod(0o755)
        return path

    def test_a_clean_environment(self, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "OCIO", "DYLD_INSERT_LIBRARIES", "QT_PLUGIN_PATH"):
            monkeypatch.setenv(name, "/host")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
        monkeypatch.setenv("FACEPLATE_ENGINE", str(program))
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError) as refused:
            faceplate_client.connect(wait=20)
        assert refused.value.code == "engine-not-started"
        assert "libfoo is missing" in refused.value.message and "exit code 3" in refused.value.message
        text = (tmp_path / "variables").read_text()
        assert "/host" not in text and "HTTPS_PROXY=http://proxy:3128" in text
        assert (tmp_path / "words").read_text().split() == ["serve", "--parent", str(os.getpid())]

    def test_an_engine_that_never_answers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "faceplate"
        program.write_text("#!/bin/sh\necho loading\nexec sleep 3\n")
        program.chmod(0o755)
        monkeypatch.setenv("FACEPLATE_ENGINE", str(program))
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError, match=r"within 0\.5 s: loading"):
            faceplate_client.connect(wait=0.5)

    @pytest.mark.parametrize(
        ("named", "code"), [("/nowhere/python3", "engine-missing"), ("{tmp}/text", "engine-not-started")]
    )
    def test_programs_that_are_none(
        self, named: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "text").write_text("no program")
        monkeypatch.setenv("FACEPLATE_ENGINE", named.format(tmp=tmp_path))
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError) as refused:
            faceplate_client.connect(wait=5)
        assert refused.value.code == code and refused.value.message.endswith(".")

    def test_not_started_unless_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FACEPLATE_RUN", str(tmp_path / "run"))
        with pytest.raises(EngineError) as refused:
            faceplate_client.connect(start=False)
        assert refused.value.code == "engine-not-running"

    def test_what_a_dead_engine_left_is_passed_over(self, engine: Engine, tmp_path: Path) -> None:
        """A stale port, somebody else's file, a damaged one: none is believed, and the true one is found beside them."""
        state = state_of(Path(engine.folder)) or {}
        run = tmp_path / "run"
        run.mkdir(mode=0o700)
        own = Path(paths.state_file(str(run), faceplate_client.__version__))
        for wrong in ({**state, "port": 1}, {**state, "token": "old"}, {**state, "api": 99}, {"api": 1}, []):
            write_private(own, json.dumps(wrong))
            assert discovery.find_engine(str(run)) is None
        write_private(own, json.dumps(state))
        own.chmod(0o644)
        assert discovery.find_engine(str(run)) is None
        write_private(run / "engine-9.9.9.json", json.dumps(state))
        found = discovery.find_engine(str(run))
        assert found is not None and found.port == state["port"]


def write_private(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)
