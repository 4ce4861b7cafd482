"""Values of the mesh in the occlusion network's square."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceplate.comp.occlusion.square import SIDE, SquareMesh, sigmoid
from faceplate.face import Face
from faceplate.image.frame import Frame
from occluders import network_square


def test_values_lie_at_their_points_and_nothing_beyond(
    read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]
) -> None:
    _, points = network_square(read_picture("ada/front.jpg"), face_in("ada/front.jpg"))
    across, whole = SquareMesh(points).drawn(points[:, 0], np.ones(len(points)))
    assert across.shape == whole.shape == (SIDE, SIDE) and across.dtype == np.float32
    x, y = points[4, :2]  # the tip of the nose
    assert abs(across[int(y), int(x)] - x) < 1 and abs(whole[int(y), int(x)] - 1) < 1e-6
    assert whole[0].max() == whole[:, 0].max() == 0


def test_one_column_is_drawn_as_among_others(
    read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]
) -> None:
    _, points = network_square(read_picture("ada/front.jpg"), face_in("ada/front.jpg"))
    first, second = points[:, 1], np.sin(points[:, 0])
    mesh = SquareMesh(points)
    alone, among = mesh.drawn(second)[0], mesh.drawn(first, second)[1]
    assert np.abs(alone).max() > 0.9 and np.abs(alone - among).max() < 1e-5


def test_odds_that_are_far_out_stay_probabilities() -> None:
    found = sigmoid(np.array([-1e6, 0.0, 1e6], np.float32))
    assert found.dtype == np.float32 and found[1] == 0.5
    assert 0 <= found[0] < 1e-8 and 0.99 < found[2] <= 1
