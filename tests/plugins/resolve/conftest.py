"""An edit in the fake Resolve."""

from __future__ import annotations

import pytest

from fake_resolve import Project, Timeline, World


@pytest.fixture
def edit() -> tuple[World, Project, Timeline]:
    world = World()
    project = Project(world, "p", "24")
    project._timeline = Timeline(world, "t", "24", 86400)
    return world, project, project._timeline
