"""A plate, an engine and a session for the Nuke tests that render."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nuke_stage import Stage, engine_of_its_own, make_plate


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_plate(tmp_path_factory.mktemp("plate"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("engine") / "run"
    with engine_of_its_own(folder):
        yield folder


@pytest.fixture
def stage(tmp_path: Path, plate: str, run: Path) -> Stage:
    return Stage(tmp_path / "job", plate)
