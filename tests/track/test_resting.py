"""The performer's shape at rest, from the frames of a track."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face.shape import RIGID, head_model
from faceplate.track import Track, model
from track_sightings import FIRST, seen_frames, track_from

FRAMES = 40
# Open mouths move the chin, not the skull, so that the pose is known exactly.
JAW = np.zeros((478, 3))
JAW[[152, 148, 377, 176, 400, 14, 17, 84, 314], 1] = 0.2


def opening(i: int) -> float:
    return 0.5 - 0.5 * float(np.cos(2 * np.pi * i / 10))


def speaker(i: int) -> np.ndarray:
    head = head_model().reference
    return (head - head[RIGID].mean(axis=0) + opening(i) * JAW) * 90.0 + (300.0 + i, 300.0, 0.0)


@pytest.fixture(scope="module")
def speaking() -> Track:
    return track_from(seen_frames(FRAMES, {1: speaker}))


def test_the_shape_at_rest_is_the_mean_of_the_frames(speaking: Track) -> None:
    rest = speaking.resting_face("p1")
    assert rest is not None
    head = head_model().reference
    known = head - head[RIGID].mean(axis=0) + np.mean([opening(i) for i in range(FRAMES)]) * JAW
    known /= np.sqrt((known[RIGID] ** 2).sum(axis=1).mean())
    assert np.abs(rest.shape.canonical - known).max() < 0.02
    assert np.abs(rest.shape.canonical - known)[152, 1] < 0.01  # of a jaw that moves by 0.2


def test_every_frame_of_a_track_carries_the_same_shape_at_rest(speaking: Track) -> None:
    faces = [speaking.face("p1", frame) for frame in speaking.frames]
    shapes = [face.face.rest for face in faces if face is not None]
    first = shapes[0]
    assert first is not None and len(shapes) == FRAMES
    for other in shapes:
        assert other is not None and np.array_equal(other.canonical, first.canonical)


def test_frames_that_are_marked_bad_do_not_count() -> None:
    def damaged(i: int) -> np.ndarray:
        return speaker(i) + (90.0 * JAW * 3 if i < 20 else 0.0)

    track = track_from(seen_frames(FRAMES, {1: damaged}), amount=0.0)
    marked = track.corrected(bad=(model.Bad(person="p1", first=FIRST, last=FIRST + 19),))
    before, after = track.resting_face("p1"), marked.resting_face("p1")
    assert before is not None and after is not None
    assert before.shape.canonical[152, 1] - after.shape.canonical[152, 1] > 0.2
