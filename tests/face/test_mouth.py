"""The chart of the open mouth: corner to corner, upper lip to lower lip, in any place and size."""

from __future__ import annotations

import numpy as np

from faceplate.face import mouth
from faceplate.face.shape import head_model


def test_its_edges_are_the_lips_and_meet_at_the_corners() -> None:
    points = head_model().reference
    upper, lower = mouth.edges(points)
    assert np.allclose(upper[[0, -1]], points[[78, 308], :2]) and np.allclose(lower[[0, -1]], upper[[0, -1]])
    places = mouth.chart(points)
    assert places.shape == (mouth.ROWS, mouth.COLUMNS, 2)
    assert np.allclose(places[0], upper) and np.allclose(places[-1], lower)


def test_it_moves_with_the_face() -> None:
    points = head_model().reference[:, :2]
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 3.0
    assert np.allclose(mouth.chart(points @ turn.T + (5, 7)), mouth.chart(points) @ turn.T + (5, 7))
