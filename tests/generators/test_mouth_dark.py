"""The dark between teeth: the picture's own where it has some, and never as light as teeth."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face.shape import head_model
from faceplate.generators.mesh.mouth_dark import mouth_dark
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.image.window import Window
from faceplate.source.views import Geometry


@pytest.mark.parametrize(
    ("inside", "expected"), [((-2.5, -3.0, -3.0), (-2.5, -3.0, -3.0)), ((0.3, 0.0, 0.0), (-1.8, -2.1, -2.1))]
)
def test_the_dark_is_the_pictures_own_or_darkened(inside: tuple[float, ...], expected: tuple[float, ...]) -> None:
    head = head_model().reference
    points = (head - head.min(axis=0)) * (200.0 / np.ptp(head[:, 1]))
    log = np.full((220, 220, 3), inside, np.float32)
    dark = mouth_dark(TextureLayer(log, Window(0, 0, 220, 220), points, np.ones(478), Geometry(points)))
    assert dark.dtype == np.float32 and np.allclose(dark, expected, atol=1e-4)
