"""Dials on a mesh: each moves what it names, in proportion, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face import topology
from faceplate.face.dials import DIALS, Dials, dial_features, dialled, lids_part
from faceplate.face.expression import IRISES, LID_PAIRS, LIP_PAIRS, eye_openness
from faceplate.face.shape import RIGID
from network_scene import frontal_head, turned

HEAD = frontal_head((300.0, 280.0), 130.0)
POINTS = HEAD.points
# The value of each dial at half its range.
HALF = {name: 15.0 if name == "gaze_x" else 7.5 if name == "gaze_y" else 0.5 for name in DIALS}


def moved(name: str, value: float, points: np.ndarray = POINTS) -> np.ndarray:
    return dialled(points, Dials(**{name: value})).whole


def test_dials_at_zero_are_none() -> None:
    put = dialled(POINTS, Dials())
    assert not Dials().any and Dials(jaw=0.1).any
    assert np.array_equal(put.whole, POINTS) and np.array_equal(put.seen, POINTS) and not put.look.any()


@pytest.mark.parametrize("name", DIALS)
def test_a_dial_moves_what_it_names_and_nothing_else_by_a_tenth(name: str) -> None:
    own = [dial_features(moved(other, HALF[other])) - dial_features(POINTS) for other in DIALS]
    change, number = own[DIALS.index(name)], DIALS.index(name)
    scale = np.abs([own[k][k] for k in range(len(DIALS))])
    others = np.delete(np.abs(change) / scale, number)
    assert change[number] > 0 and others.max() < 0.1, dict(zip(DIALS, change / scale, strict=True))


@pytest.mark.parametrize("name", DIALS)
def test_a_dial_is_linear_and_leaves_the_skull(name: str) -> None:
    one, two = (moved(name, share * HALF[name]) - POINTS for share in (0.5, 1.0))
    assert np.allclose(two, 2 * one, atol=2e-5)
    size = float(np.ptp(POINTS[:, 1]))
    assert np.abs(two[RIGID]).max() < 0.01 * size
    assert 0 < np.abs(two).max() < 0.15 * size


def test_dials_turn_and_grow_with_the_head() -> None:
    for name in DIALS:
        other = turned(HEAD.moved(POINTS * 1.7), 0.4)
        straight, tilted = moved(name, HALF[name]) - POINTS, moved(name, HALF[name], other.points) - other.points
        lengths = [np.linalg.norm(change[:, :2], axis=1) for change in (straight, tilted)]
        assert np.allclose(lengths[1], 1.7 * lengths[0], atol=0.02 * lengths[1].max()), name


def test_lids_and_lips_close_on_any_face() -> None:
    open_mouth = POINTS.copy()
    open_mouth[list(LIP_PAIRS[1]), 1] += 30
    lids = moved("lids", -1.0)
    assert max(eye_openness(lids)) < 0.3 * min(eye_openness(POINTS))
    wide, upper, lower = moved("mouth", -1.0, open_mouth), LIP_PAIRS[0][4], LIP_PAIRS[1][4]
    assert abs(wide[lower, 1] - wide[upper, 1]) < 0.15 * (open_mouth[lower, 1] - open_mouth[upper, 1])


def test_the_look_turns_the_irises_by_degrees() -> None:
    put = dialled(POINTS, Dials(gaze_x=10, gaze_y=-5))
    skin = np.setdiff1d(np.arange(478), np.r_[IRISES[0], IRISES[1]])
    assert np.array_equal(put.whole[skin], POINTS[skin])
    assert (put.look[:, 0] > 0).all() and (put.look[:, 1] > 0).all()
    assert np.allclose(dial_features(put.whole)[:2] - dial_features(POINTS)[:2], (10, -5), atol=1e-4)


def test_brows_are_each_their_own_side() -> None:
    mesh = topology()
    for name, own, other in (
        ("brow_right", mesh.right_brow, mesh.left_brow),
        ("brow_left", mesh.left_brow, mesh.right_brow),
    ):
        change = (moved(name, 1.0) - POINTS)[:, 1]
        assert change[own].mean() < -5 and abs(change[other].mean()) < 0.5
    assert len(LID_PAIRS) == 2


def test_lids_that_the_landmarker_finds_closed_are_aimed_wider() -> None:
    resting = np.array(eye_openness(POINTS))
    for name, wider in (("gaze_y", 1.0525), ("mouth", 1.05), ("smile", 1.06)):
        put = dialled(POINTS, Dials(**{name: HALF[name]}))
        assert np.allclose(eye_openness(put.whole), resting, rtol=0.01)
        assert np.allclose(eye_openness(put.seen) / resting, wider, atol=0.02)
    down = dialled(POINTS, Dials(gaze_y=-7.5))
    assert np.allclose(eye_openness(down.seen), resting, rtol=0.01)


def test_lids_that_a_dial_shuts_are_not_apart() -> None:
    parts = [lids_part(dialled(POINTS, Dials(lids=value)).seen, POINTS) for value in (-1.0, -0.5, 0.0, 1.0)]
    assert parts == pytest.approx([0.0, 0.5, 1.0, 1.4], abs=2e-3)
