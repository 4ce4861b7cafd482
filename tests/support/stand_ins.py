"""Stand-ins for the tests of one frame: a store of networks with known answers, a plate of noise, a face in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import onnx_graphs as graphs
from faceplate.face import Face
from faceplate.face.shape import head_model
from faceplate.models import Card
from faceplate.models.card import write_card
from faceplate.models.store import digest
from plates import write_plate

SIDE = 220
FACE = Face(head_model().reference * 50 + np.array([110, 105, 0]), 1.0, 1.0, 0.18)
"""The mean head, facing front, in the middle of the plate."""


def write_noise_plate(path: Path, seed: int = 5) -> Path:
    """A plate of smooth light with noise on it, 220 x 220, half-float ACEScg; its left half is much darker."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    light = np.stack([0.5 + 0.2 * x, 0.6 - 0.15 * y, 0.7 + 0.1 * x * y], axis=-1)
    light[:, : SIDE // 2] *= 0.05
    noise = np.random.default_rng(seed).normal(0, 0.003, light.shape)
    return write_plate(path, (light + noise).astype(np.float32), "half", colorInteropID="lin_ap1_scene")


def make_store(folder: Path) -> Path:
    """A model store: a DFM `actor`, an inswapper `swapper`, a restorer `sharper`, an occluder `xseg` and a `parser`."""
    folder.mkdir(parents=True)
    graphs.dfm(folder / "actor.onnx", 128, gains=(0.9, 0.8, 0.7))
    graphs.swap(folder / "swapper.onnx", 128, mix=0.5, emap=np.eye(512, dtype=np.float32))
    graphs.restorer(folder / "sharper.onnx", 128, gains=(1.1, 0.9, 1.0))
    graphs.xseg(folder / "xseg.onnx")
    graphs.bisenet(folder / "parser.onnx")
    kinds = {
        "actor": ("swap", "dfm"),
        "swapper": ("swap", "inswapper_128"),
        "sharper": ("restore", "gpen"),
        "xseg": ("matte", "xseg"),
        "parser": ("matte", "bisenet"),
    }
    for name, (role, family) in kinds.items():
        card = {
            "name": name, "role": role, "file": f"{name}.onnx", "sha256": digest(folder / f"{name}.onnx"), "version": "1",
            "licence": "CC0-1.0", "commercial": True, "source": "test", "converted": "none", "inputs": (), "outputs": (),
            "family": family,
        }  # fmt: skip
        write_card(folder, Card.model_validate(card))
    return folder
