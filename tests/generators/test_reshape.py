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


def test_the_sources_shape_arrives_whatever_the_frame_shows(performance: list[np.ndarray]) -> None:
    source = tuple(pose_of(longer_chin(open_mouth(HEAD, gap))) for gap in np.linspace(0.0, 0.3, 7))
    rest = resting_shape([pose_of(points).canonical for points in performance])
    chins = [shape_offset(points, source, rest)[152, 1] / 130.0 for points in (performance[0], performance[-1])]
    assert np.allclose(chins, 0.15, atol=0.02)
    assert chins[0] == pytest.approx(chins[1], abs=1e-3)


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
