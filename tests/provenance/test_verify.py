"""Manifests, and what `verify` says of a take."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813  (the name its own documentation uses)
import pytest

from faceplate.consent.revocation import read_revocations, revoke
from faceplate.errors import FaceplateError, UsageError
from faceplate.plate import Sequence
from faceplate.provenance import collect, record
from faceplate.provenance.manifest import manifest_path
from faceplate.provenance.verify import verify
from faceplate.signing import Keyring
from faceplate.signing.keys import signature_path, write_json
from releases import key_of


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
def recorded_take(tmp_path: Path) -> Sequence:
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
def test_an_untouched_take_is_sound(how: str, recorded_take: Sequence, studio_folder: Path) -> None:
    path = collect(recorded_take, key_of(studio_folder))
    assert path == manifest_path(recorded_take) and path is not None
    target = {
        "pattern": str(recorded_take),
        "folder": recorded_take.folder,
        "manifest": path,
        "frame": recorded_take.path(1002),
    }[how]
    verdict = verify(target, Keyring.read(studio_folder))
    assert verdict.sound and verdict.signature == "good"
    assert kinds(verdict) == ["as-written"] * (1 if how == "frame" else 4)
    assert verdict.made["release"] == "r1" and "valid when they were made" in verdict.release


def test_one_changed_sample_is_named(recorded_take: Sequence) -> None:
    collect(recorded_take)
    path = recorded_take.path(1002)
    picture = oiio.ImageBuf(str(path))
    pixels = np.array(picture.get_pixels(oiio.HALF))
    pixels[3, 5, 1] = np.nextafter(pixels[3, 5, 1], np.float16(2))
    picture.set_pixels(oiio.ROI.All, pixels)
    picture.write(str(path))
    verdict = verify(str(recorded_take), Keyring({}))
    assert kinds(verdict) == ["as-written", "pixels-changed", "as-written", "as-written"] and not verdict.sound
    assert "swap.1002.exr" in verdict.frames[1].text


def test_a_changed_field_is_named(recorded_take: Sequence) -> None:
    collect(recorded_take)
    for number, fields in ((1001, {"note": "other"}), (1002, {"note": "frame 1002", "extra": "x"})):
        frame_file(recorded_take.path(number), number, **fields)
    verdict = verify(str(recorded_take), Keyring({}))
    assert kinds(verdict) == ["field-changed", "field-changed", "as-written", "as-written"]
    assert "'note' was changed" in verdict.frames[0].text and "'extra' was added" in verdict.frames[1].text


def test_an_exchanged_frame_and_a_removed_one_are_named(recorded_take: Sequence) -> None:
    collect(recorded_take)
    shutil.copy(recorded_take.path(1004), recorded_take.path(1001))
    recorded_take.path(1003).unlink()
    verdict = verify(str(recorded_take), Keyring({}))
    assert kinds(verdict) == ["other-frame", "as-written", "missing", "as-written"]
    assert "frame 1004" in verdict.frames[0].text and "swap.1003.exr was removed" in verdict.frames[2].text


def test_another_packing_is_the_same_picture_and_half_a_file_is_damage(recorded_take: Sequence) -> None:
    collect(recorded_take)
    frame_file(recorded_take.path(1001), 1001, "piz", note="frame 1001")
    whole = recorded_take.path(1002).read_bytes()
    recorded_take.path(1002).write_bytes(whole[: len(whole) // 2])
    verdict = verify(str(recorded_take), Keyring({}))
    assert kinds(verdict)[:2] == ["as-written", "damaged"]


def test_a_forged_manifest_is_said(recorded_take: Sequence, studio_folder: Path) -> None:
    path = collect(recorded_take, key_of(studio_folder))
    assert path is not None
    document = json.loads(path.read_text("utf-8"))
    document["take"]["shot"] = "sh999"
    write_json(path, document)
    verdict = verify(str(recorded_take), Keyring.read(studio_folder))
    assert verdict.signature == "wrong" and not verdict.sound
    signature_path(path).write_text("{", "utf-8")
    assert verify(str(recorded_take), Keyring.read(studio_folder)).signature == "damaged"


def test_frames_without_a_manifest_only_speak_for_themselves(recorded_take: Sequence) -> None:
    verdict = verify(str(recorded_take), Keyring({}))
    assert set(kinds(verdict)) == {"unrecorded"} and verdict.manifest is None and not verdict.sound
    plain = recorded_take.folder / "plain.exr"
    oiio.ImageBuf(oiio.ImageSpec(4, 4, 3, "half")).write(str(plain))
    assert kinds(verify(plain, Keyring({}))) == ["not-faceplate"]
    with pytest.raises(UsageError) as told:
        verify(recorded_take.folder / "other.####.exr", Keyring({}))
    assert told.value.code == "nothing-to-verify"


def test_a_release_revoked_afterwards_is_told(recorded_take: Sequence, studio_folder: Path) -> None:
    collect(recorded_take)
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    revoke(studio_folder, "r1", key_of(studio_folder), day=tomorrow)
    ring = Keyring.read(studio_folder)
    assert (
        f"revoked on {tomorrow}, afterwards"
        in verify(str(recorded_take), ring, read_revocations(studio_folder, ring)).release
    )


@pytest.mark.parametrize("text", ["", "[]", '{"faceplate_manifest": 1}', '{"faceplate_manifest": 2}'])
def test_a_damaged_manifest_is_one_sentence(text: str, recorded_take: Sequence) -> None:
    manifest_path(recorded_take).write_text(text, "utf-8")
    with pytest.raises(FaceplateError) as told:
        verify(str(recorded_take), Keyring({}))
    assert told.value.code == "manifest-damaged" and "\n" not in str(told.value)
