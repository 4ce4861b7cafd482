"""A network's own pixels on the plate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

import onnx_graphs as graphs
from faceplate.color import ColorConfig
from faceplate.face.align import apply
from faceplate.generators.networks import FAMILIES, NetworkGenerator
from faceplate.models import Network
from faceplate.render import Renderer
from faceplate.render.swap import swap_face
from faceplate.shot import Shot
from faceplate.shot.parameters import Parameters
from network_scene import frontal_head, plain_card, plain_matrix, plate_frame, turned
from plates import write_plate

# The network's own pixels on the plate: no light, blend, grain or occlusion after it.
PLAIN = Parameters(blend="none", light_luminance=0.0, light_color=0.0, light_highlights=0.0, grain=0.0, occlusion=0.0)
RNG = np.random.default_rng(5)


def test_paste_position(tmp_path: Path, color: ColorConfig) -> None:
    """A network that adds a slope over its crop: on a grey plate the slope must lie where the crop's matrix says."""
    graphs.swap(tmp_path / "net.onnx", 128, ramp=(0.06, 0.03))
    network = Network(plain_card("net", "inswapper_128"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    grey = 0.2
    for multiple, radius, turn in ((1, 30.0, 0.0), (1, 100.0, 0.3), (4, 100.0, -0.2)):
        generator = NetworkGenerator(FAMILIES["inswapper_128"], network, np.zeros((1, 512), np.float32), multiple)
        face = turned(frontal_head((260.25, 240.75), radius), turn)
        frame = plate_frame(color, np.full((480, 520, 3), grey))
        swapped = swap_face(frame, face, generator, PLAIN)
        inside = swapped.matte >= 1
        assert inside.sum() > 1000
        rows, columns = np.nonzero(inside)
        centres = np.column_stack([columns + swapped.window.x + 0.5, rows + swapped.window.y + 0.5])
        crop = apply(plain_matrix(face.five, "arcface_128", 128), centres)
        slope = 0.06 * crop[:, 0] / 128 + 0.03 * crop[:, 1] / 128
        encoded = 1.055 * grey ** (1 / 2.4) - 0.055
        away = swapped.over[inside] - (((encoded + slope + 0.055) / 1.055) ** 2.4)[:, None]
        # Supersampled, a tile's slope climbs in steps of one tile pixel, four crop pixels wide, around the true one.
        assert np.abs(away).max() < (1e-4 if multiple == 1 else 6e-4) and abs(away.mean()) < 5e-5
        outside = swapped.matte == 0
        assert np.array_equal(swapped.over[outside], frame.region(swapped.window).pixels[outside])


def test_a_network_that_changes_nothing_leaves_the_plate(tmp_path: Path, color: ColorConfig) -> None:
    graphs.swap(tmp_path / "net.onnx", 256)
    network = Network(plain_card("net", "simswap_256"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    generator = NetworkGenerator(
        replace(FAMILIES["simswap_256"], denormalise=True), network, np.zeros((1, 512), np.float32), 2
    )
    pixels = RNG.uniform(0.0, 3.0, (300, 320, 3)).astype(np.float32)
    pixels[100:110, 100:110] = 40.0
    frame = plate_frame(color, pixels)
    swapped = swap_face(frame, frontal_head((160, 150), 70, level=0.9), generator, PLAIN)
    before = frame.region(swapped.window).pixels
    assert (np.abs(swapped.over - before) < 2e-4 * np.maximum(before, 1)).all() and (swapped.matte >= 1).sum() > 5000


def test_what_gave_way_is_said_with_the_frame_and_once(tmp_path: Path, color: ColorConfig) -> None:
    graphs.swap(tmp_path / "net.onnx", 128)
    network = Network(plain_card("net", "inswapper_128"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    generator = NetworkGenerator(FAMILIES["inswapper_128"], network, np.zeros((1, 512), np.float32))
    write_plate(
        tmp_path / "p.1001.exr", np.full((160, 160, 3), 0.2, np.float32), "half", colorInteropID="lin_ap1_scene"
    )
    renderer = Renderer(Shot(plate=f"{tmp_path}/p.####.exr", parameters=PLAIN), generator=generator)
    network.note("cuda:0 cannot run 'net': cpu is tried")
    assert renderer.render(1001, frontal_head((80, 80), 30)).notes == ("cuda:0 cannot run 'net': cpu is tried",)
    assert renderer.render(1001, frontal_head((80, 80), 30)).notes == ()
