"""Face restorers, alone and around another generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.color import ColorConfig, Exposure, decode, encode
from faceplate.errors import FaceplateError
from faceplate.face import Face
from faceplate.face.align import apply, invert
from faceplate.generators import NullGenerator
from faceplate.generators.interface import Crop, CropTransform, Generated
from faceplate.generators.restorers import Restored, Restorer, open_restorer
from faceplate.models import ModelStore
from network_scene import frontal_head, opened_network, plain_matrix, turned, write_network_card

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("family", "side", "template"),
    [
        ("gfpgan", 512, "ffhq_512"),
        ("restoreformer", 512, "ffhq_512"),
        ("codeformer", 512, "ffhq_512"),
        ("gpen", 256, "arcface_128"),
        ("gpen", 1024, "ffhq_512"),
    ],
)
def test_restorer(tmp_path: Path, family: str, side: int, template: str) -> None:
    gains = (0.5, 0.6, 0.7)
    graphs.restorer(tmp_path / "net.onnx", side, gains=gains, weight=family == "codeformer")
    write_network_card(tmp_path, "net", family, "restore")
    restorer = open_restorer(ModelStore((tmp_path,)), "net", amount=0.75, fidelity=0.25)
    face = frontal_head((300, 300), 80)
    assert np.abs(restorer.frame(face, 1.0).matrix - plain_matrix(face.five, template, side)).max() < 1e-8
    pixels = RNG.uniform(-0.1, 1.2, (side, side, 3)).astype(np.float32)
    drawn = ((pixels - 0.5) / 0.5 * np.array(gains) + (0.25 if family == "codeformer" else 0)) * 0.5 + 0.5
    assert np.abs(restorer.restore(pixels) - (0.25 * pixels + 0.75 * drawn)).max() < 1e-5


class Slope:
    """A generator on its own crop that adds 0.1 · x / side to it."""

    name, encoding, weights = "slope", "network", ("slope",)

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return NullGenerator(128, "arcface_128").frame(face, pixel_aspect)

    def generate(self, crop: Crop) -> Generated:
        rise = graphs.ramps(crop.pixels.shape[0], (0.1, 0.0))[..., None]
        return Generated(crop.pixels + rise, np.ones(crop.pixels.shape[:2], np.float32))


class Brighter:
    """A generator on its crop's own pixels, in scene-linear light, as `mesh` is: a quarter more light."""

    name, encoding, weights = "brighter", "working", ()

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return CropTransform(np.eye(2, 3), face.window(0.05))

    def generate(self, crop: Crop) -> Generated:
        return Generated(crop.pixels * np.float32(1.25), np.ones(crop.pixels.shape[:2], np.float32))


def test_restored_generator_carries_the_inner_change(tmp_path: Path, color: ColorConfig) -> None:
    graphs.restorer(tmp_path / "net.onnx", 512, gains=(1.0, 1.0, 1.0))
    restorer = Restorer(opened_network(tmp_path, "net", "gfpgan"))
    face = turned(frontal_head((300, 300), 80), 0.2)
    restored = Restored(cast(Any, Slope()), restorer)
    assert restored.weights == ("slope", "net")
    transform = restored.frame(face, 1.0)
    crop_face = face.moved(np.column_stack([apply(transform.matrix, face.points[:, :2]), face.points[:, 2]]))
    pixels = RNG.uniform(0.2, 0.8, (512, 512, 3)).astype(np.float32)
    change = restored.generate(Crop(pixels, transform, crop_face)).pixels - pixels
    ys, xs = np.mgrid[150:400, 150:400]
    plate_points = apply(invert(transform.matrix), np.column_stack([xs.ravel() + 0.5, ys.ravel() + 0.5]))
    wanted = 0.1 * apply(plain_matrix(face.five, "arcface_128", 128), plate_points)[:, 0] / 128
    assert np.abs(change[150:400, 150:400, 0].ravel() - wanted).max() < 1e-4
    nothing = Restored(NullGenerator(128, "arcface_128"), restorer).generate(Crop(pixels, transform, crop_face))
    assert np.abs(nothing.pixels - pixels).max() < 1e-6
    lit = Restored(cast(Any, Brighter()), restorer, color).generate(Crop(pixels, transform, crop_face))
    wanted = encode(decode(pixels, Exposure.of_level(face.level).gain) * 1.25, Exposure.of_level(face.level).gain)
    inside = crop_face.window().slices(transform.window)
    assert lit.pixels[inside].size > 60000 and np.abs(lit.pixels - wanted)[inside].max() < 1e-4
    with pytest.raises(FaceplateError) as refusal:
        Restored(cast(Any, Brighter()), restorer).generate(Crop(pixels, transform, crop_face))
    assert refusal.value.code == "no-color"
