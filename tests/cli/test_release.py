"""`faceplate release` and `faceplate verify` from the command line, and the policy in the command and the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from faceplate.cli.main import app
from faceplate.consent import Request, revoke
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.service.shots import OpenShots, describe
from faceplate.signing.keys import write_json
from releases import CASES, TODAY, case, key_of, make_studio

# --- the commands --------------------------------------------------------------------------------------------------------


def test_the_road_of_a_release_from_the_command_line(unreleased_source: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("FACEPLATE_KEYRING", str(tmp_path / "ring"))
    run = CliRunner().invoke
    words = [
        "--performer",
        "Beá",
        "--production",
        "Glass",
        "--rights-holder",
        "Beá",
        "--contact",
        "us",
        "--uses",
        "stunt",
    ]
    key = str(tmp_path / "production.pem")
    assert run(app, ["release", "key", key]).exit_code == 0
    assert run(app, ["release", "new", str(unreleased_source), *words, "--id", "r7"]).exit_code == 0
    assert run(app, ["release", "verify", str(unreleased_source), "--production", "Glass"]).exit_code == 1
    assert run(app, ["release", "sign", str(unreleased_source), "--key", key]).exit_code == 0
    told = run(app, ["release", "verify", str(unreleased_source), "--production", "glass"])
    assert told.exit_code == 0 and told.output.startswith("valid: release r7")
    assert run(app, ["release", "verify", str(unreleased_source), "--production", "Stone"]).exit_code == 1
    assert run(app, ["release", "revoke", "r7", "--key", key, "--why", "taken back"]).exit_code == 0
    told = run(app, ["release", "verify", str(unreleased_source), "--production", "Glass"])
    assert told.exit_code == 1 and told.output.startswith("revoked")


def test_verify_prints_json_and_ends_with_one(marked_take: Renderer) -> None:
    told = CliRunner().invoke(app, ["verify", str(marked_take.output.folder), "--json"])
    assert told.exit_code == 0 and json.loads(told.output)["verdict"] == "unsigned"
    marked_take.output.path(1001).unlink()
    told = CliRunner().invoke(app, ["verify", str(marked_take.output.folder)])
    assert told.exit_code == 1 and "frame 1001: missing: swap.1001.exr was removed" in told.output


def test_a_secret_never_reaches_the_output(tmp_path: Path, unreleased_source: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("FACEPLATE_KEY_PASSPHRASE", "quite-a-secret")
    monkeypatch.setenv("FACEPLATE_KEYRING", str(tmp_path / "ring"))
    key = tmp_path / "k.pem"
    outputs = [CliRunner().invoke(app, ["release", "key", str(key)]).output]
    write_json(unreleased_source / "release.json", json.loads((person("bea") / "release.json").read_text("utf-8")))
    outputs.append(CliRunner().invoke(app, ["release", "sign", str(unreleased_source), "--key", str(key)]).output)
    key.chmod(0o644)
    broken = CliRunner().invoke(app, ["release", "sign", str(unreleased_source), "--key", str(key)])
    assert isinstance(broken.exception, UsageError) and broken.exception.code == "key-open"
    secret = key.read_text("ascii").splitlines()[1]
    for text in (*outputs, str(broken.exception)):
        assert "quite-a-secret" not in text and secret not in text


# --- the table, where renders are asked for -----------------------------------------------------------------------------


@pytest.fixture
def source_in_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_plate: Path
) -> Callable[[str, str], dict[str, Any]]:
    """A shot's document for a source whose release is in a state, with the studio's keyring in the environment."""
    studio = make_studio(tmp_path)
    monkeypatch.setenv("FACEPLATE_KEYRING", str(studio))
    monkeypatch.setattr(Request, "today", property(lambda request: request.day or TODAY))

    def document(state: str, purpose: str) -> dict[str, Any]:
        source, request = case(state, studio, tmp_path / "source")
        if request.day != TODAY:
            monkeypatch.setattr(Request, "today", property(lambda _: request.day))
        return {
            "faceplate_shot": 1,
            "name": request.shot,
            "production": request.production,
            "use": request.use,
            "purpose": purpose,
            "plate": str(small_plate),
            "frames": "1001",
            "source": str(source),
            "output": str(tmp_path / "out" / "swap.####.exr"),
            "space": "ACEScg",
            "parameters": {"generator": "null", "crop": 64},
        }

    return document


def refused_source(state: str, purpose: str) -> bool:
    return state == "revoked" or (purpose == "final" and state != "valid")


@pytest.mark.parametrize("purpose", ["preview", "final"])
@pytest.mark.parametrize("state", CASES)
def test_the_command_does_what_the_table_says(
    state: str, purpose: str, source_in_state: Callable[[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "sh.shot.json").write_text(json.dumps(source_in_state(state, purpose)), "utf-8")
    told = CliRunner().invoke(app, ["render", str(tmp_path / "sh.shot.json"), "--no-track"])
    written = tmp_path / "out" / "swap.1001.exr"
    if refused_source(state, purpose):
        assert isinstance(told.exception, UsageError) and told.exception.code == f"release-{state}"
        assert not written.parent.exists()
    else:
        assert told.exit_code == 0, told.output
        attributes = PlateFile.open(written).attributes
        assert attributes["faceplate:release_state"] == state and attributes["faceplate:purpose"] == purpose
        assert ("faceplate:slate" in attributes) is (state != "valid")


@pytest.mark.parametrize("purpose", ["preview", "final"])
@pytest.mark.parametrize("state", CASES)
def test_the_service_does_what_the_table_says(
    state: str, purpose: str, source_in_state: Callable[[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    opened = OpenShots(Roots([])).open(ShotRequest(document=source_in_state(state, purpose), base=str(tmp_path)))
    if refused_source(state, purpose):
        with pytest.raises(UsageError) as refusal:
            describe(opened)
        with pytest.raises(UsageError) as again:
            opened.renderer().render(1001)
        assert refusal.value.code == again.value.code == f"release-{state}"
    else:
        release = describe(opened)["source_release"]
        assert release["state"] == state and bool(release["slate"]) is (state != "valid")


def test_the_service_notices_a_release_taken_back(
    source_in_state: Callable[[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    opened = OpenShots(Roots([])).open(ShotRequest(document=source_in_state("valid", "final"), base=str(tmp_path)))
    assert describe(opened)["source_release"]["state"] == "valid"
    revoke(tmp_path / "keyring", "r1", key_of(tmp_path / "keyring"))
    with pytest.raises(UsageError) as told:
        opened.renderer().render(1001)
    assert told.value.code == "release-revoked"


def test_a_take_leaves_manifest_records_and_a_line_in_the_shows_log(
    source_in_state: Callable[[str, str], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_SIGNING_KEY", str(tmp_path / "production.pem"))
    (tmp_path / "faceplate.show.json").write_text('{"faceplate_show": 1, "root": true}', "utf-8")
    (tmp_path / "sh.shot.json").write_text(json.dumps(source_in_state("valid", "final")), "utf-8")
    for _ in range(2):
        told = CliRunner().invoke(app, ["render", str(tmp_path / "sh.shot.json"), "--no-track"])
        assert told.exit_code == 0, told.output
    log = tmp_path / "faceplate.audit.jsonl"
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [line["release"] for line in lines] == ["r1", "r1"] and lines[0]["purpose"] == "final"
    assert CliRunner().invoke(app, ["verify", str(log)]).exit_code == 0
    told = CliRunner().invoke(app, ["verify", str(tmp_path / "out")])
    assert told.exit_code == 0 and "signed by a key of the keyring" in told.output
    assert "production.pem" not in log.read_text("utf-8")
