"""install/constraints.txt: every dependency is pinned with hashes, and no address is in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "install" / "constraints.txt").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", TEXT, flags=re.MULTILINE))
PLATFORM = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.11", "extra": ""}


def requirements() -> list[str]:
    """The dependencies of the package, its tests and its documentation that this platform needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["test"], *extras["docs"]]
    return [line for line in lines if (marker := Requirement(line).marker) is None or marker.evaluate(PLATFORM)]


def test_no_address_is_in_it() -> None:
    assert "://" not in TEXT and not re.search(r"^--?[a-z]", TEXT, flags=re.MULTILINE)


def test_every_pin_has_hashes() -> None:
    with_hashes = re.findall(
        r"^[A-Za-z0-9._-]+==.*(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+$", TEXT, flags=re.MULTILINE
    )
    assert len(with_hashes) == len(PINNED) > 50


@pytest.mark.parametrize("line", requirements())
def test_every_dependency_is_pinned_to_an_allowed_version(line: str) -> None:
    requirement = Requirement(line)
    version = PINNED.get(canonicalize_name(requirement.name))
    assert version is not None and version in requirement.specifier, "run `nox -s constraints`"
