"""Studios with keyrings, and sources with releases in every state, for the tests."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

from faceplate.consent import Release, Request, revoke
from faceplate.demo import person
from faceplate.signing import Key, load_key, new_key, sign
from faceplate.signing.keys import write_json

__all__ = ["CASES", "TODAY", "a_release", "case", "key_of", "make_studio", "on_file"]

TODAY = dt.date(2026, 11, 25)


def make_studio(folder: Path) -> Path:
    """A keyring in `folder` with the production's key in it; the private key lies beside as production.pem."""
    ring = folder / "keyring"
    ring.mkdir()
    shutil.copy(new_key(folder / "production.pem", {}), ring / "production.pub")
    return ring


def key_of(studio: Path) -> Key:
    return load_key(studio.parent / "production.pem", {})


def a_release(**changes: Any) -> dict[str, Any]:
    permitted = {"shots": ["sh01*"], "uses": ["stunt"], "first_day": "2026-11-01", "last_day": "2026-12-31"}
    values = {
        "id": "r1",
        "performer": "Ada",
        "rights_holder": "Ada",
        "production": "Glass",
        "permitted": permitted,
        "contact": "the Faceplate project",
        "issued": "2026-11-01",
    }
    return Release.model_validate(values | changes).model_dump(mode="json")


def on_file(folder: Path, release: dict[str, Any] | None, key: Key | None) -> Path:
    """A source's folder with one picture and, if given, a release and its signature."""
    folder.mkdir()
    shutil.copy(person("ada") / "front.jpg", folder)
    if release is not None:
        write_json(folder / "release.json", release)
        if key is not None:
            write_json(folder / "release.sig.json", sign(release, key).model_dump())
    return folder


CASES = ["none", "valid", "expired", "not-yet", "other-production", "other-shot", "unsigned", "bad-signature"]
CASES += ["unknown-key", "damaged", "revoked", "other-use", "other-pictures"]


def case(state: str, studio: Path, folder: Path) -> tuple[Path, Request]:
    key = key_of(studio)
    request = Request("Glass", "sh010", TODAY, "stunt")
    release = a_release()
    if state == "none":
        return on_file(folder, None, None), request
    if state == "other-pictures":
        return on_file(folder, a_release(pictures=["0" * 64]), key), request
    if state == "unknown-key":
        new_key(studio.parent / "stranger.pem", {})
        return on_file(folder, release, load_key(studio.parent / "stranger.pem", {})), request
    source = on_file(folder, release, None if state == "unsigned" else key)
    if state == "bad-signature":
        write_json(source / "release.json", release | {"production": "*"})
    if state == "damaged":
        (source / "release.json").write_text('{"faceplate_release": 1, "id": ', "utf-8")
    if state == "revoked":
        revoke(studio, "r1", key, "taken back", TODAY)
    changed = {
        "expired": Request("Glass", "sh010", dt.date(2027, 1, 1), "stunt"),
        "not-yet": Request("Glass", "sh010", dt.date(2026, 10, 31), "stunt"),
        "other-production": Request("Stone", "sh010", TODAY, "stunt"),
        "other-shot": Request("Glass", "sh020", TODAY, "stunt"),
        "other-use": Request("Glass", "sh010", TODAY, "de-aging"),
    }
    return source, changed.get(state, request)
