"""A shot of three small frames with a source and networks of every kind, rendered with and without a cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import onnx_graphs as graphs
from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.face import FaceFinder
from faceplate.models import Card
from faceplate.models.card import write_card
from faceplate.models.store import digest
from faceplate.render import Rendered, Renderer
from faceplate.render.cache_types import KINDS
from faceplate.shot import Policy, load_shot


@dataclass
class ThreeFrameShot:
    """A small plate of three frames, with a source of one picture and networks of every other kind."""

    folder: Path
    finder: FaceFinder
    calls: list[str] = field(default_factory=list)

    def renderer(self, cache: StageCache | None = None, **document: Any) -> Renderer:
        keys = {
            "faceplate_shot": 1, "plate": "plate.####.exr", "source": "source", "output": "out/o.####.exr",
            "frames": "1001-1003", "track": None,
        }  # fmt: skip
        shot = load_shot({**keys, **document}, self.folder).model_copy(
            update={"track_first": False, "policy": Policy(preview_slate=False)}
        )
        return Renderer(shot, self.finder, cache=cache or ONLY_FACES)


class OnlyFaces(StageCache):
    """Keeps nothing but what was found, which costs the tests most of their time."""

    def make(self, stage: str, key: str, compute: Callable[[], Any], *, keep: bool = False) -> Any:
        return super().make(stage, key, compute) if stage == "find" else compute()


ONLY_FACES = OnlyFaces(CacheSettings(1 << 24))


def memory() -> StageCache:
    return StageCache(CacheSettings(1 << 29), KINDS)


def write_networks(folder: Path) -> Path:
    folder.mkdir()
    graphs.restorer(folder / "sharper.onnx", 128, gains=(1.1, 0.9, 1.0))
    graphs.dfm(folder / "actor.onnx", 128, gains=(0.9, 0.8, 0.7))
    graphs.xseg(folder / "xseg.onnx")
    graphs.bisenet(folder / "parser.onnx")
    for name, family, role in (
        ("actor", "dfm", "swap"),
        ("sharper", "gpen", "restore"),
        ("xseg", "xseg", "matte"),
        ("parser", "bisenet", "matte"),
    ):
        card = {
            "name": name, "role": role, "file": f"{name}.onnx", "sha256": digest(folder / f"{name}.onnx"), "version": "1",
            "licence": "CC0-1.0", "commercial": True, "source": "test", "converted": "none", "inputs": (), "outputs": (),
            "family": family,
        }  # fmt: skip
        write_card(folder, Card.model_validate(card))
    return folder


def assert_same(one: Rendered, two: Rendered) -> None:
    assert one.result.window == two.result.window
    for name in ("over", "element", "matte"):
        assert np.array_equal(getattr(one.result, name), getattr(two.result, name)), name
    assert one.result.layers.keys() == two.result.layers.keys()
    for name, layer in one.result.layers.items():
        assert np.array_equal(layer, two.result.layers[name]), name
    assert (one.key, one.result.notes, one.result.attributes) == (two.key, two.result.notes, two.result.attributes)
