"""Revocation lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceplate.consent import Policy, Request, judge
from faceplate.consent.revocation import read_revocations, revoke
from faceplate.errors import UsageError
from faceplate.signing import Keyring
from faceplate.signing.keys import write_json
from releases import TODAY, a_release, key_of, on_file


def test_a_revocation_list_that_was_tampered_with_stops_finals_not_previews(
    studio_folder: Path, tmp_path: Path
) -> None:
    source = on_file(tmp_path / "source", a_release(), key_of(studio_folder))
    revoke(studio_folder, "other", key_of(studio_folder))
    request = Request("Glass", "sh010", TODAY)
    policy = Policy(keyring=studio_folder)
    assert judge(policy, "final", source, request, {})[1].allowed
    document = json.loads((studio_folder / "revoked.json").read_text("utf-8"))
    write_json(studio_folder / "revoked.json", document | {"revoked": []})
    with pytest.raises(UsageError) as told:
        judge(policy, "final", source, request, {})
    assert told.value.code == "revocations-damaged"
    assert judge(policy, "preview", source, request, {})[1].allowed


def test_revocations_add_up(studio_folder: Path) -> None:
    for release in ("a", "b", "a"):
        revoke(studio_folder, release, key_of(studio_folder), day=TODAY)
    found = read_revocations(studio_folder, Keyring.read(studio_folder))
    assert found.ids == {"a", "b"} and found.day("a") == TODAY and found.day("c") is None
