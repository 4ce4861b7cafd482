"""Releases and marks where they count: in a render, in its files, and in the pictures that are made of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)
import pytest
from typer.testing import CliRunner

from certificates import chain_for
from faceplate.cli.main import app
from faceplate.color import ColorConfig
from faceplate.consent import Request, revoke
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.face.align import resample
from faceplate.generators import NullGenerator
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.plate import PlateFile, Sequence
from faceplate.provenance import collect, record, verify
from faceplate.provenance.content_credentials import add_credentials, read_credentials
from faceplate.provenance.fields import COMPOSITE, SOURCE_TYPE
from faceplate.render import Renderer
from faceplate.review.movie import review
from faceplate.service.roots import Roots
from faceplate.service.schema import ShotRequest
from faceplate.service.shots import OpenShots, describe
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from faceplate.signing import Keyring, load_key, new_key
from faceplate.signing.keys import write_json
from plates import read_file, write_plate
from releases import CASES, TODAY, case, key_of, make_studio

WIDTH, HEIGHT = 400, 300


@pytest.fixture(scope="session")
def small_plate(still: Callable[[str], Frame], color: ColorConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames of 400 x 300 in ACEScg with a face of 200 pixels."""
    frame = still("ada/front.jpg")
    pixels = resample(
        frame.working(), frame.window, np.array([[0.29, 0, 50], [0, 0.29, 0]]), Window(0, 0, WIDTH, HEIGHT)
    )
    folder = tmp_path_factory.mktemp("marked")
    for number in (1001, 1002):
        write_plate(folder / f"plate.{number}.exr", pixels * (number - 1000), "half")
    return folder / "plate.####.exr"


@pytest.fixture
def unreleased(tmp_path: Path) -> Path:
    folder = tmp_path / "somebody"
    folder.mkdir()
    shutil.copy(person("bea") / "front.jpg", folder)
    return folder


def renderer_of(plate: Path, source: Path, output: Path, finder: FaceFinder, **changes: Any) -> Renderer:
    values: dict[str, Any] = {"name": "sh010", "production": "Glass", "space": "ACEScg", **changes}
    shot = Shot(plate=str(plate), source=source, output=str(output), **values)
    return Renderer(shot, finder, NullGenerator(side=128))


# --- the slate in the picture --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["over", "element"])
def test_a_preview_without_a_release_carries_a_slate(
    mode: Any, small_plate: Path, unreleased: Path, finder: FaceFinder, tmp_path: Path
) -> None:
    out = tmp_path / "out.####.exr"
    marked = renderer_of(small_plate, unreleased, out, finder, mode=mode)
    marked.prepare()
    marked.write(marked.render(1001))
    pixels, spec = read_file(tmp_path / "out.1001.exr")
    assert spec.getattribute("faceplate:slate") == "AI-GENERATED PREVIEW – no release on file"
    assert spec.getattribute("faceplate:release_state") == "none"
    window = Window(spec.x, spec.y, spec.width, spec.height)
    assert window.bottom == HEIGHT and window.width == WIDTH
    bar = pixels[-12:-2, 2:-2]
    plate = read_file(Path(str(small_plate).replace("####", "1001")))[0][-12:-2, 2:-2]
    assert bar[..., :3].max() > 0.6  # letters
    under = plate if mode == "over" else np.zeros_like(bar[..., :3])
    dark = np.abs(bar[..., :3] - 0.25 * under[..., :3]).max(axis=2) < 0.01
    assert dark.mean() > 0.3  # the bar between them
    if mode == "element":
        assert bar[..., 3].min() > 0.7
        assert np.array_equal(pixels[..., 3], pixels[..., spec.channelnames.index("matte")])


def test_a_released_source_leaves_the_picture_alone(small_plate: Path, finder: FaceFinder, tmp_path: Path) -> None:
    for purpose in ("preview", "final"):
        out = tmp_path / f"{purpose}.####.exr"
        renderer = renderer_of(small_plate, person("bea"), out, finder, mode="over", purpose=purpose)
        renderer.prepare()
        renderer.write(renderer.render(1001))
        plate = Path(str(small_plate).replace("####", "1001"))
        assert np.array_equal(read_file(renderer.output.path(1001))[0], read_file(plate)[0])


def test_a_final_without_a_release_is_refused_before_the_first_frame(
    small_plate: Path, unreleased: Path, finder: FaceFinder, tmp_path: Path
) -> None:
    renderer = renderer_of(small_plate, unreleased, tmp_path / "new" / "out.####.exr", finder, purpose="final")
    with pytest.raises(UsageError) as told:
        renderer.prepare()
    assert told.value.code == "release-none" and "faceplate release new" in str(told.value)
    assert not (tmp_path / "new").exists()


def test_no_source_needs_no_word(small_plate: Path, finder: FaceFinder, tmp_path: Path) -> None:
    shot = Shot(
        plate=str(small_plate),
        output=str(tmp_path / "o.####.exr"),
        purpose="final",
        space="ACEScg",
        parameters=Parameters(generator="null"),
    )
    renderer = Renderer(shot, finder)
    renderer.prepare()
    assert renderer.judgement[1].allowed and not renderer.judgement[1].slate


