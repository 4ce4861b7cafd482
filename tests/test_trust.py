"""Releases, signatures, policy, marks, manifests and the audit log, without a render."""

from __future__ import annotations

import base64
import datetime as dt
import json
import multiprocessing
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from faceplate.consent import Policy, Request, audit, judge
from faceplate.consent.release import ReleaseState
from faceplate.consent.revocation import read_revocations, revoke
from faceplate.demo import PEOPLE, person
from faceplate.errors import FaceplateError, UsageError
from faceplate.image.window import Window
from faceplate.plate import Sequence
from faceplate.provenance import collect, make_slate, record
from faceplate.provenance.manifest import manifest_path
from faceplate.provenance.verify import verify
from faceplate.signing import Keyring, load_key, new_key
from faceplate.signing.canonical import canonical
from faceplate.signing.keys import Key, Signature, sign, signature_path, write_json
from releases import CASES, TODAY, a_release, case, key_of, make_studio, on_file


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    return make_studio(tmp_path)


# --- policy by release state -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("purpose", ["preview", "final"])
@pytest.mark.parametrize("state", CASES)
def test_policy_table(state: str, purpose: Any, strict: bool, studio: Path, tmp_path: Path) -> None:
    source, request = case(state, studio, tmp_path / "source")
    policy = Policy(keyring=studio, final_requires_release=strict)
    check, decision = judge(policy, purpose, source, request, {})
    assert check.state == state
    refused = state == "revoked" or (purpose == "final" and strict and state != "valid")
    assert decision.allowed is not refused
    assert bool(decision.slate) is (purpose == "preview" and state not in ("valid", "revoked"))
    assert decision.code == f"release-{state}"
    if refused:
        with pytest.raises(UsageError) as told:
            decision.enforce()
        assert told.value.code == f"release-{state}" and "\n" not in str(told.value)
    assert judge(policy.model_copy(update={"preview_slate": False}), "preview", source, request, {})[1].slate == ""


def test_days_count_whole_and_both_ends(studio: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio))
    days = {"2026-10-31": "not-yet", "2026-11-01": "valid", "2026-12-31": "valid", "2027-01-01": "expired"}
    for day, state in days.items():
        request = Request("Glass", "sh010", dt.date.fromisoformat(day))
        assert judge(Policy(keyring=studio), "final", source, request, {})[0].state == state


def test_names_are_compared_as_people_do(studio: Path, tmp_path: Path) -> None:
    composed = a_release(production="Ångström – Zoë", permitted={"shots": ["SÖ_*"]})
    source = on_file(tmp_path / "source", composed, key_of(studio))
    asked = Request(unicodedata.normalize("NFD", "ÅNGSTRÖM – ZOË"), unicodedata.normalize("NFD", "sö_010"), TODAY)
    assert judge(Policy(keyring=studio), "final", source, asked, {})[0].state == "valid"


@pytest.mark.parametrize("name", PEOPLE)
def test_invented_people_carry_a_release_for_their_own_pictures_alone(name: str, tmp_path: Path) -> None:
    policy = Policy(keyring=tmp_path)
    check, decision = judge(policy, "final", Path(person(name)), Request("anything", "any", TODAY), {})
    assert check.state == "valid" and decision.allowed and "does not exist" in check.text
    stolen = tmp_path / "somebody"
    stolen.mkdir()
    for file in ("release.json", "release.sig.json"):
        shutil.copy(person(name) / file, stolen)
    shutil.copy(person("bea" if name != "bea" else "ada") / "smile.jpg", stolen / "front.jpg")
    assert judge(policy, "final", stolen, Request("anything", "any", TODAY), {})[0].state == "other-pictures"


