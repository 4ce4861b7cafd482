"""Fixtures of the track tests."""

from __future__ import annotations

import pytest

from faceplate.track import Track
from track_sightings import mean_head, seen_frames, track_from


@pytest.fixture(scope="module")
def track_of_two() -> Track:
    """Person 1 moves to the right, person 2 stands; 30 frames, over a seam between segments."""
    return track_from(
        seen_frames(30, {1: lambda i: mean_head(300 + 4 * i, 300), 2: lambda i: mean_head(900, 350, 70, 0.1)})
    )
