"""Resources are opened once for each name, also from several threads and by several renderers of one shot."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from faceplate import Renderer, Shot
from faceplate.cache import NO_CACHE
from faceplate.demo import person
from faceplate.generators import MeshGenerator
from faceplate.render.pool import ResourcePool
from faceplate.service.shots import OpenShot
from faceplate.service.watch import ConfigWatch, StoreWatch
from faceplate.shot.parameters import Parameters
from stand_ins import write_noise_plate


def test_threads_that_ask_at_once_open_a_resource_once() -> None:
    pool, opened, start = ResourcePool(), [], threading.Barrier(4)

    def make() -> object:
        time.sleep(0.02)
        opened.append(1)
        return object()

    def ask(_: int) -> object:
        start.wait(10)
        return pool.get(("network", "a"), make)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, range(4)))) == 1
    assert opened == [1] and pool.opened(("network", "b")) is None


def test_a_resource_that_cannot_be_opened_is_asked_for_again() -> None:
    pool = ResourcePool()
    with pytest.raises(OSError):
        pool.get(("source",), lambda: (_ for _ in ()).throw(OSError()).__next__())
    assert pool.opened(("source",)) is None and pool.get(("source",), lambda: 3) == 3 == pool.opened(("source",))


def test_renderers_of_one_open_shot_share_colour_and_networks_until_a_file_changes(tmp_path: Path) -> None:
    write_noise_plate(tmp_path / "p.1001.exr")
    shot = Shot(plate=f"{tmp_path}/p.####.exr", parameters=Parameters(generator="null"), source=tmp_path / "bea")
    opened = OpenShot("key", cast(Any, None), shot, StoreWatch(), ConfigWatch(), NO_CACHE)
    one, two = opened.renderer("a.####.exr"), opened.renderer("b.####.exr", "over")
    assert one is not two and one is opened.renderer("a.####.exr")
    assert one.color is two.color
    assert one.resources.finder(shot.parameters) is two.resources.finder(shot.parameters)
    (tmp_path / "bea").mkdir()
    three = opened.renderer("a.####.exr")
    assert three is not one and three.color is not one.color


def test_a_renderer_by_itself_shares_nothing(tmp_path: Path) -> None:
    shot = Shot(plate=f"{tmp_path}/p.####.exr")
    assert Renderer(shot).color is not Renderer(shot).color


def test_frames_with_other_values_share_the_sources_reduced_textures(tmp_path: Path) -> None:
    write_noise_plate(tmp_path / "p.1001.exr")
    shot = Shot(plate=str(tmp_path / "p.####.exr"), source=person("bea"), output=str(tmp_path / "o.####.exr"))
    resources = Renderer(shot).resources
    first, second = (resources.generator(Parameters(shape=shape)) for shape in (1.0, 0.5))
    assert isinstance(first, MeshGenerator) and isinstance(second, MeshGenerator)
    assert first.sizes is second.sizes