def test_the_demo_key_speaks_for_nobody_real(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(person("ada"), source, ignore=shutil.ignore_patterns("performance"))
    release = json.loads((source / "release.json").read_text("utf-8"))
    write_json(source / "release.json", release | {"fictitious": False, "pictures": []})
    assert judge(Policy(keyring=tmp_path), "final", source, Request(), {})[0].state == "unknown-key"


def test_a_clip_in_a_persons_folder_has_their_release(studio: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "ada", a_release(), key_of(studio))
    (source / "shoot").mkdir()
    shutil.copy(source / "front.jpg", source / "shoot" / "clip.1001.jpg")
    request = Request("Glass", "sh010", TODAY)
    for place in (source, source / "front.jpg", source / "shoot"):
        assert judge(Policy(keyring=studio), "final", place, request, {})[0].state == "valid"


# --- signatures and revocations -----------------------------------------------------------------------------------------

_json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
_KEY = Key(Ed25519PrivateKey.generate())
_RING = Keyring({_KEY.fingerprint: _KEY.private.public_key()})


@given(_json_values)
def test_what_was_signed_holds_however_it_is_written(document: Any) -> None:
    signature = sign(document, _KEY)
    for text in (json.dumps(document), json.dumps(document, indent=3, ensure_ascii=False)):
        assert _RING.check(json.loads(text), signature) == "good"


@given(_json_values, _json_values)
def test_one_document_one_text(a: Any, b: Any) -> None:
    assert (canonical(a) == canonical(b)) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))


@given(st.integers(0, 63), st.integers(1, 255))
@settings(max_examples=40)
def test_a_changed_bit_of_the_signature_is_wrong(place: int, flip: int) -> None:
    signature = sign({"a": 1}, _KEY)
    raw = bytearray(base64.b64decode(signature.signature))
    raw[place] ^= flip
    changed = signature.model_copy(update={"signature": base64.b64encode(bytes(raw)).decode()})
    assert _RING.check({"a": 1}, changed) == "wrong"


@pytest.mark.parametrize("text", ["", "AAAA", "no base 64!", "A" * 88, "é"])
def test_a_truncated_signature_is_wrong(text: str) -> None:
    assert _RING.check({}, Signature(key=_KEY.fingerprint, signature=text)) == "wrong"


def test_canonical_form_is_rfc_8785s() -> None:
    # Appendix of RFC 8785 on sorting: by UTF-16 code units, which puts the emoji before U+FB33.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f602", "\x80", "\u00f6"]
    wanted = ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f602", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(keys, 1)))) == wanted
    with pytest.raises(ValueError, match="exceeds"):
        canonical({"a": 2**60})


def test_a_key_that_stands_twice_is_refused(studio: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio))
    text = (source / "release.json").read_text("utf-8")
    (source / "release.json").write_text(text.replace('"production"', '"production": "Stone", "production"'), "utf-8")
    check, _ = judge(Policy(keyring=studio), "final", source, Request("Glass", "sh010", TODAY), {})
    assert check.state == ReleaseState.DAMAGED and "stands twice" in check.text


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused(mode: int, studio: Path) -> None:
    path = studio.parent / "production.pem"
    path.chmod(mode)
    with pytest.raises(UsageError) as told:
        load_key(path, {})
    assert told.value.code == "key-open" and "chmod 600" in str(told.value)


def test_keys_are_private_never_overwritten_and_never_shown(tmp_path: Path) -> None:
    secret = {"FACEPLATE_KEY_PASSPHRASE": "a long word"}
    new_key(tmp_path / "a.pem", secret)
    assert (tmp_path / "a.pem").stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in (tmp_path / "a.pem").read_bytes()
    key = load_key(tmp_path / "a.pem", secret)
    assert repr(key) == f"Key({key.fingerprint[:16]})"
    for environ in ({}, {"FACEPLATE_KEY_PASSPHRASE": "another"}):
        with pytest.raises(UsageError) as told:
            load_key(tmp_path / "a.pem", environ)
        assert told.value.code == "key-unusable" and "another" not in str(told.value).split("damaged")[0]
    with pytest.raises(UsageError) as told:
        new_key(tmp_path / "a.pem", {})
    assert told.value.code == "key-exists"
    (tmp_path / "b.pem").write_text("no key", "utf-8")
    (tmp_path / "b.pem").chmod(0o600)
    with pytest.raises(UsageError) as told:
        load_key(tmp_path / "b.pem", {})
    assert told.value.code == "key-unusable"


def test_a_revocation_list_that_was_tampered_with_stops_finals_not_previews(studio: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio))
    revoke(studio, "other", key_of(studio))
    request = Request("Glass", "sh010", TODAY)
    policy = Policy(keyring=studio)
    assert judge(policy, "final", source, request, {})[1].allowed
    document = json.loads((studio / "revoked.json").read_text("utf-8"))
    write_json(studio / "revoked.json", document | {"revoked": []})
    with pytest.raises(UsageError) as told:
        judge(policy, "final", source, request, {})
    assert told.value.code == "revocations-damaged"
    assert judge(policy, "preview", source, request, {})[1].allowed


