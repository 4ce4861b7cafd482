"""Supersampling: tiles are polyphase and go back where they came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import onnx_graphs as graphs
from faceplate.generators.interface import Crop, CropTransform
from faceplate.generators.networks import FAMILIES, NetworkGenerator
from faceplate.generators.networks.tiles import merge, split
from faceplate.image.window import Window
from faceplate.models import Network
from network_scene import frontal_head, plain_card

RNG = np.random.default_rng(5)


# Swap families ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("multiple", [2, 3, 4, 8])
def test_tiles_are_polyphase_and_go_back_where_they_came_from(tmp_path: Path, multiple: int, batched: bool) -> None:
    graphs.swap(tmp_path / "net.onnx", 128, means=True, batched=batched, ramp=(0.25, 0.125))
    network = Network(plain_card("net", "inswapper_128"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    family = replace(FAMILIES["inswapper_128"], clip=False)
    generator = NetworkGenerator(family, network, np.zeros((1, 512), np.float32), multiple)
    size = 128 * multiple
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    pixels = np.stack([(x % multiple) / 8, (y % multiple) / 8, (x + 2 * y) / size], axis=-1)
    made = generator.generate(
        Crop(pixels, CropTransform(np.eye(2, 3), Window(0, 0, size, size)), frontal_head((64, 64), 30))
    ).pixels
    place = graphs.ramps(128, (0.25, 0.125))[..., None]
    for row in range(multiple):
        for column in range(multiple):
            tile = pixels[row::multiple, column::multiple]
            wanted = tile.reshape(-1, 3).mean(axis=0, dtype=np.float64) + place
            assert np.abs(made[row::multiple, column::multiple] - wanted).max() < 1e-5


def test_tiles_split_as_published() -> None:
    pixels = RNG.normal(size=(12, 12, 3)).astype(np.float32)
    published = pixels.reshape(4, 3, 4, 3, 3).transpose(1, 3, 0, 2, 4).reshape(9, 4, 4, 3)
    assert np.array_equal(split(pixels, 3), published)
    assert np.array_equal(merge(published, 3), pixels)


def test_tiles_go_in_one_run_where_the_graph_allows_it(tmp_path: Path) -> None:
    for batched, runs in ((True, 1), (False, 16)):
        graphs.swap(tmp_path / f"b{batched}.onnx", 128, batched=batched)
        session = Counting(tmp_path / f"b{batched}.onnx")
        network = Network(plain_card("net", "inswapper_128"), session)
        generator = NetworkGenerator(FAMILIES["inswapper_128"], network, np.zeros((1, 512), np.float32), 4)
        crop = Crop(
            np.zeros((512, 512, 3), np.float32),
            CropTransform(np.eye(2, 3), Window(0, 0, 512, 512)),
            frontal_head((64, 64), 30),
        )
        generator.generate(crop)
        assert session.runs == runs


# ---------------------------------------------------------------------------------------------------------------------


class Counting:
    """A session that counts its runs."""

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime.InferenceSession(path)
        self.runs = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def run(self, names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.runs += 1
        return self._session.run(names, feed)  # type: ignore[return-value]
