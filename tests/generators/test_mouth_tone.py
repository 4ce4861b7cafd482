"""The mean tone between the lips is that of the layers' tone shares, and nothing else of the face changes."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.face import Face, topology
from faceplate.face.raster import MeshRaster, rasterise
from faceplate.face.shape import head_model
from faceplate.generators.mesh.mouth_tone import is_one_tone
from faceplate.generators.mesh.texture_layers import TextureLayer
from faceplate.generators.mesh.warp import sum_layers
from faceplate.image.window import Window
from faceplate.source.views import Geometry

DARK, LIGHT = -2.0, -1.4


def head(gap: float) -> np.ndarray:
    """The mean head, 300 pixels high, whose lower lip hangs `gap` pixels below the upper one."""
    reference = head_model().reference
    points = (reference - reference.min(axis=0)) * (300.0 / np.ptp(reference[:, 1])) + 40
    loop = topology().mouth_loop
    middle = points[[13, 14], 1].mean()
    points[loop, 1] += np.where(points[loop, 1] > middle, gap, 0.0)
    return points


def layer(tone: float, shown: float, value: float) -> TextureLayer:
    """A picture of one colour with the same open mouth; `shown` is its share, `tone` its share in the tone."""
    points = head(40.0)
    log = np.full((420, 420, 3), value, np.float32)
    return TextureLayer(log, Window(0, 0, 420, 420), points, np.full(478, shown), Geometry(points), tone=tone)


@pytest.fixture(scope="module")
def plate() -> tuple[Face, MeshRaster]:
    points = head(40.0)
    window = Window.around(points[:, :2], 20.0)
    return Face(points, 1.0, 1.0, 0.2), rasterise(points, topology().closed, window, 300.0)


def summed(plate: tuple[Face, MeshRaster], layers: list[TextureLayer]) -> tuple[np.ndarray, np.ndarray]:
    """The new face in the middle of the mouth and on the nose, (3,) each."""
    face, raster = plate
    shares = np.stack([np.full(raster.covered.shape, one.share[0], np.float32) for one in layers])
    total = sum_layers(layers, shares, face, raster, False)
    places = (face.points[[13, 14], :2].mean(axis=0), face.points[1, :2])
    x, y = ((place - (raster.window.x, raster.window.y)).astype(int) for place in places)
    return total[x[1], x[0]], total[y[1], y[0]]


@pytest.mark.parametrize("tone", [0.0, 0.3, 1.0])
def test_the_mouth_has_the_mean_tone_of_all_layers(plate: tuple[Face, MeshRaster], tone: float) -> None:
    mouth, nose = summed(plate, [layer(1 - tone, 1.0, DARK), layer(tone, 0.0, LIGHT)])
    wanted = np.log((1 - tone) * np.exp(DARK) + tone * np.exp(LIGHT))
    assert np.allclose(mouth, min(wanted, DARK + 0.5), atol=5e-3)
    assert np.allclose(nose, DARK, atol=1e-6)


def test_layers_that_show_their_tone_change_nothing(plate: tuple[Face, MeshRaster]) -> None:
    layers = [layer(1.0, 1.0, DARK), layer(0.0, 0.0, LIGHT)]
    assert is_one_tone(layers) and not is_one_tone([layer(0.6, 1.0, DARK), layer(0.4, 0.0, LIGHT)])
    assert np.allclose(summed(plate, layers)[0], DARK, atol=1e-6)
