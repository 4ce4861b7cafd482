"""Releases of the invented people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from faceplate.consent import Policy, Request, judge
from faceplate.demo import PEOPLE, person
from faceplate.signing.keys import write_json
from releases import TODAY, a_release, key_of, on_file


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


def test_a_clip_in_a_persons_folder_has_their_release(studio_folder: Path, tmp_path: Path) -> None:
    source = on_file(tmp_path / "ada", a_release(), key_of(studio_folder))
    (source / "shoot").mkdir()
    shutil.copy(source / "front.jpg", source / "shoot" / "clip.1001.jpg")
    request = Request("Glass", "sh010", TODAY)
    for place in (source, source / "front.jpg", source / "shoot"):
        assert judge(Policy(keyring=studio_folder), "final", place, request, {})[0].state == "valid"