def test_revocations_add_up(studio: Path) -> None:
    for release in ("a", "b", "a"):
        revoke(studio, release, key_of(studio), day=TODAY)
    found = read_revocations(studio, Keyring.read(studio))
    assert found.ids == {"a", "b"} and found.day("a") == TODAY and found.day("c") is None


# --- manifests and verify -----------------------------------------------------------------------------------------------


def frame_file(path: Path, seed: int, compression: str = "zip", **fields: str) -> None:
    spec = oiio.ImageSpec(24, 16, 4, "half")
    spec.attribute("compression", compression)
    spec.attribute("faceplate:engine", "faceplate test")
    spec.attribute("faceplate:release", "r1")
    spec.attribute("faceplate:release_state", "valid")
    for name, value in fields.items():
        spec.attribute(name, value)
    pixels = np.random.default_rng(seed).random((16, 24, 4)).astype(np.float16)
    picture = oiio.ImageBuf(spec)
    assert picture.set_pixels(oiio.ROI.All, pixels) and picture.write(str(path))


@pytest.fixture
def take(tmp_path: Path) -> Sequence:
    """Four recorded frames of a take."""
    folder = tmp_path / "take"
    folder.mkdir()
    output = Sequence.parse(str(folder / "swap.####.exr"))
    for number in range(1001, 1005):
        frame_file(output.path(number), number, note=f"frame {number}")
        record(output, number, {"shot": "sh010", "output": "swap.####.exr"})
    return output


def kinds(verdict: Any) -> list[str]:
    return [frame.kind for frame in verdict.frames]


@pytest.mark.parametrize("how", ["pattern", "folder", "manifest", "frame"])
def test_an_untouched_take_is_sound(how: str, take: Sequence, studio: Path) -> None:
    path = collect(take, key_of(studio))
    assert path == manifest_path(take) and path is not None
    target = {"pattern": str(take), "folder": take.folder, "manifest": path, "frame": take.path(1002)}[how]
    verdict = verify(target, Keyring.read(studio))
    assert verdict.sound and verdict.signature == "good"
    assert kinds(verdict) == ["as-written"] * (1 if how == "frame" else 4)
    assert verdict.made["release"] == "r1" and "valid when they were made" in verdict.release


def test_one_changed_sample_is_named(take: Sequence) -> None:
    collect(take)
    path = take.path(1002)
    picture = oiio.ImageBuf(str(path))
    pixels = np.array(picture.get_pixels(oiio.HALF))
    pixels[3, 5, 1] = np.nextafter(pixels[3, 5, 1], np.float16(2))
    picture.set_pixels(oiio.ROI.All, pixels)
    picture.write(str(path))
    verdict = verify(str(take), Keyring({}))
    assert kinds(verdict) == ["as-written", "pixels-changed", "as-written", "as-written"] and not verdict.sound
    assert "swap.1002.exr" in verdict.frames[1].text


def test_a_changed_field_is_named(take: Sequence) -> None:
    collect(take)
    for number, fields in ((1001, {"note": "other"}), (1002, {"note": "frame 1002", "extra": "x"})):
        frame_file(take.path(number), number, **fields)
    verdict = verify(str(take), Keyring({}))
    assert kinds(verdict) == ["field-changed", "field-changed", "as-written", "as-written"]
    assert "'note' was changed" in verdict.frames[0].text and "'extra' was added" in verdict.frames[1].text


def test_an_exchanged_frame_and_a_removed_one_are_named(take: Sequence) -> None:
    collect(take)
    shutil.copy(take.path(1004), take.path(1001))
    take.path(1003).unlink()
    verdict = verify(str(take), Keyring({}))
    assert kinds(verdict) == ["other-frame", "as-written", "missing", "as-written"]
    assert "frame 1004" in verdict.frames[0].text and "swap.1003.exr was removed" in verdict.frames[2].text


