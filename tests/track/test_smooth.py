"""Smoothing: jitter is removed and motion is kept."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face.shape import RIGID
from faceplate.track import Track
from faceplate.track.smooth import adaptive_filter, region_groups
from track_sightings import FIRST, jittery, mean_head, points_at, rms, seen_frames, track_from


@pytest.mark.parametrize("flowing", [True, False])
def test_jitter_goes_on_a_still_face(flowing: bool) -> None:
    def still(i: int) -> np.ndarray:
        return mean_head(400, 300, 150)

    track = track_from(seen_frames(48, {1: jittery(still, 0.3)}, truth={1: still}, flowing=flowing))
    assert rms(track, still, raw=True) > 0.3
    assert rms(track, still) < 0.3 * (0.1 if flowing else 0.25)


def test_fast_motion_stays_without_lag() -> None:
    def swaying(i: int) -> np.ndarray:
        return mean_head(400 + 60 * np.sin(i / 3), 300 + 4 * i, 150 * 1.004**i, 0.1 * np.sin(i / 4))

    track = track_from(seen_frames(48, {1: jittery(swaying, 0.3)}, truth={1: swaying}))
    assert rms(track, swaying) < 0.08
    blind = track_from(seen_frames(48, {1: jittery(swaying, 0.3)}, flowing=False))
    path = np.array([swaying(i)[4, 0] for i in range(48)])
    seen = np.array([points_at(blind, "p1", f)[4, 0] for f in blind.frames])
    assert np.ptp(seen) > 0.98 * np.ptp(path) and np.abs(seen - path).max() < 1.2


@pytest.mark.parametrize("flowing", [True, False])
def test_a_blink_of_three_frames_stays_and_leaves_its_neighbours_alone(flowing: bool) -> None:
    lid = region_groups()[0]
    shut = {20: 0.6, 21: 1.0, 22: 0.5}

    def blinking(i: int) -> np.ndarray:
        points = mean_head(400, 300, 150).copy()
        points[lid, 1] += 10 * shut.get(i, 0.0)
        return points

    seen = seen_frames(48, {1: jittery(blinking, 0.25)}, truth={1: lambda i: mean_head(400, 300, 150)}, flowing=flowing)
    for item in seen:  # the flow sees that the lids left the skull's motion
        for face in item.observation.faces if item.observation else ():
            if face.flow is not None and item.frame - FIRST in shut:
                object.__setattr__(face.flow, "moved", (999, *face.flow.moved[1:]))
    track = track_from(seen)
    level = np.array([points_at(track, "p1", f)[lid, 1].mean() for f in track.frames])
    open_ = np.median(level)
    assert level[21] - open_ > 9.5 and level[20] - open_ > 5.5
    assert np.abs(np.delete(level, [20, 21, 22]) - open_).max() < 0.5


def test_one_wild_frame_is_not_believed_where_the_flow_saw_nothing() -> None:
    def still(i: int) -> np.ndarray:
        return mean_head(400, 300, 150)

    def jumping(i: int) -> np.ndarray:
        return mean_head(412 if i == 20 else 400, 300, 150)

    track = track_from(seen_frames(48, {1: jittery(jumping, 0.2)}, truth={1: still}))
    assert abs(points_at(track, "p1", FIRST + 20)[RIGID, 0].mean() - 400) < 0.5


def test_seams_between_segments_are_levelled() -> None:
    rng = np.random.default_rng(8)
    bias = {number: rng.standard_normal((478, 3)) for number in range(60)}
    seen = seen_frames(72, {1: lambda i: mean_head(400, 300, 150)})
    biased = []
    for item in seen:
        assert item.observation is not None
        faces = []
        for face in item.observation.faces:
            object.__setattr__(face, "points", face.points + bias[item.segment])
            faces.append(face)
        biased.append(item)
    track = track_from(biased)
    raw = np.array([face.points for f in track.frames if (face := track.raw("p1", f)) is not None])
    steps = np.abs(np.diff(raw[:, :, :2], axis=0)).mean(axis=(1, 2))
    assert steps.max() < 0.1  # unlevelled, a seam is a step of 1.1 px


def test_smoothing_again_needs_no_pixels_and_changes_nothing_by_itself(track_of_two: Track) -> None:
    assert track_of_two.smoothed(track_of_two.sidecar.smoothing.amount).sidecar == track_of_two.sidecar

    def still(i: int) -> np.ndarray:
        return mean_head(400, 300, 150)

    track = track_from(seen_frames(30, {1: jittery(still, 0.3)}, truth={1: still}))
    asis = track.smoothed(0.0)
    for frame in (1001, 1013, 1030):
        raw = asis.raw("p1", frame)
        assert raw is not None and np.abs(points_at(asis, "p1", frame) - raw.points)[:, :2].max() < 0.06
    assert asis.smoothed(1.0).sidecar == track.sidecar


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.05])
def test_the_filter_is_the_same_backward_in_time(noise: float) -> None:
    """So it has no lag, however it chooses its windows: a look from side to side and a blink, with the landmarker's noise."""
    at = np.arange(36.0)
    looked, shut = 0.1 * np.sin(2 * np.pi * at / 24), np.clip(1.5 - np.abs(at - 7) / 3, 0, 1)
    for true in (looked, shut):
        values = true[:, None] + np.random.default_rng(4).normal(0, noise, (36, 16))
        forward = adaptive_filter(at, values, np.ones(36), 2.2)
        backward = adaptive_filter(at, values[::-1], np.ones(36), 2.2)[::-1]
        assert np.abs(forward - backward).max() < 1e-12


def test_what_stands_still_is_one_place() -> None:
    """A line that is straight along the way, and not in time, stops where the values stop."""
    at, way = np.arange(16.0), np.minimum(np.arange(16.0), 12.0)
    values = 0.05 * way[:, None] + np.random.default_rng(6).normal(0, 0.001, (16, 12))
    in_time, along = (
        adaptive_filter(at, values, np.ones(16), 3.0, least_noise=0.1, places=places)[13:].mean(axis=1)
        for places in (None, way + 0.1 * (at - way))
    )
    assert np.ptp(along) < 0.15 * np.ptp(in_time)
