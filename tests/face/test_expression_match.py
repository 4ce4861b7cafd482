"""Expression match in points: what moves, how far, and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.face import topology
from faceplate.face.expression import (
    EYE_CORNERS,
    IRISES,
    LID_PAIRS,
    LIP_PAIRS,
    RestingFace,
    eye_openness,
    gaze_of,
    mouth_openness,
)
from faceplate.face.expression_match import MatchAmounts, match_points
from faceplate.face.shape import head_model, pose_of
from network_scene import frontal_head

HEAD = frontal_head((300.0, 280.0), 130.0).points
OFF = MatchAmounts(0, 0, 0, 0, 0)


def with_gap(points: np.ndarray, pairs: tuple[tuple[int, ...], tuple[int, ...]], share: float) -> np.ndarray:
    """The upper side of an opening moved until this share of the gap is left."""
    moved = points.copy()
    upper, lower = list(pairs[0]), list(pairs[1])
    moved[upper] = moved[lower] + share * (moved[upper] - moved[lower])
    return moved


def blinking(points: np.ndarray, share: float) -> np.ndarray:
    for pairs in LID_PAIRS:
        points = with_gap(points, pairs, share)
    return points


def speaking(points: np.ndarray, opening: float) -> np.ndarray:
    moved = points.copy()
    moved[list(LIP_PAIRS[1]), 1] += opening * 130
    return moved


def looking(points: np.ndarray, across: float) -> np.ndarray:
    moved = points.copy()
    for iris, (one, two) in zip(IRISES, EYE_CORNERS, strict=True):
        moved[iris, :2] += across * (points[two, :2] - points[one, :2])
    return moved


def resting(points: np.ndarray) -> RestingFace:
    return RestingFace.of([points])


def test_a_face_that_acts_as_the_performance_stays() -> None:
    for points in (HEAD, speaking(HEAD, 0.2), looking(HEAD, 0.1)):
        match = match_points(points, points, MatchAmounts(), resting(HEAD), resting(HEAD))
        assert np.abs(match.points - points).max() < 1e-9 and np.abs(match.look).max() < 1e-9


def test_lids_close_with_the_performance_and_nothing_else_moves() -> None:
    opened = np.array(eye_openness(HEAD))
    for share, read, most in (
        (0.5, 0.15, 0.25),
        (0.8, 0.6, 0.8),
        (1.0, 1.0, 1.001),
    ):  # points see less of a blink than pixels
        eyes = opened, read * opened
        match = match_points(HEAD, blinking(HEAD, share), MatchAmounts(), resting(HEAD), resting(HEAD), eyes=eyes)
        left = np.array(eye_openness(match.points)) / eye_openness(HEAD)
        assert (left <= most).all() and (share == 1.0 or (left < share).all())
        mouth = np.concatenate([np.array(side) for side in LIP_PAIRS])
        assert np.abs(match.points - HEAD)[mouth].max() < 0.5


def test_a_face_keeps_the_proportions_of_its_own_eyes() -> None:
    narrow = blinking(HEAD, 0.7)
    match = match_points(narrow, HEAD, MatchAmounts(), resting(narrow), resting(HEAD))
    assert np.allclose(eye_openness(match.points), eye_openness(narrow), rtol=0.01)
    blind = match_points(narrow, HEAD, MatchAmounts(), None, None)
    assert np.allclose(eye_openness(blind.points), eye_openness(narrow), rtol=0.1)


def test_a_performer_who_only_laughs_narrows_the_eyes() -> None:
    narrow = blinking(HEAD, 0.1 / float(np.mean(eye_openness(HEAD))))
    match = match_points(HEAD, narrow, MatchAmounts(), resting(HEAD), resting(narrow))
    left = np.array(eye_openness(match.points)) / eye_openness(HEAD)
    assert (left < 0.65).all() and (left > 0.3).all()


@pytest.mark.parametrize("opening", [0.15, 0.4])
def test_the_mouth_opens_as_far_as_the_performance(opening: float) -> None:
    performed = speaking(HEAD, opening)
    match = match_points(HEAD, performed, MatchAmounts(), resting(HEAD), resting(HEAD))
    assert mouth_openness(match.points) == pytest.approx(mouth_openness(performed), abs=0.05)
    back = match_points(performed, HEAD, MatchAmounts(), resting(HEAD), resting(HEAD))
    assert mouth_openness(back.points) == pytest.approx(mouth_openness(HEAD), abs=0.05)


def test_irises_turn_with_the_performance_and_not_behind_closed_lids() -> None:
    for across in (-0.08, 0.05):
        performed = looking(HEAD, across)
        look = match_points(HEAD, performed, MatchAmounts(), resting(HEAD), resting(HEAD)).look
        widths = [np.linalg.norm(HEAD[two, :2] - HEAD[one, :2]) for one, two in EYE_CORNERS]
        assert np.allclose(look[:, 0] / widths, across / 0.65, rtol=0.08)
        assert np.allclose(gaze_of(performed)[:, 0] - gaze_of(HEAD)[:, 0], across)
    shut = match_points(HEAD, blinking(looking(HEAD, 0.08), 0.3), MatchAmounts(), resting(HEAD), resting(HEAD))
    assert np.abs(shut.look).max() < 1e-9


def test_brows_move_with_the_performers_against_each_persons_own_height() -> None:
    brow = topology().right_brow
    raised, high = HEAD.copy(), HEAD.copy()
    raised[brow, 1] -= 13
    high[brow, 1] -= 13
    moved = match_points(HEAD, raised, MatchAmounts(), resting(HEAD), resting(HEAD)).points - HEAD
    assert -13 < moved[brow, 1].mean() < -8
    own = match_points(high, HEAD, MatchAmounts(), resting(high), resting(HEAD)).points - high
    assert np.abs(own[brow]).max() < 0.5


def test_the_landmarkers_noise_moves_less_than_itself() -> None:
    rng = np.random.default_rng(4)
    moved, looks = [], []
    for _ in range(20):
        noise = np.zeros_like(HEAD)
        noise[:, :2] = rng.normal(0, 0.4, (478, 2))
        match = match_points(HEAD + noise, HEAD, MatchAmounts(), resting(HEAD), resting(HEAD))
        moved.append(match.points - HEAD - noise)
        looks.append(match.look)
    assert np.sqrt(np.mean(np.square(moved))) < 0.15
    assert np.sqrt(np.mean(np.square(looks))) < 0.2


def test_amounts_of_zero_move_nothing() -> None:
    performed = looking(speaking(blinking(HEAD, 0.3), 0.3), 0.05)
    match = match_points(HEAD, performed, OFF, resting(HEAD), resting(HEAD))
    assert not OFF.any and np.array_equal(match.points, HEAD) and not match.look.any()


def test_a_shape_that_lies_along_speaking_is_not_taken_for_speech() -> None:
    """A person whose shape differs along a direction of speaking, and who does what the performer does, stays as they are."""
    scale = pose_of(HEAD).scale
    longer = HEAD + 0.6 * scale * head_model().expression[0].reshape(-1, 3)
    only = MatchAmounts(lids=0, gaze=0, mouth=0, jaw=1, brows=0)
    moved = np.abs(match_points(longer, HEAD, only).points - longer).max()
    kept = np.abs(match_points(longer, HEAD, only, aimed=longer).points - longer).max()
    assert kept < 1e-6 and moved > 1.0


NARROW = blinking(HEAD, 0.1 / float(np.mean(eye_openness(HEAD))))
LIDS_READ = np.array([[0.05, 0.03], [0.09, 0.1]])
READ = replace(resting(NARROW), lids=LIDS_READ)
"""A performer with narrow eyes, whose right eye is read as half open where it is shut."""


def test_narrow_eyes_shut_where_the_performers_are_read_as_open_when_shut() -> None:
    own = np.array(eye_openness(HEAD))
    for share, low, high in ((0.0, -0.3, 0.0), (0.5, 0.1, 0.35), (1.0, 0.4, 0.65)):
        eyes = own, LIDS_READ[0] + share * (LIDS_READ[1] - LIDS_READ[0])
        points = match_points(HEAD, NARROW, MatchAmounts(), resting(HEAD), READ, eyes=eyes).points
        gaps = [(points[list(lower), 1] - points[list(upper), 1])[2:-2].mean() for upper, lower in LID_PAIRS]
        usual = [(HEAD[list(lower), 1] - HEAD[list(upper), 1])[2:-2].mean() for upper, lower in LID_PAIRS]
        left = np.array(gaps) / usual
        assert ((left > low) & (left < high)).all(), (share, left)


def test_both_eyes_are_narrowed_alike() -> None:
    """A performer whose landmarked eyes differ a little at rest does not make the new face open one more than the other."""
    uneven = replace(resting(NARROW), eyes=np.array([0.09, 0.12]))
    own = np.array(eye_openness(HEAD))
    points = match_points(HEAD, NARROW, MatchAmounts(), resting(HEAD), uneven, eyes=(own, uneven.eyes)).points
    left = np.array(eye_openness(points)) / own
    assert abs(left[0] - left[1]) < 0.02 and (left < 0.75).all()
