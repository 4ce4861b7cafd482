"""Detectors, landmarkers and recognisers of the user's own store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.color import KEY, ColorConfig
from faceplate.color.reading import read_still
from faceplate.demo import people_folder
from faceplate.face import FaceFinder, detectors, landmarkers, recognisers
from faceplate.face.align import apply, resample
from faceplate.generators.networks import FAMILIES
from faceplate.generators.networks.source_inputs import latent_of
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import ModelStore, embedded_store
from faceplate.render import Renderer
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from network_scene import frontal_head, opened_network, plate_frame, turned, write_network_card
from plates import write_plate

RNG = np.random.default_rng(5)


# Detectors, landmarkers, recognisers --------------------------------------------------------------------------------


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("family", ["scrfd", "retinaface"])
def test_scrfd(tmp_path: Path, family: str, batched: bool) -> None:
    stride, anchor = 16, 2 * (40 * 7 + 11) + 1  # second anchor of row 7, column 11
    points = [-0.5, -0.25, 0.5, -0.25, 0, 0.1, -0.4, 0.5, 0.4, 0.5]
    graphs.scrfd(tmp_path / "net.onnx", stride, anchor, [2, 3, 4, 5], points, batched)
    network = opened_network(tmp_path, "net", family)
    picture = np.zeros((640, 640, 3), np.float32)
    picture[..., 0], picture[..., 2] = 0.6, 0.1  # red tells that the first channel is red
    (found,) = detectors.detect(network, picture)
    assert np.allclose(found.box, [11 * 16 - 2 * 16, 7 * 16 - 3 * 16, 6 * 16, 8 * 16])
    assert np.allclose(found.five, np.array(points).reshape(5, 2) * 16 + (11 * 16, 7 * 16))
    assert abs(found.score - (0.6 + (0.6 * 255 - 127.5) / 128)) < 1e-3
    assert detectors.detect(network, picture, 0.95) == []


def test_yoloface(tmp_path: Path) -> None:
    points = [(90, 80, 0.9), (110, 80, 0.9), (100, 95, 0.9), (92, 110, 0.9), (108, 110, 0.9)]
    graphs.yolo(tmp_path / "net.onnx", 4321, [100, 90, 60, 80, 0.6, *np.ravel(points)])
    picture = np.full((640, 640, 3), 0.1, np.float32)
    picture[..., 0] = 0.2
    (found,) = detectors.detect(opened_network(tmp_path, "net", "yoloface"), picture)
    assert np.allclose(found.box, [70, 50, 60, 80]) and abs(found.score - 0.8) < 1e-3
    assert np.allclose(found.five, np.array(points)[:, :2])


def test_landmarkers(tmp_path: Path, color: ColorConfig) -> None:
    groups = {
        "2dfan4": [range(36, 42), range(42, 48), [30], [48], [54]],
        "2d106det": [[38], [88], [86], [52], [61]],
    }
    # A plate whose first channel as fed is known: the plate's own grey, exposed to KEY.
    grey = 1.055 * KEY ** (1 / 2.4) - 0.055
    for kind, count, side, fill in (("2dfan4", 68, 256, 195.0), ("2d106det", 106, 192, 128.0)):
        places = RNG.uniform(20, 44, (count, 2)) if kind == "2dfan4" else RNG.uniform(-0.5, 0.5, (count, 2))
        graphs.points(tmp_path / f"{kind}.onnx", kind, places)
        network = opened_network(tmp_path, kind, kind)
        face = turned(frontal_head((210, 190), 60, level=0.5), 0.3)
        frame = plate_frame(color, np.full((400, 420, 3), 0.5))
        points, five = landmarkers.landmarks(network, frame, face)
        told = grey if kind == "2dfan4" else 255 * grey
        in_crop = (places + np.array([told, 0])) * 4 if kind == "2dfan4" else (places + np.array([told, 0]) + 1) * 96
        angle = np.arctan2(*(face.five[1] - face.five[0])[::-1])
        spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        upright = face.points[:, :2] @ spin.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        wanted = ((in_crop - side / 2) * (high - low).max() / fill + (low + high) / 2) @ spin
        scale = np.abs(wanted).max()
        assert np.abs(points - wanted).max() < 1e-4 * scale
        assert np.abs(five - [wanted[list(group)].mean(axis=0) for group in groups[kind]]).max() < 1e-4 * scale
        moved = landmarkers.aligned(face, face.five + np.array([3, -2]))
        assert np.abs(moved.five - face.five - [3, -2]).max() < 1e-9
        half = landmarkers.aligned(face, face.five * 1.1, 0.5)
        assert np.abs(half.five - face.five * 1.05).max() < 1e-9


def test_recognisers(tmp_path: Path) -> None:
    crop = RNG.uniform(0, 1, (112, 112, 3)).astype(np.float32)
    graphs.recogniser(tmp_path / "arc.onnx")
    graphs.recogniser(tmp_path / "sface.onnx", 128)
    arc = recognisers.embed(opened_network(tmp_path, "arc", "arcface_w600k_mbf"), crop)
    assert np.abs(arc - graphs.block_means(crop * 255 / 127.5 - 1)).max() < 1e-5
    sface = recognisers.embed(opened_network(tmp_path, "sface", "sface"), crop)
    assert np.abs(sface - graphs.block_means(crop * 255, 128)).max() < 1e-3
    matrix = RNG.normal(size=(512, 512)).astype(np.float32)
    graphs.converter(tmp_path / "cross.onnx", matrix, 0.5)
    converted = recognisers.convert(opened_network(tmp_path, "cross", "crossface_ghost"), arc)
    assert np.abs(converted - (arc @ matrix + 0.5)).max() < 1e-3
    assert np.allclose(
        latent_of(FAMILIES["hyperswap_256"], arc, None, None), arc[None] / np.linalg.norm(arc), atol=1e-6
    )


# Mattes -------------------------------------------------------------------------------------------------------------


def test_detector_landmarker_and_recogniser_by_parameter(tmp_path: Path, color: ColorConfig) -> None:
    """Stand-ins of a detector and a landmarker find a demo person's face through the render's own road."""
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float64)
    pixels = resample(still.working(), still.window, matrix, Window(0, 0, 512, 512))
    write_plate(tmp_path / "p.1001.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    own = FaceFinder.embedded().find(Frame(pixels, Window(0, 0, 512, 512), "ACEScg", color))[0]
    left, top, width, height = np.array(own.box) * 640 / 512
    five = own.five * 640 / 512
    graphs.yolo(
        tmp_path / "yolo.onnx", 17,
        [left + width / 2, top + height / 2, width, height, 0.9, *np.column_stack([five, np.ones(5)]).ravel()],
    )  # fmt: skip
    recipe = landmarkers.LANDMARKERS["2dfan4"]
    places = np.full((68, 2), 32.0)
    for group, place in zip(recipe.five, apply(landmarkers._matrix(own, 1.0, recipe), own.five) / 4, strict=True):
        places[list(group)] = place + np.array([0, 1.5])  # six crop pixels lower than the mesh's own
    graphs.points(tmp_path / "fan.onnx", "2dfan4", places)
    graphs.recogniser(tmp_path / "arc.onnx")
    write_network_card(tmp_path, "yolo", "yoloface", "detector")
    write_network_card(tmp_path, "fan", "2dfan4", "landmarks")
    write_network_card(tmp_path, "arc", "arcface_w600k_mbf", "identity")
    store = ModelStore((tmp_path, *embedded_store().folders))

    def renderer(**values: Any) -> Renderer:
        parameters = Parameters.model_validate({"generator": "null", "grain": 0, "occlusion": 0, **values})
        shot = Shot(plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/o.####.exr", parameters=parameters)
        made = Renderer(shot, FaceFinder(store))
        made.prepare()
        return made

    one = renderer(detector="yolo", recogniser="arc", target=str(people_folder() / "ada" / "front.jpg"))
    face = one.find(one.open(1001))
    assert face is not None and np.abs(face.points[:, :2] - own.points[:, :2]).max() < 3
    said = str(one.attributes()["faceplate:weights"])
    assert "yolo " in said and "yunet" not in said and "arc " in said and "sface" not in said
    other = renderer(landmarker="fan")
    moved = other.find(other.open(1001))
    assert moved is not None and "fan " in str(other.attributes())
    down = (moved.five - own.five)[:, 1] * recipe.fill / own.size
    assert np.abs(down - 6).max() < 1.5 and face.five.shape == (5, 2)
