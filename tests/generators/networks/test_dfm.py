"""DFM networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.generators.interface import Crop
from faceplate.generators.networks import DfmGenerator, needs_source, network_generator
from faceplate.image.window import Window
from faceplate.models import ModelStore
from network_scene import frontal_head, plain_matrix, write_network_card

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("morph", [True, False])
def test_dfm(tmp_path: Path, morph: bool, named: bool) -> None:
    side = 224
    graphs.dfm(tmp_path / "actor.onnx", side, gains=(0.5, 0.7, 0.9), morph=morph, named=named)
    write_network_card(tmp_path, "actor", "dfm")
    store = ModelStore((tmp_path,))
    assert not needs_source(store, "actor")
    generator = network_generator(store, "actor", None, morph=0.4)
    assert isinstance(generator, DfmGenerator)
    face = frontal_head((300, 300), 80)
    transform = generator.frame(face, 1.0)
    assert transform.window == Window(0, 0, side, side)
    assert np.abs(transform.matrix - plain_matrix(face.five, "dfl_whole_face", side)).max() < 1e-8
    pixels = RNG.uniform(0, 1.2, (side, side, 3)).astype(np.float32)
    made = generator.generate(Crop(pixels, transform, face))
    # The graph sees BGR: its first gain is blue's.
    assert np.abs(made.pixels - (pixels * np.array([0.9, 0.7, 0.5]) + (0.04 if morph else 0))).max() < 1e-6
    across, down = graphs.ramps(side, (1, 0)), graphs.ramps(side, (0, 1))
    wanted = {"both": np.minimum(across, down), "face": across, "celeb": down, "none": np.ones_like(across)}
    for mattes, coverage in wanted.items():
        again = replace(generator, mattes=mattes).generate(Crop(pixels, transform, face))
        assert np.abs(again.coverage - coverage).max() < 1e-6, mattes
