"""Occluders and parsers of the user's own store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.color import KEY, ColorConfig, decode
from faceplate.comp import matte_networks
from faceplate.errors import FaceplateError
from faceplate.face import FaceFinder
from faceplate.image.window import Window
from faceplate.models import ModelStore, embedded_store
from faceplate.render import Renderer
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from network_scene import frontal_head, opened_network, plate_frame, write_network_card
from plates import write_plate

RNG = np.random.default_rng(5)


def test_matte_networks(tmp_path: Path, color: ColorConfig) -> None:
    graphs.xseg(tmp_path / "xseg.onnx")
    graphs.bisenet(tmp_path / "parser.onnx")
    xseg, parser = opened_network(tmp_path, "xseg", "xseg"), opened_network(tmp_path, "parser", "bisenet")
    crop = RNG.uniform(0, 1, (256, 256, 3)).astype(np.float32)
    assert np.abs(matte_networks.occlusion(xseg, crop) - crop[..., 2]).max() < 1e-6  # blue comes first
    large = RNG.uniform(0, 1, (512, 512, 3)).astype(np.float32)
    regions = matte_networks.labels(parser, large)
    assert np.array_equal(regions, np.where(large[..., 0] > 0.5, 1, 17))
    assert (
        matte_networks.REGIONS[1] == "skin"
        and matte_networks.REGIONS[17] == "hair"
        and len(matte_networks.REGIONS) == 19
    )


def test_soft_matte_follows_the_size() -> None:
    step = np.zeros((256, 256), np.float32)
    step[:, 128:] = 1
    soft = matte_networks.soften(step)
    blurred = cv2.GaussianBlur(step, (0, 0), 5.0, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(soft - (np.clip(blurred, 0.5, 1) - 0.5) * 2).max() < 1e-6
    assert soft[:, :127].max() == 0
    double = matte_networks.soften(np.kron(step, np.ones((2, 2), np.float32)))
    assert np.abs(double[1::2, 1::2] - soft).max() < 0.06


def test_matte_lies_on_the_plate(tmp_path: Path, color: ColorConfig) -> None:
    """Half of the plate is red: the parser's skin must end where the red does."""
    graphs.bisenet(tmp_path / "parser.onnx")
    network = opened_network(tmp_path, "parser", "bisenet")
    pixels = np.full((400, 420, 3), 0.02, np.float32)
    pixels[:, 210:] = (2.0, 0.2, 0.2)
    face = frontal_head((210, 190), 60, level=KEY)
    window = Window(120, 100, 180, 180)
    matte = matte_networks.matte_on_plate(network, plate_frame(color, pixels), face, window, soft=0.001)
    assert matte.shape == (180, 180) and matte[:, :86].max() < 0.01 and matte[:, 95:].min() > 0.99
    hair = matte_networks.matte_on_plate(network, plate_frame(color, pixels), face, window, ("hair",), 0.001)
    assert hair[:, :86].min() > 0.99 and hair[:, 95:].max() < 0.01
    with pytest.raises(FaceplateError) as refusal:
        matte_networks.matte_on_plate(network, plate_frame(color, pixels), face, window, ("tail",))
    assert refusal.value.code == "unknown-region"


def test_hidden_by_a_network_of_the_users_own(tmp_path: Path, color: ColorConfig) -> None:
    """The stand-in xseg says the face shows where blue is; the parser where red is. The rest is hidden, as asked."""
    graphs.xseg(tmp_path / "xseg.onnx")
    graphs.bisenet(tmp_path / "parser.onnx")
    xseg, parser = opened_network(tmp_path, "xseg", "xseg"), opened_network(tmp_path, "parser", "bisenet")
    face, window = frontal_head((210, 190), 60, level=KEY), Window(150, 120, 120, 120)
    pixels = np.full((400, 420, 3), 0.0, np.float32)
    pixels[:, 210:] = (2.0, 0.2, 2.0)
    for network in (xseg, parser):
        hidden = matte_networks.hidden_by(network, plate_frame(color, pixels), face, window, 0.5, 0.001)
        assert hidden[:, :55].min() > 0.9 and hidden[:, 66:].max() < 0.25, network.card.name
        assert not matte_networks.hidden_by(network, plate_frame(color, pixels), face, window, 0.0).any()
        far = matte_networks.hidden_by(network, plate_frame(color, pixels), face, Window(0, 0, 20, 400))
        assert not far.any()  # beyond the crop nothing is known
    half = plate_frame(
        color, np.full((400, 420, 3), decode(np.full(1, 0.5, np.float32), 1.0)[0], np.float32)
    )  # blue 0.5: even odds
    face = replace(face, level=KEY)
    shown = [matte_networks.hidden_by(xseg, half, face, window, s).mean() for s in (0.2, 0.5, 0.8)]
    assert shown[0] < shown[1] < shown[2]


