"""Fixtures of the colour tests."""

from __future__ import annotations

import pytest

from faceplate.color import (
    ColorConfig,
)


@pytest.fixture(scope="module")
def studio_config() -> ColorConfig:
    return ColorConfig.load(environ={})
