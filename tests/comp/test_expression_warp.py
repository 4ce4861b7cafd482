"""Expression match in pixels: dots on the points go where the points go, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from faceplate.comp.expression_warp import expression_warp
from faceplate.face import topology
from faceplate.face.expression import LID_PAIRS
from faceplate.image.window import Window
from network_scene import frontal_head

HEAD = frontal_head((200.0, 190.0), 85.0)
WINDOW = Window(0, 0, 400, 400)
STILL = np.zeros((2, 2))


def dotted(points: np.ndarray) -> np.ndarray:
    picture = np.zeros((400, 400), np.float32)
    for x, y in points[:, :2]:
        cv2.circle(picture, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 40, 1.0, -1, cv2.LINE_AA, 4)
    return picture


def centre_near(picture: np.ndarray, at: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0:400, 0:400] + 0.5
    weight = picture * (np.hypot(x - at[0], y - at[1]) < 9)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_nothing_moves_without_a_movement() -> None:
    assert expression_warp(HEAD.points, HEAD.points, STILL, WINDOW, HEAD.size) is None


def test_a_dot_on_the_chin_goes_where_the_chin_goes_and_the_rest_is_bit_for_bit_the_same() -> None:
    moved = HEAD.points.copy()
    chin = moved[152, :2].copy()
    near = np.exp(-((np.linalg.norm(HEAD.points[:, :2] - chin, axis=1) / 40) ** 2))
    moved[:, 1] += 6 * near
    warp = expression_warp(HEAD.points, moved, STILL, WINDOW, HEAD.size)
    assert warp is not None
    picture = dotted(chin[None]) + np.random.default_rng(1).uniform(0, 0.01, (400, 400)).astype(np.float32)
    there = warp.moved(picture, WINDOW)
    assert np.linalg.norm(centre_near(there, moved[152, :2]) - moved[152, :2]) < 1.2
    outside = np.ones((400, 400), bool)
    outside[warp.window.slices(WINDOW)] = False
    assert outside.any() and np.array_equal(there[outside], picture[outside])
    edge = warp.shift[[0, -1]], warp.shift[:, [0, -1]]
    assert max(float(np.abs(part).max()) for part in edge) < 0.1


def test_a_closed_lid_covers_the_eye() -> None:
    """The eye, painted white, is gone once its lids meet; the brow stays."""
    mesh = topology()
    picture = np.zeros((400, 400), np.float32)
    cv2.fillPoly(picture, [np.round(HEAD.points[mesh.right_eye_loop, :2] * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    moved = HEAD.points.copy()
    upper, lower = (list(side) for side in LID_PAIRS[0])
    moved[upper] = moved[lower] + 0.2 * (moved[lower] - moved[upper])
    warp = expression_warp(HEAD.points, moved, STILL, WINDOW, HEAD.size)
    assert warp is not None
    assert warp.moved(picture, WINDOW).sum() < 0.35 * picture.sum()
    brow = dotted(HEAD.points[mesh.right_brow][:1])
    at = HEAD.points[mesh.right_brow[0], :2]
    assert np.linalg.norm(centre_near(warp.moved(brow, WINDOW), at) - at) < 0.5


def test_an_iris_turns_inside_its_own_eye_only() -> None:
    look = np.array([[4.0, 0.0], [0.0, 0.0]])
    warp = expression_warp(HEAD.points, HEAD.points, look, WINDOW, HEAD.size)
    assert warp is not None
    iris = HEAD.points[468:473, :2].mean(axis=0)
    there = warp.moved(dotted(iris[None]), WINDOW)
    assert np.linalg.norm(centre_near(there, iris + look[0]) - iris - look[0]) < 0.6
    left = HEAD.points[473:478, :2].mean(axis=0)
    picture = dotted(left[None])
    assert np.allclose(warp.moved(picture, WINDOW), picture, atol=1e-4)


def eye_picture() -> np.ndarray:
    """Grey skin whose right eye is white, also a little beyond its landmarks, with dark lashes at the upper lid's edge."""
    picture = np.full((400, 400, 3), 0.3, np.float32)
    points, (upper, lower) = HEAD.points[:, :2], LID_PAIRS[0]
    low = points[list(lower)] + 0.1 * (points[list(lower)] - points[list(upper)])
    outline = np.concatenate([points[[33]], points[list(upper)], points[[133]], low[::-1]])
    cv2.fillPoly(picture, [np.round((outline - 0.5) * 16).astype(np.int32)], (2.0, 2.0, 2.0), cv2.LINE_AA, 4)
    lashes = np.round((points[[33, *upper, 133]] - 0.5) * 16).astype(np.int32)
    cv2.polylines(picture, [lashes], False, (0.02, 0.02, 0.02), 1, cv2.LINE_AA, 4)
    return picture


def closed_by(left: float) -> np.ndarray:
    """The head with this share of the right eye's opening left."""
    moved = HEAD.points.copy()
    upper, lower = (list(side) for side in LID_PAIRS[0])
    moved[upper] = moved[lower] + left * (moved[upper] - moved[lower])
    return moved


def test_no_white_shows_between_shut_lids() -> None:
    """Neither of the squeezed eye nor of the strip beyond the landmarks; the lashes stay dark and the skin as it is."""
    picture = eye_picture()
    for left in (0.03, -0.1):
        warp = expression_warp(HEAD.points, closed_by(left), STILL, WINDOW, HEAD.size)
        assert warp is not None and len(warp.shut) == 1
        shown = warp.moved(picture, WINDOW)
        assert float(replace(warp, shut=()).moved(picture, WINDOW).max()) > 1.2
        assert float(shown.max()) < 0.55 and float(shown.min()) < 0.2
        assert float(np.abs(shown - 0.3).max(axis=(1, 2))[: int(HEAD.points[27, 1]) - 12].max()) < 1e-6


def test_lids_that_are_half_shut_show_the_eye_as_before() -> None:
    warp = expression_warp(HEAD.points, closed_by(0.5), STILL, WINDOW, HEAD.size)
    assert warp is not None and warp.shut == ()
    assert float(warp.moved(eye_picture(), WINDOW).max()) > 1.5


def test_the_coverage_is_warped_without_a_line() -> None:
    warp = expression_warp(HEAD.points, closed_by(0.0), STILL, WINDOW, HEAD.size)
    assert warp is not None
    assert np.allclose(warp.moved(np.ones((400, 400), np.float32), WINDOW), 1.0, atol=1e-5)
