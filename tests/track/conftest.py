"""Fixtures of the track tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceplate.track import Track, track_shot
from track_plates import (
    background,
    over,
    portrait,
    write_frames,
)
from track_sightings import mean_head, seen_frames, track_from


@pytest.fixture(scope="session")
def track_of_two() -> Track:
    """Person 1 moves to the right, person 2 stands; 30 frames, over a seam between segments."""
    return track_from(
        seen_frames(30, {1: lambda i: mean_head(300 + 4 * i, 300), 2: lambda i: mean_head(900, 350, 70, 0.1)})
    )


@pytest.fixture(scope="session")
def damaged_plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames of one who moves 2 px a frame: ten without a face, one of noise alone, one cut short on disk."""
    folder = tmp_path_factory.mktemp("damaged_plate")
    wall = background(640, 360, 3)
    rng = np.random.default_rng(1)

    def picture(i: int) -> np.ndarray:
        if 12 <= i < 22:
            return wall
        if i == 30:
            return rng.uniform(0, 1, wall.shape).astype(np.float32)
        return over(wall, portrait("eve"), (280 + 2 * i, 180), 290)

    write_frames(folder, 40, picture)
    torn = folder / "plate.1036.exr"
    torn.write_bytes(torn.read_bytes()[:4000])
    return folder


@pytest.fixture(scope="session")
def damaged_track(damaged_plate: Path) -> Track:
    return track_shot(str(damaged_plate / "plate.####.exr"), damaged_plate / "whole.json", workers=1)


@pytest.fixture(scope="session")
def walking_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of one who moves."""
    folder = tmp_path_factory.mktemp("walk")
    wall = background(480, 270, 3)
    write_frames(folder, 4, lambda i: over(wall, portrait("eve"), (180 + 5 * i, 135), 220))
    return folder
