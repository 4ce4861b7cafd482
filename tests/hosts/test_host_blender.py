"""The Blender extension's installation without Blender: programs that are found, and files written into a repository."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from faceplate.errors import RenderError, UsageError
from faceplate.hosts import blender
from faceplate.hosts.blender_programs import Blender, find_blenders, programs
from faceplate_client import __version__


def make_program(path: Path, version: str, answer: str = "") -> Path:
    """A stand-in for Blender: says its version, and ends a script with `answer`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'Blender {version}'; exit; fi\necho '{answer}'\n")
    path.chmod(0o755)
    return path


posix = pytest.mark.skipif(os.name != "posix", reason="shell scripts stand in for Blender")


@posix
def test_every_version_is_found_once_and_the_newest_first(tmp_path: Path) -> None:
    on_path = make_program(tmp_path / "bin" / "blender", "4.5.1 LTS")
    make_program(tmp_path / "home" / "blender-4.5" / "blender", "4.5.1")
    newest = make_program(tmp_path / "home" / "blender-5.0" / "blender", "5.0")
    make_program(tmp_path / "home" / "Blender-3" / "blender", "3.6.2")
    variables = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
    assert on_path in programs(variables, "linux", tmp_path)
    found = [one for one in find_blenders(variables) if tmp_path in one.program.parents]
    assert found == [Blender(newest, (5, 0, 0)), Blender(on_path, (4, 5, 1))]
    assert [one.program for one in find_blenders(variables, "4.5")] == [on_path]
    assert [one.program for one in find_blenders(variables, str(newest))] == [newest]


@posix
def test_no_blender_and_one_that_is_too_old(tmp_path: Path) -> None:
    old = make_program(tmp_path / "blender", "4.1.0")
    with pytest.raises(UsageError, match=r"older than 4\.2") as caught:
        find_blenders({}, str(old))
    assert caught.value.code == "blender-too-old"
    with pytest.raises(UsageError, match="was not found") as caught:
        find_blenders({}, str(tmp_path / "nothing"))
    assert caught.value.code == "blender-not-found"


@posix
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ('{"done": false, "error": "the repository is read-only"}', "the repository is read-only"),
        ("Segmentation fault", "ended without an answer: Segmentation fault"),
    ],
)
def test_what_goes_wrong_inside_is_one_sentence(tmp_path: Path, answer: str, sentence: str) -> None:
    program = Blender(make_program(tmp_path / "blender", "5.0", answer), (5, 0, 0))
    with pytest.raises(RenderError, match=sentence) as caught:
        blender.install_into(program)
    assert caught.value.code == "blender-failed"


def test_files_in_a_repository(tmp_path: Path) -> None:
    where = blender.install_files(tmp_path / "user_default")
    assert blender.install_files(tmp_path / "user_default") == where
    assert where == tmp_path / "user_default" / "faceplate"
    manifest = tomllib.loads((where / "blender_manifest.toml").read_text("utf-8"))
    assert (manifest["id"], manifest["version"]) == ("faceplate", __version__)
    for name in ("__init__.py", "NOTICE", "faceplate_client/engine.json"):
        assert (where / name).is_file(), name
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"] and manifest["copyright"]
    assert "GNU GENERAL PUBLIC LICENSE" in (where / "LICENSE").read_text("utf-8")
    assert "Apache License" in (where / "LICENSES" / "Apache-2.0.txt").read_text("utf-8")
    for path in where.glob("*.py"):
        assert "SPDX-License-Identifier: GPL-3.0-or-later\n" in path.read_text("utf-8")[:200], path.name
    assert all(len(reason) <= 64 for reason in manifest["permissions"].values())
    assert not list(tmp_path.rglob("__pycache__")) and not list(tmp_path.rglob("*.part"))
    assert blender.remove_files(tmp_path / "user_default") and not where.exists()
    assert not blender.remove_files(tmp_path / "user_default")


def test_another_folder_is_never_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "faceplate" / "shot.blend"
    precious.parent.mkdir()
    precious.touch()
    for work in (blender.install_files, blender.remove_files):
        with pytest.raises(UsageError, match="something other") as caught:
            work(tmp_path)
        assert caught.value.code == "foreign-folder"
    assert precious.exists()