def test_another_packing_is_the_same_picture_and_half_a_file_is_damage(take: Sequence) -> None:
    collect(take)
    frame_file(take.path(1001), 1001, "piz", note="frame 1001")
    whole = take.path(1002).read_bytes()
    take.path(1002).write_bytes(whole[: len(whole) // 2])
    verdict = verify(str(take), Keyring({}))
    assert kinds(verdict)[:2] == ["as-written", "damaged"]


def test_a_forged_manifest_is_said(take: Sequence, studio: Path) -> None:
    path = collect(take, key_of(studio))
    assert path is not None
    document = json.loads(path.read_text("utf-8"))
    document["take"]["shot"] = "sh999"
    write_json(path, document)
    verdict = verify(str(take), Keyring.read(studio))
    assert verdict.signature == "wrong" and not verdict.sound
    signature_path(path).write_text("{", "utf-8")
    assert verify(str(take), Keyring.read(studio)).signature == "damaged"


def test_frames_without_a_manifest_only_speak_for_themselves(take: Sequence) -> None:
    verdict = verify(str(take), Keyring({}))
    assert set(kinds(verdict)) == {"unrecorded"} and verdict.manifest is None and not verdict.sound
    plain = take.folder / "plain.exr"
    oiio.ImageBuf(oiio.ImageSpec(4, 4, 3, "half")).write(str(plain))
    assert kinds(verify(plain, Keyring({}))) == ["not-faceplate"]
    with pytest.raises(UsageError) as told:
        verify(take.folder / "other.####.exr", Keyring({}))
    assert told.value.code == "nothing-to-verify"


def test_a_release_revoked_afterwards_is_told(take: Sequence, studio: Path) -> None:
    collect(take)
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    revoke(studio, "r1", key_of(studio), day=tomorrow)
    ring = Keyring.read(studio)
    assert f"revoked on {tomorrow}, afterwards" in verify(str(take), ring, read_revocations(studio, ring)).release


@pytest.mark.parametrize("text", ["", "[]", '{"faceplate_manifest": 1}', '{"faceplate_manifest": 2}'])
def test_a_damaged_manifest_is_one_sentence(text: str, take: Sequence) -> None:
    manifest_path(take).write_text(text, "utf-8")
    with pytest.raises(FaceplateError) as told:
        verify(str(take), Keyring({}))
    assert told.value.code == "manifest-damaged" and "\n" not in str(told.value)


# --- the audit log ------------------------------------------------------------------------------------------------------


def _append_many(path: Path, who: int) -> None:
    for number in range(20):
        audit.append(path, {"render": f"{who}-{number}"})


def test_the_log_is_a_chain_that_many_may_write(tmp_path: Path) -> None:
    path = tmp_path / "show" / "faceplate.audit.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_many, args=(path, who)) for who in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len({line["render"] for line in lines}) == 60
    assert audit.broken_line(path) is None


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_changed_or_removed_line_breaks_the_chain(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    _append_many(path, 0)
    lines = path.read_bytes().splitlines(keepends=True)
    if harm == "change":
        lines[4] = lines[4].replace(b'"0-4"', b'"0-5"')
    else:
        del lines[4]
    path.write_bytes(b"".join(lines))
    assert audit.broken_line(path) == (6 if harm == "change" else 5)


def test_a_torn_line_does_not_take_the_next_with_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    audit.append(path, {"render": "a"})
    with path.open("ab") as stream:
        stream.write(b'{"render": "b", "who"')
    audit.append(path, {"render": "c"})
    assert json.loads(path.read_text("utf-8").splitlines()[-1])["render"] == "c"


# --- the slate ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height", "aspect"), [(1920, 1080, 1.0), (1024, 858, 2.0), (64, 36, 1.0)])
def test_the_slate_lies_at_the_bottom_and_can_be_read_small(width: int, height: int, aspect: float) -> None:
    display = Window(-8, 4, width, height)
    slate = make_slate("AI-GENERATED PREVIEW – no release on file", display, aspect)
    assert slate.window.bottom == display.bottom and slate.window.width == width and slate.window.x == -8
    pixels = np.full((*slate.letters.shape, 3), 0.5, np.float32)
    drawn = slate.over(pixels, np.array([1, 1, 1], np.float32))
    assert drawn.max() > 0.9 and 0.1 < drawn.min() < 0.2
    if height > 500:
        small = cv2.resize(slate.letters, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        rows = np.flatnonzero(small.max(axis=1) > 0.4)
        assert rows[-1] - rows[0] >= 5 and small.max() > 0.7  # capitals of six rows and more, not a grey smear
        across = np.flatnonzero(small.max(axis=0) > 0.3)
        assert across[0] > 0 and across[-1] < small.shape[1] - 1
