"""Heads that turn, and pictures of them, without a pixel: the mean head seen from one side and the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from faceplate.face.shape import head_model
from faceplate.source.view_costs import Heads, ViewTraits
from faceplate.source.views import Geometry
from faceplate.track import Track
from track_sightings import seen_frames, track_from


def turned(yaw: float, pitch: float = 0.0, scale: float = 100.0) -> np.ndarray:
    """The mean head (478, 3) turned by degrees; a positive yaw looks to the picture's right."""
    y, p = np.radians([yaw, pitch])
    across = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    down = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    return head_model().reference @ (across @ down).T * scale + np.array([640.0, 360.0, 0.0])


def picture_of(name: str, yaw: float, pitch: float = 0.0, size: float = 400.0, **traits: float) -> ViewTraits:
    """A picture of that head, soft in light and sharp unless `traits` says otherwise; `visible` is a share."""
    visible = np.full(478, traits.pop("visible", 1.0))
    return ViewTraits(name, f"hash of {name}", Geometry(turned(yaw, pitch)), visible, size, **traits)


SIX = (
    picture_of("front", 0.0),
    picture_of("left", -30.0),
    picture_of("right", 30.0),
    picture_of("soft", 12.0, sharpness=0.15),
    picture_of("hard", -12.0, contrast=3.0),
    picture_of("low", 0.0, 15.0),
)
"""Three good pictures, one out of focus, one in hard light, one from below."""


def swinging(index: int) -> float:
    """The yaw of a head that looks left and right once in 100 frames."""
    return 35.0 * float(np.sin(2.0 * np.pi * index / 100.0))


def heads(
    yaw: Callable[[int], float],
    frames: int = 100,
    noise: float = 0.0,
    seed: int = 0,
    measured: Sequence[bool] | None = None,
) -> Heads:
    """A head through frames 1001 and later; `noise` in pixels as a landmarker has it."""

    def mesh(index: int) -> np.ndarray:
        rng = np.random.default_rng([seed, index])
        jitter = rng.standard_normal((1, 3)) * 0.6 + rng.standard_normal((478, 3)) * 0.8
        return turned(yaw(index)) + noise * jitter

    return Heads.of(range(1001, 1001 + frames), (mesh(index) for index in range(frames)), measured=measured)


def swinging_track(frames: int = 100) -> Track:
    """The track of one person, p1, who looks left and right."""
    return track_from(seen_frames(frames, {1: lambda index: turned(swinging(index))}, flowing=False))
