"""An edit with real pictures for the Resolve tests that render."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate_resolve.dialog import SwapRequest
from placed_clips import NULL, QUICK
from resolve_scene import CopyEngine, Scene, face_pictures, person


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return face_pictures(16)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return person(tmp_path_factory.mktemp("people") / "bea")


@pytest.fixture
def scene(tmp_path: Path, pictures: list[np.ndarray]) -> Scene:
    return Scene(tmp_path / "media", pictures)


@pytest.fixture
def answer(tmp_path: Path, source: Path) -> Callable[..., SwapRequest]:
    def make(mode: str = "auto", handles: int = 0, swap: bool = False, space: str = "", **values: Any) -> SwapRequest:
        """`swap`: really another face, tracked first."""
        values = {**(QUICK if swap else NULL), **values}
        return SwapRequest(str(source), str(tmp_path / "results"), mode, handles, swap, space, values)

    return make


@pytest.fixture
def quick() -> Any:
    """For what happens in Resolve, whatever the engine makes."""
    return CopyEngine()
