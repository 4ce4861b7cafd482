"""The performer's shape at rest, from the frames of a track."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face.expression import LID_PAIRS, RestingFace, eye_openness
from faceplate.face.shape import RIGID, head_model
from faceplate.track import Track, model
from network_scene import frontal_head
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


def eyes_of(opened: float) -> np.ndarray:
    """A frontal mesh whose eyes are open by `opened` of their width."""
    points = frontal_head((300.0, 280.0), 130.0).points.copy()
    share = opened / float(np.mean(eye_openness(points)))
    for upper, lower in LID_PAIRS:
        points[list(upper)] = points[list(lower)] + share * (points[list(upper)] - points[list(lower)])
    return points


def read(low: float, high: float) -> np.ndarray:
    """Readings of a clip with one blink of 6 frames in 60, (60, 2)."""
    one = np.full(60, high)
    one[20:26] = low
    return np.column_stack([one, one])


def test_what_is_read_of_shut_and_open_narrow_eyes_is_the_tracks_own() -> None:
    rest = RestingFace.of([eyes_of(0.1)], read(0.03, 0.08))
    assert rest.lids is not None and np.allclose(rest.lids, [[0.03] * 2, [0.08] * 2], atol=0.002)
    assert RestingFace.of([eyes_of(0.1)]).lids is None
    assert RestingFace.of([eyes_of(0.1)], np.empty((0, 2))).lids is None


def test_wide_eyes_are_open_as_the_landmarks_have_them() -> None:
    rest = RestingFace.of([eyes_of(0.3)], read(0.02, 0.26))
    assert rest.lids is not None and np.allclose(rest.lids, [[0.02] * 2, [0.3] * 2], atol=0.002)


@pytest.mark.parametrize(("low", "high"), [(0.075, 0.09), (0.15, 0.29)])
def test_eyes_that_never_shut_are_read_without_an_offset(low: float, high: float) -> None:
    """A squint is none, and half a blink of wide eyes is none."""
    opened = 1.1 * high
    rest = RestingFace.of([eyes_of(opened)], read(low, high))
    assert rest.lids is not None and np.allclose(rest.lids, [[0.0] * 2, [opened] * 2], atol=0.002)
