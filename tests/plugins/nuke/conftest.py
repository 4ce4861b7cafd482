"""A Nuke session for the tests that need no engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from nuke_stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A session with a window; the plate's files do not exist."""
    return Stage(tmp_path, f"{tmp_path}/plate.####.exr")
