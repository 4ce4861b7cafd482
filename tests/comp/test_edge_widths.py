"""Softness of a face's edges: how it follows a blur, and how little grain, streaks and the face's size change it."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp.edge_widths import (
    SHARP_WIDTH,
    EdgeWidths,
    blur_between,
    expected_ratios,
    is_surely_soft,
    measure_edges,
    softness,
)
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from pictures import ReadPicture
from streaks import Scene, scene_of, smeared, softened


@pytest.fixture(scope="module")
def scenes(read_picture: ReadPicture, finder: FaceFinder) -> dict[str, Scene]:
    return {name: scene_of(read_picture(f"{name}/front.jpg"), finder, 400.0) for name in ("ada", "bea", "eve")}


def soft(scene: Scene, light: np.ndarray) -> float:
    return softness(measure_edges(light, scene[1], scene[2])) * 400


def test_softness_follows_a_blur(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        own = soft(scene, scene[0])
        assert 0.4 < own < 1.6
        for sigma in (1.0, 2.0, 4.0, 8.0):
            assert soft(scene, softened(scene[0], sigma)) == pytest.approx(np.hypot(own, sigma), rel=0.25)


def test_softness_has_no_steps(scenes: dict[str, Scene]) -> None:
    """The steps of its table were 5 % each: a slow pull of the focus went up in stairs."""
    for scene in scenes.values():
        found = np.array([soft(scene, softened(scene[0], sigma)) for sigma in np.linspace(3.0, 3.3, 7)])
        assert (np.diff(found) > 0).all() and np.diff(found).max() < 0.12


def test_grain_hardly_changes_it(scenes: dict[str, Scene]) -> None:
    light = scenes["ada"][0]
    grain = np.random.default_rng(2).standard_normal(light.shape).astype(np.float32) * 0.03 * np.sqrt(light + 0.05)
    for sigma, part in ((0.0, 0.15), (2.0, 0.15), (5.0, 0.25)):
        blurred = softened(light, sigma)
        assert soft(scenes["ada"], blurred + grain) == pytest.approx(soft(scenes["ada"], blurred), rel=part, abs=0.1)


def test_streaks_are_told_from_defocus(scenes: dict[str, Scene]) -> None:
    light, window, face = scenes["bea"]
    path = np.array([12.0, 3.0])
    edges = measure_edges(smeared(light, (path[0], path[1])), window, face)
    without = soft(scenes["bea"], light)
    assert softness(edges) * 400 > 1.6 * without, "taken for defocus, the streaks would blur the face in all directions"
    assert softness(edges, path / 400, 1.0) * 400 < 1.3 * without


def test_the_blur_that_is_lacking() -> None:
    assert blur_between(0.01, 0.0105) == 0.0 and blur_between(0.01, 0.005) == 0.0
    assert blur_between(0.01, 0.02) == pytest.approx(0.01 * np.sqrt(3))
    assert 0 < blur_between(0.01, 0.0114) < 0.01 * np.sqrt(1.14**2 - 1)
    assert blur_between(0.5 * SHARP_WIDTH, 1.19 * SHARP_WIDTH) == 0.0, (
        "some people's edges are as soft in a sharp picture"
    )
    assert blur_between(SHARP_WIDTH, 1.35 * SHARP_WIDTH) == pytest.approx(SHARP_WIDTH * np.sqrt(1.35**2 - 1)), (
        "nobody's are as soft as this, about 0.8 pixels out of focus at a face of 400"
    )


def test_people_differ_little_in_the_blur_that_their_edges_show(scenes: dict[str, Scene]) -> None:
    """What is known of the plate's blur is what people differ by: half a pixel and more was lost in it before."""
    for sigma in (0.75, 1.0, 1.5, 2.0):
        found = [soft(scene, softened(scene[0], sigma)) for scene in scenes.values()]
        assert max(found) / min(found) < 1.2
        assert found == pytest.approx([np.hypot(SHARP_WIDTH * 400, sigma)] * len(found), rel=0.15)


def test_nothing_is_measured_where_nothing_is_seen(scenes: dict[str, Scene]) -> None:
    light, window, face = scenes["eve"]
    hidden = measure_edges(light, window, face, np.zeros(light.shape, np.float32))
    assert not hidden.weights.any() and np.isfinite(softness(hidden))
    beyond = measure_edges(light[:40, :40], Window(0, 0, 40, 40), face)
    assert isinstance(beyond, EdgeWidths) and not beyond.weights.any()


def test_the_table_falls_with_blur_and_along_the_movement() -> None:
    still = expected_ratios(np.array([0.05, 0.0]), np.array([0.0, 1.0]))
    assert (still[0, 0] > still[-1, 0]).all()
    assert (still[20, 1, :, 0] < 0.6 * still[20, 0, :, 0]).all(), "across edges that cross the movement"
    assert (still[20, 1, 2:, 4] > 0.6 * still[20, 0, 2:, 4]).all(), "across edges that lie along it"


def test_edges_that_are_not_surely_soft_ask_for_no_blur() -> None:
    wanted = SHARP_WIDTH * np.linspace(0.5, 2.0, 151)
    asked = np.array([is_surely_soft(width) for width in wanted])
    assert (
        np.array_equal(asked, [blur_between(0.2 * SHARP_WIDTH, width) > 0 for width in wanted])
        and 0 < asked.sum() < 151
    )
