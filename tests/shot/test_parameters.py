"""The parameter list, and the files and options made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.main import get_command

from faceplate.cli.main import app, run
from faceplate.cli.parameters import parameters_json, parameters_page
from faceplate.shot.parameters import PARAMETERS, Parameters, Stage, describe

ROOT = Path(__file__).parents[2]
STALE = "is stale: run `faceplate parameters --write`"


def test_the_files_that_hosts_and_people_read_are_current() -> None:
    carried = ROOT / "core" / "faceplate_client" / "parameters.json"
    assert carried.read_text(encoding="utf-8") == parameters_json(), f"{carried.name} {STALE}"
    page = ROOT / "docs" / "parameters.md"
    assert page.read_text(encoding="utf-8") == parameters_page(), f"{page.name} {STALE}"


def test_the_description_is_whole_and_plain() -> None:
    entries = json.loads(parameters_json())["parameters"]
    assert entries == describe()
    assert [entry["name"] for entry in entries] == list(Parameters.model_fields)
    for entry in entries:
        assert entry["type"] in ("float", "int", "string", "choice", "path")
        assert (entry["type"] == "choice") == bool(entry["choices"])
        assert (entry["type"] in ("float", "int")) == (entry["minimum"] is not None) == (entry["maximum"] is not None)
        assert entry["label"] and entry["help"].endswith(".") and entry["group"]
        assert entry["invalidates"] in list(Stage)
        assert not entry["animatable"] or entry["type"] in ("float", "int"), "only numbers can be keyed"
        assert Parameters.model_validate({entry["name"]: entry["default"]}) == Parameters()
    assert {entry["name"] for entry in entries if entry["type"] == "path"} == {"holdout_matte", "garbage_matte"}


@pytest.mark.parametrize("entry", [e for e in describe() if e["maximum"] is not None], ids=lambda entry: entry["name"])
def test_ranges_are_held(entry: dict) -> None:
    for value in (entry["minimum"], entry["maximum"]):
        assert getattr(Parameters.model_validate({entry["name"]: value}), entry["name"]) == value
    for value in (entry["minimum"] - 1, entry["maximum"] + 1):
        with pytest.raises(ValidationError, match=entry["name"]):
            Parameters.model_validate({entry["name"]: value})


def test_the_command_line_has_every_parameter() -> None:
    render = get_command(app).commands["render"]  # type: ignore[attr-defined]
    options = {option.name: option for option in render.params}
    for parameter in PARAMETERS:
        assert f"--{parameter.name.replace('_', '-')}" in options[parameter.name].opts
        assert options[parameter.name].help == parameter.about.help


def test_the_command_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run(["parameters"])
    assert not left.value.code
    assert capsys.readouterr().out == parameters_json()
