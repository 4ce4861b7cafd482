"""A generator that a caller gives is known to the cache by its cache identity: weights, source and settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from faceplate import Renderer, Shot
from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.face import Face, FaceFinder
from faceplate.face.align import crop_matrix
from faceplate.generators import Crop, CropTransform, Generated, Generator, MeshGenerator, MeshSettings, NullGenerator
from faceplate.generators.networks import FAMILIES, DfmGenerator, NetworkGenerator
from faceplate.generators.restorers import Restored, Restorer
from faceplate.image.window import Window
from faceplate.models import ModelStore, open_network
from faceplate.shot import Policy
from faceplate.shot.parameters import Parameters
from faceplate.source import read_source
from stand_ins import FACE, make_store, write_noise_plate

PLAIN = Parameters(grain=0.0, occlusion=0.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore((make_store(tmp_path_factory.mktemp("identity") / "models"),))


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    folder = tmp_path_factory.mktemp("plate")
    write_noise_plate(folder / "p.1001.exr")
    return Shot(plate=f"{folder}/p.####.exr", parameters=PLAIN, policy=Policy(preview_slate=False))


def network_of(store: ModelStore, actor: float) -> NetworkGenerator:
    """The same network with the source of another actor."""
    source = np.full((1, 512), actor, np.float32)
    return NetworkGenerator(FAMILIES["inswapper_128"], open_network(store, "swapper"), source)


def test_two_actors_of_one_network_never_share_a_result(store: ModelStore, shot: Shot) -> None:
    cache = StageCache(CacheSettings(1 << 28))
    actors = [network_of(store, 0.02), network_of(store, 0.5)]
    alone = [Renderer(shot, generator=actor).render(1001, FACE) for actor in actors]
    cached = [Renderer(shot, generator=actor, cache=cache).render(1001, FACE) for actor in actors]
    assert not np.array_equal(alone[0].result.element, alone[1].result.element)
    for one, two in zip(alone, cached, strict=True):
        assert np.array_equal(one.result.element, two.result.element)
    assert cached[0].key != cached[1].key


def test_the_same_actor_is_found_again_by_another_renderer(store: ModelStore, shot: Shot) -> None:
    cache = StageCache(CacheSettings(1 << 28))
    first = Renderer(shot, generator=network_of(store, 0.3), cache=cache).render(1001, FACE)
    second = Renderer(shot, generator=network_of(store, 0.3), cache=cache).render(1001, FACE)
    assert first.key == second.key and cache.counts.computed["generate"] == 1


def test_an_identity_changes_with_weights_source_and_settings(store: ModelStore) -> None:
    bea = read_source(person("bea"), ColorConfig.load(environ={}), FaceFinder.embedded())
    network, dfm = network_of(store, 0.3), DfmGenerator(open_network(store, "actor"))
    mesh, restorer = MeshGenerator(bea), Restorer(open_network(store, "sharper"))
    generators: list[Generator] = [
        network, replace(network, source=network.source + 1), replace(network, supersample=2), replace(network, identity=0.9),
        replace(network, network=open_network(store, "actor")), dfm, replace(dfm, morph=0.5), replace(dfm, mattes="face"),
        mesh, MeshGenerator(bea, MeshSettings(shape=0.5)), MeshGenerator(replace(bea, views=bea.views[:1])),
        NullGenerator(), NullGenerator(side=64), Restored(mesh, restorer), Restored(mesh, replace(restorer, amount=0.1)),
        Restored(dfm, restorer),
    ]  # fmt: skip
    identities = [generator.cache_identity() for generator in generators]  # type: ignore[attr-defined]
    assert all(identities) and len(set(identities)) == len(identities)
    assert replace(network).cache_identity() == network.cache_identity()


@dataclass(frozen=True)
class Own:
    """A studio's generator that does not say what its results depend on; `identity` is a number of its own."""

    add: float
    identity: float = 0.5
    encoding: str = "working"
    name: str = "own"
    weights: tuple[str, ...] = ()

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return CropTransform(crop_matrix(face.five, "ffhq_512", 64, pixel_aspect), Window(0, 0, 64, 64))

    def generate(self, crop: Crop) -> Generated:
        return Generated(crop.pixels + np.float32(self.add), np.ones(crop.pixels.shape[:2], np.float32))


def test_a_generator_without_an_identity_is_only_itself(store: ModelStore, shot: Shot) -> None:
    cache = StageCache(CacheSettings(1 << 28))
    first, second = (Renderer(shot, generator=Own(add), cache=cache) for add in (0.1, 0.2))  # type: ignore[arg-type]
    results = [renderer.render(1001, FACE) for renderer in (first, second, first)]
    assert results[0].key == results[2].key != results[1].key
    assert cache.counts.computed["generate"] == 2 and cache.counts.memory["generate"] == 1
    assert not np.array_equal(results[0].result.element, results[1].result.element)
    unknown = Restored(Own(0.1), Restorer(open_network(store, "sharper")))  # type: ignore[arg-type]
    assert unknown.cache_identity() == ""


def test_results_on_disk_are_those_of_the_right_actor(store: ModelStore, shot: Shot, tmp_path: Path) -> None:
    from faceplate.render.cache_types import KINDS

    def render(actor: float) -> tuple[np.ndarray, StageCache]:
        cache = StageCache(CacheSettings(1 << 28, tmp_path / "cache", 1 << 28), KINDS)
        return Renderer(shot, generator=network_of(store, actor), cache=cache).render(1001, FACE).result.element, cache

    first, _ = render(0.02)
    other, counted = render(0.5)
    again, found = render(0.02)
    assert not np.array_equal(first, other) and np.array_equal(first, again)
    assert counted.counts.computed["generate"] == 1 and found.counts.disk["generate"] == 1
