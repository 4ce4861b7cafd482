"""Renamed parameters: files, options, requests and overrides with the former names."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from faceplate.cli.main import app
from faceplate.shot import Override, Parameters, Shot, ShotDocument, load_shot, parse_document, set_values
from faceplate.shot import parameters as declared
from faceplate.shot.parameters import FORMER_NAMES, current_names

RENAMED = {"keep": "keep_regions", "hold_out": "holdout_matte", "garbage": "garbage_matte"}


@pytest.fixture(autouse=True)
def _notes_not_yet_given() -> None:
    declared._note_former_name.cache_clear()


def test_the_declared_renamings() -> None:
    assert FORMER_NAMES == RENAMED
    assert not set(FORMER_NAMES) & set(Parameters.model_fields)


def test_a_note_names_the_new_parameter_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "faceplate.parameters"):
        assert Parameters.model_validate({"keep": "eyes"}).keep_regions == "eyes"
        assert Parameters.model_validate({"keep": "mouth"}).keep_regions == "mouth"
    assert [record.getMessage() for record in caplog.records] == [
        "The parameter 'keep' is now called 'keep_regions'; the old name still works."
    ]


def test_the_current_name_wins() -> None:
    assert current_names({"garbage": "old.exr", "garbage_matte": "new.exr"}) == {"garbage_matte": "new.exr"}


def test_an_old_shot_file_loads_and_is_written_with_the_new_names(tmp_path: Path) -> None:
    text = json.dumps(
        {
            "faceplate_shot": 1,
            "plate": "plate.####.exr",
            "parameters": {"keep": "eyes", "hold_out": "roto.####.exr"},
            "overrides": [{"frames": "1001-1002", "parameters": {"keep": "mouth", "garbage": "g.####.exr"}}],
        }
    )
    path = tmp_path / "sh010.shot.json"
    path.write_text(text, "utf-8")
    shot = load_shot(path)
    assert shot.parameters.keep_regions == "eyes"
    assert shot.parameters.holdout_matte == str(tmp_path / "roto.####.exr")
    assert shot.at(1001).keep_regions == "mouth" and shot.at(1003).keep_regions == "eyes"
    assert shot.at(1002).garbage_matte == str(tmp_path / "g.####.exr")
    edited = set_values(parse_document(text, ShotDocument), {"hold_out": "other.####.exr"})
    assert edited.parameters is not None
    assert edited.parameters.model_dump(exclude_none=True) == {
        "keep_regions": "eyes",
        "holdout_matte": "other.####.exr",
    }


def test_python_overrides() -> None:
    shot = Shot(plate="p.####.exr", overrides=(Override(frames=frozenset({1}), constants={"keep": "nose"}),))
    assert shot.at(1).keep_regions == "nose"


@pytest.mark.parametrize("former", sorted(RENAMED))
def test_old_options_are_read_and_not_shown(former: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The render is refused for its plate, so the option itself was understood; help lists the new name alone."""
    from faceplate.cli.main import _run

    option = f"--{former.replace('_', '-')}"
    plate, out = str(tmp_path / "none.####.exr"), str(tmp_path / "out.####.exr")
    assert _run(["render", plate, "-o", out, "--generator", "null", option, "eyes"]) == 2
    assert "No such option" not in capsys.readouterr().err
    with pytest.raises(SystemExit):
        app(args=["render", "--help"], standalone_mode=True)
    shown = capsys.readouterr().out
    assert f"--{RENAMED[former].replace('_', '-')}"[:12] in shown and f"{option} " not in shown
