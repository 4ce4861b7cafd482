"""`faceplate ui`: which shot it opens, the link, the browser, and its refusals."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cli import ui
from faceplate.cli.demo import demo_file
from faceplate.cli.main import run
from faceplate.farm.run import own_program
from faceplate.plate import Sequence
from faceplate.shot import load_shot
from faceplate.track import auto_track_path
from faceplate_client import EngineError
from plates import write_plate


class StandIn:
    """An engine that notes what it is asked."""

    def __init__(self, error: EngineError | None = None) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.opened: list[str] = []
        self.error = error

    def call(self, method: str, path: str, body: Any) -> dict[str, str]:
        self.asked.append((method, path, body))
        if self.error is not None:
            raise self.error
        return {"url": "http://127.0.0.1:1/ui/?ticket=t"}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    made = StandIn()

    def connected(parent: bool) -> StandIn:
        assert parent is False, "the engine must not end with the command"
        return made

    monkeypatch.setattr(ui, "connect", connected)
    monkeypatch.setattr(webbrowser, "open", lambda link: made.opened.append(link) or True)
    monkeypatch.chdir(tmp_path)
    return made


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        run(["ui", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    (tmp_path / "plates").mkdir()
    for number in (1, 2):
        write_plate(tmp_path / "plates" / f"a_v1.{number:04d}.exr", np.zeros((4, 4, 3), np.float32), "half")
    return tmp_path / "plates" / "a_v1.####.exr"


class TestOpens:
    def test_the_demo(self, engine: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = call(capsys)
        assert code == 0 and "http://127.0.0.1:1/ui/?ticket=t" in out
        assert [asked[:2] for asked in engine.asked] == [("POST", "/v1/ui/ticket")] and engine.asked[0][2]["shot"] == ""
        assert engine.opened == ["http://127.0.0.1:1/ui/?ticket=t"]

    def test_a_shot_file(self, engine: StandIn, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "a.shot.json").write_text("{}")
        assert call(capsys, "a.shot.json", "--no-browser")[0] == 0
        assert engine.asked[0][2]["shot"] == str(tmp_path / "a.shot.json")
        assert not engine.opened

    def test_the_users_variables_are_sent(
        self, engine: StandIn, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The engine may have been started by somebody else; other variables stay here."""
        for name in ("OCIO", "PLATES", "SHOW_SOURCE", "SECRET"):
            monkeypatch.setenv(name, f"/{name.lower()}")
        (tmp_path / "a.shot.json").write_text('{"plate": "$PLATES/p.exr"}')
        (tmp_path / "faceplate.show.json").write_text(
            '{"faceplate_show": 1, "root": true, "defaults": {"source": "${SHOW_SOURCE}/bea"}}'
        )
        assert call(capsys, "a.shot.json")[0] == 0
        sent = engine.asked[0][2]["environ"]
        assert {name: sent.get(name) for name in ("OCIO", "PLATES", "SHOW_SOURCE", "SECRET")} == {
            "OCIO": "/ocio", "PLATES": "/plates", "SHOW_SOURCE": "/show_source", "SECRET": None,
        }  # fmt: skip

    def test_a_wedge(self, engine: StandIn, tmp_path: Path) -> None:
        """`faceplate wedge --open` names the wedge's folder behind the shot."""
        (tmp_path / "a.shot.json").write_text("{}")
        ui.open_workspace(str(tmp_path / "a.shot.json"), wedge=Path("/show/a b+c.wedge"))
        assert engine.opened == ["http://127.0.0.1:1/ui/?ticket=t&wedge=%2Fshow%2Fa%20b%2Bc.wedge"]

    def test_a_plate(self, engine: StandIn, capsys: pytest.CaptureFixture[str], tmp_path: Path, plate: Path) -> None:
        code, out, _ = call(capsys, "plates/a_v1.####.exr", "--source", "bea", "--space", "ACEScg")
        shot = tmp_path / "a_v1.shot.json"
        assert code == 0 and str(shot) in out and engine.asked[0][2]["shot"] == str(shot)
        written = json.loads(shot.read_text())
        assert (written["plate"], written["source"], written["space"]) == (str(plate), str(tmp_path / "bea"), "ACEScg")
        before = shot.read_bytes()
        code, out, _ = call(capsys, "plates/a_v1.####.exr")
        assert code == 0 and "is there already" in out and shot.read_bytes() == before


class TestRefusals:
    def test_what_is_not_there(self, engine: StandIn, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        for arguments in (["none.shot.json"], ["none.####.exr"], ["--source", "bea"]):
            code, _, err = call(capsys, *arguments)
            assert code == 2 and err.startswith("faceplate: ") and "Traceback" not in err
        assert not engine.asked and not list(tmp_path.iterdir())

    def test_an_engine_without_a_workspace(self, engine: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
        engine.error = EngineError("no-route", "POST /v1/ui/ticket: Not Found.")
        code, _, err = call(capsys)
        assert code == 1 and "serve --stop" in err

    def test_no_browser_here(
        self, engine: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webbrowser, "open", lambda link: False)
        code, out, _ = call(capsys)
        assert code == 0 and "open the link yourself" in out


def test_the_demo_leaves_a_shot_file(tmp_path: Path) -> None:
    """It names the files that the demo has rendered, and the track that the render kept beside them."""
    file = demo_file(tmp_path)
    shot = load_shot(file)
    output = Sequence.parse(tmp_path / "swap" / "swap.####.exr")
    assert shot.output == str(output) and shot.track == auto_track_path(output)
    assert shot.plate == str(tmp_path / "plate" / "plate.####.exr")
    file.write_text(file.read_text().replace('"demo"', '"mine"'))
    assert load_shot(demo_file(tmp_path)).name == "mine", "a changed file is kept"
    assert own_program().rpartition("/")[2] == "faceplate"
