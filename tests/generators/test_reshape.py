"""The source's shape on the performance: what arrives of it, and what the performance keeps."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face.expression import LIP_PAIRS, mouth_openness
from faceplate.face.shape import head_model, pose_of, resting_shape
from faceplate.generators.reshape import shape_offset

HEAD = head_model().reference
JAW = np.array([152, 148, 377, 176, 400])


def on_plate(canonical: np.ndarray) -> np.ndarray:
    return canonical * 130.0 + (300.0, 280.0, 0.0)


def open_mouth(canonical: np.ndarray, gap: float) -> np.ndarray:
    moved = canonical.copy()
    moved[[*LIP_PAIRS[1], 17, 84, 314, *JAW], 1] += gap
    return moved


def longer_chin(canonical: np.ndarray) -> np.ndarray:
    moved = canonical.copy()
    moved[JAW, 1] += 0.15
    return moved


@pytest.fixture(scope="module")
def performance() -> list[np.ndarray]:
    return [on_plate(open_mouth(HEAD, gap)) for gap in np.linspace(0.0, 0.3, 13)]


def acting(canonical: np.ndarray, count: int) -> list[np.ndarray]:
    """A mesh moved along the first direction of speaking and smiling, `count` times."""
    along = head_model().expression[0].reshape(-1, 3)
    return [canonical + amount * along for amount in np.linspace(-0.8, 0.8, count)]


def test_the_sources_shape_arrives_whatever_the_frame_shows() -> None:
    source = tuple(pose_of(mesh) for mesh in acting(longer_chin(HEAD), 7))
    frames = [on_plate(mesh) for mesh in acting(HEAD, 13)]
    rest = resting_shape([pose_of(points).canonical for points in frames])
    chins = [shape_offset(points, source, rest)[152, 1] / 130.0 for points in (frames[0], frames[6], frames[-1])]
    assert np.allclose(chins, 0.15, atol=0.03)
    assert np.ptp(chins) < 1e-3  # what is acted stays


def test_the_performance_keeps_its_open_mouth(performance: list[np.ndarray]) -> None:
    source = (pose_of(longer_chin(HEAD)),)  # one picture, with a closed mouth
    rest = resting_shape([pose_of(points).canonical for points in performance])
    for points in performance[::4]:
        for known in (rest, None):
            new = points + shape_offset(points, source, known)
            assert mouth_openness(new) == pytest.approx(mouth_openness(points), abs=0.02)


def test_a_single_frame_keeps_most_of_what_is_acted() -> None:
    """Without other frames a dropped jaw may be the person's own, so a part of it is taken; never the most."""
    along = head_model().expression[0].reshape(-1, 3)
    performed = on_plate(HEAD + 1.2 * along)
    moved = pose_of(performed + shape_offset(performed, (pose_of(HEAD),))).canonical - pose_of(performed).canonical
    assert -0.5 * 1.2 < float((moved * along).sum()) < 0.0