# --- what a frame says ---------------------------------------------------------------------------------------------------


@pytest.fixture
def take(small_plate: Path, finder: FaceFinder, tmp_path: Path) -> Renderer:
    """Two frames of a take with records and a manifest."""
    output = tmp_path / "take" / "swap.####.exr"
    renderer = renderer_of(small_plate, person("bea"), output, finder, mode="over", id="0" * 32, take=3)
    renderer.prepare()
    for number in (1001, 1002):
        renderer.write(renderer.render(number))
        record(renderer.output, number, renderer.take())
    collect(renderer.output)
    return renderer


def test_every_frame_says_what_made_it(take: Renderer) -> None:
    attributes = PlateFile.open(take.output.path(1001)).attributes
    said = {
        name.removeprefix("faceplate:"): value for name, value in attributes.items() if name.startswith("faceplate:")
    }
    assert said["shot"] == "sh010" and said["take"] == "3" and said["shot_id"] == "0" * 32
    assert said["release"] == "faceplate-demo-bea" and said["release_state"] == "valid" and said["purpose"] == "preview"
    assert "face_landmarker" in said["weights_sha256"] and len(said["plate_sha256"]) == 64
    assert attributes[SOURCE_TYPE] == COMPOSITE
    assert all(isinstance(value, str) for value in said.values())


def test_a_frame_saved_again_by_openimageio_keeps_its_fields(take: Renderer, tmp_path: Path) -> None:
    copy = tmp_path / "copy.1001.exr"
    assert oiio.ImageBuf(str(take.output.path(1001))).write(str(copy))
    before, after = (PlateFile.open(path).attributes for path in (take.output.path(1001), copy))
    for name, value in before.items():
        if name.startswith("faceplate:") or name == SOURCE_TYPE:
            assert after[name] == value, name
    assert verify(copy, Keyring({})).made["release"] == "faceplate-demo-bea"


def test_verify_tells_a_take_and_a_changed_frame(take: Renderer) -> None:
    assert verify(take.output.folder, Keyring({})).sound
    path = take.output.path(1002)
    picture = oiio.ImageBuf(str(path))
    picture.setpixel(5, 5, (0.5, 0.25, 0.125))
    picture.write(str(path))
    verdict = verify(take.output.folder, Keyring({}))
    assert [frame.kind for frame in verdict.frames] == ["as-written", "pixels-changed"]


# --- review pictures -----------------------------------------------------------------------------------------------------


def test_review_stills_carry_the_burn_in_and_the_picture(take: Renderer, color: ColorConfig, tmp_path: Path) -> None:
    made = review(take.output, tmp_path / "r" / "review.####.png", color)
    plain = review(take.output, tmp_path / "p" / "review.####.png", color, burn=False)
    burnt, clean = (cv2.imread(str(item.files[0])) for item in (made, plain))
    assert burnt is not None and clean is not None
    assert burnt.shape == (HEIGHT, WIDTH, 3) and len(made.files) == 2
    rows = np.flatnonzero((burnt != clean).any(axis=(1, 2)))
    assert rows[0] < 5 and rows[-1] < 0.2 * HEIGHT  # across the top, and nothing else
    assert made.fields["faceplate:shot"] == "sh010"


def test_a_review_of_an_element_is_laid_over_its_plate(
    take: Renderer, small_plate: Path, color: ColorConfig, finder: FaceFinder, tmp_path: Path
) -> None:
    element = renderer_of(small_plate, person("bea"), tmp_path / "e.####.exr", finder)
    element.prepare()
    element.write(element.render(1001))
    plate = Sequence.parse(str(small_plate))
    one = Sequence.parse(str(tmp_path / "e.1001.exr"))
    made = review(one, tmp_path / "r.1001.png", color, plate=plate, burn=False)
    over = review(Sequence.parse(str(take.output.path(1001))), tmp_path / "o.1001.png", color, burn=False)
    one, two = (cv2.imread(str(item.files[0])) for item in (made, over))
    assert one is not None and two is not None
    assert np.abs(one.astype(int) - two.astype(int)).max() <= 2


@pytest.mark.parametrize("kind", ["png", "mp4"])
def test_content_credentials_travel_in_the_file_and_break_with_it(
    kind: str, take: Renderer, color: ColorConfig, tmp_path: Path
) -> None:
    new_key(tmp_path / "signer.pem", {})
    key = load_key(tmp_path / "signer.pem", {})
    target = tmp_path / ("review.mp4" if kind == "mp4" else "review.####.png")
    made = review(take.output, target, color)
    path = made.files[0]
    if kind == "mp4":
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 2
    assert read_credentials(path) is None
    add_credentials(path, made.fields, key, chain_for(key.private))
    found = read_credentials(path)
    assert found is not None and found[0] in ("Valid", "Trusted")
    assert found[1]["faceplate:release"] == "faceplate-demo-bea"
    data = bytearray(path.read_bytes())
    place = len(data) - 200 if kind == "png" else data.find(b"mdat") + 64
    data[place] ^= 0x55
    path.write_bytes(bytes(data))
    broken = read_credentials(path)
    assert broken is not None and broken[0] == "Invalid"


