"""`faceplate host`: what it prints, what it refuses, and what it lists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from faceplate.cli.main import run
from faceplate.errors import UsageError
from faceplate.hosts import HOSTS, adapter_folder, installations
from faceplate_client import __version__, paths


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of its own, without hosts."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", "")
    (tmp_path / "home").mkdir()


def host(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `faceplate host`."""
    with pytest.raises(SystemExit) as ended:
        run(["host", *words])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_every_adapter_is_found() -> None:
    for name in HOSTS:
        assert (adapter_folder(name)).is_dir()
    with pytest.raises(UsageError) as caught:
        adapter_folder("maya")
    assert caught.value.code == "unknown-host"


@pytest.mark.parametrize("name", HOSTS)
def test_installed_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    place = tmp_path / "a place"
    code, out, err = host(capsys, "install", name, "--dir", str(place))
    assert (code, err) == (0, "") and out.startswith("Installed ")
    code, out, _ = host(capsys, "list")
    (row,) = [line for line in out.splitlines() if line.startswith(name)]
    assert code == 0 and re.split("  +", row)[:3] == [name, __version__, "this one"] and str(place) in row
    code, out, err = host(capsys, "install", name, "--dir", str(place), "--remove")
    assert (code, err) == (0, "") and out.startswith("Removed ")
    assert not list(place.rglob("*.py"))
    assert "No adapter is installed" in host(capsys, "list")[1]
    code, out, _ = host(capsys, "install", name, "--dir", str(place), "--remove")
    assert (code == 0 and "not in" in out) or "Nothing" in out


def test_the_default_places_are_listed_without_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert host(capsys, "install", "nuke")[0] == 0
    Path(paths.user_folder(), "hosts.json").unlink()
    assert str(tmp_path / "home" / ".nuke" / "faceplate") in host(capsys, "list")[1]


def test_an_old_adapter_and_a_missing_engine_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host(capsys, "install", "nuke", "--dir", str(tmp_path / "nuke"))
    client = tmp_path / "nuke" / "faceplate" / "faceplate_client"
    (client / "version.py").write_text('__version__ = "0.1.0"\n')
    (client / "engine.json").write_text(json.dumps({"python": "/gone/python"}))
    out = host(capsys, "list")[1]
    assert "0.1.0" in out and "missing: /gone/python" in out
    assert out.splitlines()[-1] == f"This engine is {__version__}. To update an adapter, install it again: nuke."


@pytest.mark.parametrize("record", ["[", '{"installations": 3}', '{"installations": [{"host": 1}, 2, null]}'])
def test_a_damaged_record_is_passed_over(capsys: pytest.CaptureFixture[str], record: str) -> None:
    path = Path(paths.user_folder(), "hosts.json")
    path.parent.mkdir(parents=True)
    path.write_text(record)
    assert installations() == []
    assert host(capsys, "list")[0] == 0
    assert host(capsys, "install", "nuke")[0] == 0
    assert [one.host for one in installations()] == ["nuke"]


def test_a_record_that_cannot_be_written_is_told_and_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").touch()
    code, out, err = host(capsys, "install", "nuke", "--dir", str(tmp_path / "nuke"))
    assert code == 0 and "Installed FaceSwap" in out
    assert err.count("\n") == 1 and "could not be written" in err and "host list" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("maya",), "There is no adapter for 'maya'; there are: nuke, blender, resolve."),
        (("nuke", "--version", "15"), "--version is for blender"),
        (("blender", "--all-users"), "--all-users is for resolve"),
        (("resolve", "--all-users", "--dir", "x"), "not together with --dir"),
        (("nuke", "--dir", "/nowhere/at/all"), "There is no folder /nowhere/at; name an existing place with --dir."),
        (("blender", "--version", "/nowhere/blender"), "Blender /nowhere/blender was not found"),
        (("nuke", "--folder", "x"), "No such option"),
        ((), "Missing argument"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = host(capsys, "install", *words)
    assert (code, out) == (2, "") and sentence in err and err.count("\n") == 1
    assert not list((tmp_path / "home").iterdir())


def test_movies_are_mentioned_where_their_extra_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "env movies" not in host(capsys, "install", "resolve", "--dir", str(tmp_path / "one"))[1]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "python3 install env movies" in host(capsys, "install", "resolve", "--dir", str(tmp_path / "two"))[1]
