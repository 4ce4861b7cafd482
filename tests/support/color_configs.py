"""Small OCIO configs for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.errors import UsageError


def write_config(folder: Path, roles: str, spaces: str, rules: str = "", version: str = "2", views: str = "") -> Path:
    """A small OCIO config with a `raw` space and whatever a test needs."""
    path = folder / "config.ocio"
    path.write_text(
        f"ocio_profile_version: {version}\n"
        f"roles: {{{roles}}}\n"
        f"file_rules:\n{rules}  - !<Rule> {{name: Default, colorspace: raw}}\n"
        f"displays:\n  screen:\n    - !<View> {{name: plain, colorspace: raw}}\n{views}"
        f"colorspaces:\n  - !<ColorSpace> {{name: raw, isdata: true}}\n{spaces}"
    )
    return path


def linear_space(name: str, extra: str = "") -> str:
    return f"  - !<ColorSpace> {{name: {name}, encoding: scene-linear{extra}}}\n"


def pixels_of(*values: tuple[float, float, float]) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def refusal_text(code: str, call, *arguments, **options) -> str:
    """The sentence of the UsageError that the call must raise."""
    with pytest.raises(UsageError) as caught:
        call(*arguments, **options)
    assert caught.value.code == code
    assert "Traceback" not in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)
