"""Signing keys and keyrings."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceplate.consent import Policy, Request, judge
from faceplate.consent.release import ReleaseState
from faceplate.errors import UsageError
from faceplate.signing import load_key, new_key
from releases import TODAY, a_release, key_of, on_file


def test_a_key_that_stands_twice_is_refused(studio_folder: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio_folder))
    text = (source / "release.json").read_text("utf-8")
    (source / "release.json").write_text(text.replace('"production"', '"production": "Stone", "production"'), "utf-8")
    check, _ = judge(Policy(keyring=studio_folder), "final", source, Request("Glass", "sh010", TODAY), {})
    assert check.state == ReleaseState.DAMAGED and "appears twice" in check.text


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused(mode: int, studio_folder: Path) -> None:
    path = studio_folder.parent / "production.pem"
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
