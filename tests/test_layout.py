"""Where test files lie, and how long they are: one folder for each room of `core/faceplate`."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "core" / "faceplate"
LONGEST = 520
OTHER_FOLDERS = {"faceplate_client", "hosts", "install", "plugins"}
"""Folders of tests for what lies outside `core/faceplate`."""

MOVING = {"test_docker.py", "test_install.py"}
"""Tests of the installer, which still lie at the root of `tests/`."""

OF_THE_REPOSITORY = {"test_architecture.py", "test_constraints.py", "test_docs.py", "test_layout.py", "test_notice.py"}
"""Tests of files at the root of the repository and in `docs/`."""


def files_of_tests() -> list[Path]:
    """Every test file but this one and those that are still to be moved."""
    found = sorted(path for path in TESTS.rglob("test_*.py") if "__pycache__" not in path.parts)
    assert len(found) > 80
    return [path for path in found if path.relative_to(TESTS).as_posix() not in MOVING | OF_THE_REPOSITORY]


def test_every_test_file_lies_in_the_folder_of_a_room() -> None:
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    stray = {path for path in files_of_tests() if path.relative_to(TESTS).parts[0] not in rooms | OTHER_FOLDERS}
    assert not stray


def test_no_test_file_is_long() -> None:
    lengths = {
        path.relative_to(TESTS).as_posix(): len(path.read_text("utf-8").splitlines()) for path in files_of_tests()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_shared_modules_have_names_of_their_own() -> None:
    """What the tests share is imported by its bare name, which must be no module of the product or of a test."""
    shared = {path.stem for path in (TESTS / "support").glob("*.py")}
    assert shared and not shared & {path.stem for path in files_of_tests()}
    assert not any(name.startswith("test_") or name == "conftest" for name in shared)