# --- the commands --------------------------------------------------------------------------------------------------------


def test_the_road_of_a_release_from_the_command_line(unreleased: Path, tmp_path: Path, monkeypatch: Any) -> None:
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
    assert run(app, ["release", "new", str(unreleased), *words, "--id", "r7"]).exit_code == 0
    assert run(app, ["release", "verify", str(unreleased), "--production", "Glass"]).exit_code == 1
    assert run(app, ["release", "sign", str(unreleased), "--key", key]).exit_code == 0
    told = run(app, ["release", "verify", str(unreleased), "--production", "glass"])
    assert told.exit_code == 0 and told.output.startswith("valid: release r7")
    assert run(app, ["release", "verify", str(unreleased), "--production", "Stone"]).exit_code == 1
    assert run(app, ["release", "revoke", "r7", "--key", key, "--why", "taken back"]).exit_code == 0
    told = run(app, ["release", "verify", str(unreleased), "--production", "Glass"])
    assert told.exit_code == 1 and told.output.startswith("revoked")


def test_verify_prints_json_and_ends_with_one(take: Renderer) -> None:
    told = CliRunner().invoke(app, ["verify", str(take.output.folder), "--json"])
    assert told.exit_code == 0 and json.loads(told.output)["sound"] is True
    take.output.path(1001).unlink()
    told = CliRunner().invoke(app, ["verify", str(take.output.folder)])
    assert told.exit_code == 1 and "frame 1001: missing: swap.1001.exr was removed" in told.output


def test_a_secret_never_reaches_the_output(tmp_path: Path, unreleased: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("FACEPLATE_KEY_PASSPHRASE", "quite-a-secret")
    monkeypatch.setenv("FACEPLATE_KEYRING", str(tmp_path / "ring"))
    key = tmp_path / "k.pem"
    outputs = [CliRunner().invoke(app, ["release", "key", str(key)]).output]
    write_json(unreleased / "release.json", json.loads((person("bea") / "release.json").read_text("utf-8")))
    outputs.append(CliRunner().invoke(app, ["release", "sign", str(unreleased), "--key", str(key)]).output)
    key.chmod(0o644)
    broken = CliRunner().invoke(app, ["release", "sign", str(unreleased), "--key", str(key)])
    assert isinstance(broken.exception, UsageError) and broken.exception.code == "key-open"
    secret = key.read_text("ascii").splitlines()[1]
    for text in (*outputs, str(broken.exception)):
        assert "quite-a-secret" not in text and secret not in text


# --- the table, where renders are asked for -----------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_plate: Path) -> Callable[[str, str], dict[str, Any]]:
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


def refused(state: str, purpose: str) -> bool:
    return state == "revoked" or (purpose == "final" and state != "valid")


@pytest.mark.parametrize("purpose", ["preview", "final"])
@pytest.mark.parametrize("state", CASES)
def test_the_command_does_what_the_table_says(
    state: str, purpose: str, asked: Callable[[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "sh.shot.json").write_text(json.dumps(asked(state, purpose)), "utf-8")
    told = CliRunner().invoke(app, ["render", str(tmp_path / "sh.shot.json"), "--no-track"])
    written = tmp_path / "out" / "swap.1001.exr"
    if refused(state, purpose):
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
    state: str, purpose: str, asked: Callable[[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    opened = OpenShots(Roots([])).open(ShotRequest(document=asked(state, purpose), base=str(tmp_path)))
    if refused(state, purpose):
        with pytest.raises(UsageError) as refusal:
            describe(opened)
        with pytest.raises(UsageError) as again:
            opened.renderer().render(1001)
        assert refusal.value.code == again.value.code == f"release-{state}"
    else:
        release = describe(opened)["source_release"]
        assert release["state"] == state and bool(release["slate"]) is (state != "valid")


def test_the_service_notices_a_release_taken_back(asked: Callable[[str, str], dict[str, Any]], tmp_path: Path) -> None:
    opened = OpenShots(Roots([])).open(ShotRequest(document=asked("valid", "final"), base=str(tmp_path)))
    assert describe(opened)["source_release"]["state"] == "valid"
    revoke(tmp_path / "keyring", "r1", key_of(tmp_path / "keyring"))
    with pytest.raises(UsageError) as told:
        opened.renderer().render(1001)
    assert told.value.code == "release-revoked"


def test_a_take_leaves_manifest_records_and_a_line_in_the_shows_log(
    asked: Callable[[str, str], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATE_SIGNING_KEY", str(tmp_path / "production.pem"))
    (tmp_path / "faceplate.show.json").write_text('{"faceplate_show": 1, "root": true}', "utf-8")
    (tmp_path / "sh.shot.json").write_text(json.dumps(asked("valid", "final")), "utf-8")
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
