"""An unsigned take is called unsigned, and no signature is lost without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from typer.testing import CliRunner

from faceplate.cli import main
from faceplate.cli.main import app
from faceplate.errors import UsageError
from faceplate.plate import Sequence
from faceplate.provenance import collect, record
from faceplate.provenance.manifest import manifest_path, read_manifest, records_folder
from faceplate.provenance.verify import verify
from faceplate.shot import load_shot
from faceplate.signing import Key, Keyring, load_key, new_key
from faceplate.signing.keys import signature_path, write_json
from farm_shots import cheap, ran, small_shot
from plates import write_plate
from releases import key_of, make_studio

FRAMES = (1001, 1002, 1003)


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    return make_studio(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Key:
    """A key that is in no keyring."""
    new_key(tmp_path / "stranger.pem", {})
    return load_key(tmp_path / "stranger.pem", {})


@pytest.fixture
def take(tmp_path: Path) -> Sequence:
    """Three recorded frames."""
    output = Sequence.parse(str(tmp_path / "take" / "swap.####.exr"))
    for number in FRAMES:
        written(output, number, number)
    return output


def written(output: Sequence, number: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).random((8, 12, 4))
    engine: Any = {"faceplate:engine": "faceplate test"}
    write_plate(output.path(number), pixels, "half", **engine)
    record(output, number, {"shot": "sh010", "output": "swap.####.exr"})


def told(take: Sequence, studio: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", str(take.folder), "--keyring", str(studio), *words])
    return result.exit_code, result.output


def as_json(take: Sequence, studio: Path, *words: str) -> dict[str, Any]:
    return json.loads(told(take, studio, "--json", *words)[1])


# --- the verdict ------------------------------------------------------------------------------------------------------


def test_a_signed_take(take: Sequence, studio: Path) -> None:
    collect(take, key_of(studio))
    verdict = verify(take.folder, Keyring.read(studio))
    assert verdict.state == "signed" and verdict.sound and verdict.acceptable(require_signature=True)
    code, words = told(take, studio, "--require-signature")
    assert code == 0 and "is signed by a key of the keyring" in words


def test_an_unsigned_take_is_unsigned(take: Sequence, studio: Path) -> None:
    collect(take)
    verdict = verify(take.folder, Keyring.read(studio))
    assert (verdict.state, verdict.signature, verdict.sound) == ("unsigned", "unsigned", False)
    assert verdict.acceptable(require_signature=False) and not verdict.acceptable(require_signature=True)
    code, words = told(take, studio)
    assert code == 0 and "Verdict: unsigned:" in words
    code, words = told(take, studio, "--require-signature")
    assert code == 3 and "a signature is required" in words
    document = as_json(take, studio, "--require-signature")
    assert document["verdict"] == "unsigned" and document["signature_required"] and not document["acceptable"]


def test_an_unknown_key_is_an_unknown_key(take: Sequence, studio: Path, stranger: Key) -> None:
    collect(take, stranger)
    verdict = verify(take.folder, Keyring.read(studio))
    assert (verdict.state, verdict.sound) == ("unknown-key", False)
    code, words = told(take, studio)
    assert code == 0 and "Verdict: unknown key:" in words
    assert told(take, studio, "--require-signature")[0] == 3


@pytest.mark.parametrize("forge", ["manifest", "signature"])
def test_a_bad_signature_is_refused_with_and_without_a_policy(forge: str, take: Sequence, studio: Path) -> None:
    path = collect(take, key_of(studio))
    assert path is not None
    if forge == "manifest":
        write_json(path, json.loads(path.read_text("utf-8")) | {"engine": "another"})
    else:
        signature_path(path).write_text("{", "utf-8")
    assert verify(take.folder, Keyring.read(studio)).state == "bad-signature"
    assert told(take, studio)[0] == 1 and told(take, studio, "--require-signature")[0] == 3


def test_a_changed_frame_ends_with_one_whatever_the_policy(take: Sequence, studio: Path) -> None:
    collect(take)
    take.path(1002).unlink()
    assert verify(take.folder, Keyring.read(studio)).state == "changed"
    assert told(take, studio)[0] == 1 and told(take, studio, "--require-signature")[0] == 1


def test_a_show_asks_for_signatures(take: Sequence, studio: Path, tmp_path: Path) -> None:
    """The policy of a show file above the frames counts, and that of a shot file that is named."""
    collect(take)
    show = {"faceplate_show": 1, "root": True, "policy": {"require_signatures": True}}
    (take.folder / "faceplate.show.json").write_text(json.dumps(show))
    assert told(take, studio)[0] == 3
    (take.folder / "faceplate.show.json").unlink()
    assert told(take, studio)[0] == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "faceplate.show.json").write_text(json.dumps(show))
    shot = elsewhere / "sh010.shot.json"
    shot.write_text(json.dumps({"faceplate_shot": 1, "plate": "p.####.exr"}))
    assert load_shot(shot).policy.require_signatures is True
    assert told(take, studio, "--shot", str(shot))[0] == 3


def test_a_sequence_cannot_lift_what_its_show_asks_for(tmp_path: Path) -> None:
    inner = tmp_path / "sq"
    inner.mkdir()
    for folder, root, asks in ((tmp_path, True, True), (inner, False, False)):
        document = {"faceplate_show": 1, "root": root, "policy": {"require_signatures": asks}}
        (folder / "faceplate.show.json").write_text(json.dumps(document))
    assert load_shot({"faceplate_shot": 1, "plate": "p.####.exr"}, inner).policy.require_signatures is True


# --- keeping a signature ------------------------------------------------------------------------------------------------


def test_without_a_key_a_signed_take_stays_as_it_is(take: Sequence, studio: Path) -> None:
    path = collect(take, key_of(studio))
    assert path is not None
    before = path.read_bytes(), signature_path(path).read_bytes()
    assert collect(take) == path
    assert (path.read_bytes(), signature_path(path).read_bytes()) == before
    assert verify(take.folder, Keyring.read(studio)).state == "signed"


@pytest.mark.parametrize("change", ["frame", "record", "manifest", "no manifest"])
def test_without_a_key_a_changed_signed_take_is_refused(change: str, take: Sequence, studio: Path) -> None:
    path = collect(take, key_of(studio))
    assert path is not None
    if change == "frame":
        written(take, 1002, 77)
    elif change == "record":
        written(take, 1004, 1004)
    elif change == "manifest":
        path.write_text("{}", "utf-8")
    else:
        path.unlink()
    before = signature_path(path).read_bytes(), path.read_bytes() if path.exists() else None
    with pytest.raises(UsageError) as refused:
        collect(take)
    assert refused.value.code == "manifest-signed" and "FACEPLATE_SIGNING_KEY" in refused.value.message
    assert (signature_path(path).read_bytes(), path.read_bytes() if path.exists() else None) == before
    assert collect(take, key_of(studio)) == path and verify(take.folder, Keyring.read(studio)).state == "signed"


def test_an_unsigned_take_is_collected_anew(take: Sequence) -> None:
    collect(take)
    written(take, 1004, 1004)
    path = collect(take)
    assert path is not None and set(read_manifest(path)[0].frames) == {"1001", "1002", "1003", "1004"}


def test_check_and_render_leave_a_signed_take_alone(
    tmp_path: Path, studio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = small_shot(tmp_path / "show", 2, **cheap(no_face="pass"))
    output = Sequence.parse(str(tmp_path / "show" / "out" / "sh010.####.exr"))
    monkeypatch.setenv("FACEPLATE_SIGNING_KEY", str(studio.parent / "production.pem"))
    assert main._run(["render", str(shot)]) == 0
    monkeypatch.delenv("FACEPLATE_SIGNING_KEY")
    path = manifest_path(output)
    before = path.read_bytes(), signature_path(path).read_bytes()

    code, events = ran(capsys, "check", shot)
    assert code == 0, events
    assert (path.read_bytes(), signature_path(path).read_bytes()) == before
    assert verify(output.folder, Keyring.read(studio)).state == "signed"

    document = json.loads(shot.read_text())
    document["parameters"]["matte_feather"] = 0.2
    shot.write_text(json.dumps(document))
    assert main._run(["render", str(shot)]) == 2
    assert "is signed and the frames have changed since" in capsys.readouterr().err
    assert len(list(records_folder(output).glob("*.json"))) == 2 and output.on_disk() == (1001, 1002)
    code, events = ran(capsys, "check", shot)
    refused = [event for event in events if event["event"] == "fault"]
    assert code == 1 and [event["code"] for event in refused] == ["manifest-signed"]
    assert (path.read_bytes(), signature_path(path).read_bytes()) == before
    assert oiio.ImageInput.open(str(output.path(1001))) is not None