def test_parser_and_occluder_by_parameter(tmp_path: Path, color: ColorConfig) -> None:
    """The render calls the networks that the parameters name: hair stays, kept parts are the parser's, cards are said."""
    graphs.bisenet(tmp_path / "parser.onnx")
    graphs.xseg(tmp_path / "seg.onnx")
    write_network_card(tmp_path, "parser", "bisenet", "face-parser", commercial=False)
    write_network_card(tmp_path, "seg", "xseg", "occlusion-matte")
    store = ModelStore((tmp_path, *embedded_store().folders))
    pixels = np.full((400, 420, 3), 0.02, np.float32)
    pixels[:, 210:] = (2.0, 0.2, 0.2)  # the right half is skin to the parser, the left half hair
    write_plate(tmp_path / "p.1001.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    face = frontal_head((210, 190), 60, level=KEY)

    def rendered(**values: Any) -> Renderer:
        parameters = Parameters.model_validate({"generator": "null", "grain": 0, "layers": "parts", **values})
        shot = Shot(
            plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/out/o.####.exr", parameters=parameters,
            allow_noncommercial=True,
        )  # fmt: skip
        renderer = Renderer(shot, FaceFinder(store))
        renderer.prepare()
        return renderer

    plain = rendered(occlusion=0).render(1001, face).result
    column = 210 - plain.window.x
    renderer = rendered(occlusion=0, parser="parser")
    parsed = renderer.render(1001, face).result
    assert "matte_hairline" in parsed.layers and "matte_hairline" not in plain.layers
    assert plain.matte[:, : column - 12].max() == 1 and parsed.matte[:, : column - 12].max() < 0.1
    assert np.allclose(parsed.matte[:, column + 12 :], plain.matte[:, column + 12 :], atol=0.1)
    assert "parser" in str(renderer.attributes()["faceplate:weights"])
    assert "face_occlusion" not in str(renderer.attributes()["faceplate:weights"])
    kept = rendered(occlusion=0, parser="parser", keep="hair, jaw").render(1001, face).result.layers["matte_keep"]
    assert kept[:, : column - 12].min() > 0.9 and kept[20, column + 12 :].max() < 0.1
    seg = rendered(occluder="seg").render(1001, face).result.layers["matte_occlusion"]
    assert seg[:, : column - 12].min() > 0.5  # hardly any blue anywhere: all of it is hidden
    with pytest.raises(FaceplateError) as refusal:
        rendered(keep="hair")
    assert refusal.value.code == "bad-keep" and "parser" in str(refusal.value)
    with pytest.raises(FaceplateError) as refusal:
        Renderer(
            Shot(plate=f"{tmp_path}/p.####.exr", parameters=Parameters(generator="null", parser="parser")),
            FaceFinder(store),
        ).prepare()
    assert refusal.value.code == "licence-forbidden" and "'parser'" in str(refusal.value)
    # A weight that would only come in after an overflow is refused as well.
    graphs.xseg(tmp_path / "half.onnx")
    write_network_card(tmp_path, "half", "xseg", "occlusion-matte", fp32="whole")
    graphs.xseg(tmp_path / "whole.onnx")
    write_network_card(tmp_path, "whole", "xseg", "occlusion-matte", commercial=False)
    half = Parameters(generator="null", occluder="half")
    finder = FaceFinder(ModelStore(store.folders))
    with pytest.raises(FaceplateError) as refusal:
        Renderer(Shot(plate=f"{tmp_path}/p.####.exr", parameters=half), finder).prepare()
    assert refusal.value.code == "licence-forbidden" and "'whole'" in str(refusal.value)
