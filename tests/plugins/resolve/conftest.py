"""An edit in the fake Resolve."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_resolve import Project, Timeline, World


@pytest.fixture
def edit() -> tuple[World, Project, Timeline]:
    world = World()
    project = Project(world, "p", "24")
    project._timeline = Timeline(world, "t", "24", 86400)
    return world, project, project._timeline


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without settings or caches, also where the test's environment says that these lie elsewhere."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
