"""How full a mouth is of teeth along a track: its smoothing, and how it is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from faceplate.comp.occlusion import COARSE_LIMIT, COARSE_SIDE
from faceplate.face import Face
from faceplate.image.frame import Frame
from faceplate.track import Track, model
from faceplate.track.look import Look, between_looks, measure_look
from faceplate.track.sidecar import dump, parse_sidecar
from faceplate.track.teeth import between_teeth, smooth_teeth, stored_teeth
from track_sightings import FIRST, mean_head, seen_frames, track_from

CLEAR = np.full((COARSE_SIDE, COARSE_SIDE), -COARSE_LIMIT, np.float32)


def track_of(full: list[float]) -> Track:
    """Track a face whose mouth is full of teeth as far as `full` says in each frame."""
    seen = []
    for item in seen_frames(len(full), {1: lambda i: mean_head(300 + 4 * i, 300)}):
        assert item.observation is not None
        look = Look(CLEAR, teeth=full[item.frame - FIRST])
        faces = tuple(replace(face, look=look) for face in item.observation.faces)
        seen.append(replace(item, observation=replace(item.observation, faces=faces)))
    return track_from(seen)


def teeth_in(track: Track, frame: int) -> float | None:
    tracked = track.face("p1", frame)
    assert tracked is not None and tracked.look is not None
    return tracked.look.teeth


def test_a_closed_mouth_tells_nothing(read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]) -> None:
    closed, grin = (
        measure_look(read_picture(name), face_in(name)).teeth for name in ("ada/closed.jpg", "ada/smile.jpg")
    )
    assert closed is None and grin is not None and grin > 0.9


def test_a_grin_that_looks_empty_in_one_frame_stays_full() -> None:
    full = [0.97, 0.92, 0.05, 0.87, 0.97, 0.98]
    smoothed = smooth_teeth(range(6), full, range(6), 1)
    assert all(value is not None and value > 0.86 for value in smoothed)


def test_the_moment_at_which_a_mouth_fills_stays() -> None:
    smoothed = np.array(smooth_teeth(range(20), [0.0] * 10 + [1.0] * 10, range(20), 1), np.float64)
    assert smoothed[9] < 0.45 and smoothed[10] > 0.55 and smoothed[3] < 0.02 and smoothed[16] > 0.98
    assert smoothed[9] + smoothed[10] == pytest.approx(1.0, abs=2e-3)


def test_frames_without_a_value_are_interpolated() -> None:
    assert smooth_teeth(range(3), [None] * 3, range(3), 1) == [None] * 3
    assert smooth_teeth([10, 14], [0.5, 0.5], [10, 12, 14], 2) == [0.5] * 3
    assert smooth_teeth(range(4), [1.0, None, None, 1.0], range(4), 1) == [1.0] * 4
    assert between_teeth(0.2, 0.6, 0.5) == pytest.approx(0.4)
    assert between_teeth(None, 0.6, 0.5) == 0.6 and between_teeth(0.0, None, 0.5) == 0.0
    first, second = Look(CLEAR, teeth=0.2), Look(CLEAR, teeth=0.6)
    between = between_looks(first, second, 0.5)
    assert between is not None and between.teeth == pytest.approx(0.4)


def test_a_track_stores_what_was_measured_and_what_is_used_and_no_earlier_version_has_it() -> None:
    full = [0.0] * 6 + [0.9] * 6
    full[9] = 0.1234567
    track = track_of(full)
    assert track.smoothed().sidecar == track.sidecar == parse_sidecar(dump(track.sidecar))
    blocks = track.sidecar.people[0].blocks
    assert [line.teeth for block in blocks for line in block.raw] == [stored_teeth(value) for value in full]
    found = [teeth_in(track, FIRST + i) for i in range(12)]
    assert np.allclose(np.array(found, np.float64)[[0, 9, 11]], [0.0, 0.87, 0.9], atol=0.02)
    item = json.loads(dump(track.sidecar))
    item["faceplate_track"] = 5
    for line in (*item["people"][0]["blocks"][0]["raw"], *item["people"][0]["blocks"][0]["smooth"]):
        del line["teeth"]
    old = Track(parse_sidecar(json.dumps(item)))
    assert teeth_in(old, FIRST + 8) is None and teeth_in(old.smoothed(), FIRST + 8) is None
    assert json.loads(dump(old.sidecar))["faceplate_track"] == model.VERSION
