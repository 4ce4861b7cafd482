"""Values by frame: each frame has its own, alone and in any order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faceplate.errors import UsageError
from faceplate.render.batch import render_frames
from faceplate.render.pool import ResourcePool
from plates import read_file
from three_frame_shot import ThreeFrameShot, assert_same, memory


def test_every_frame_has_its_values_alone_in_any_order_and_opens_nothing_again(
    three_frames: ThreeFrameShot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    own = ResourcePool.get

    def once(self: ResourcePool, name: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        return own(self, name, make if name[0] == "cache identity" else lambda: (opened.append(str(name)), make())[1])

    monkeypatch.setattr(ResourcePool, "get", once)
    document = {
        "parameters": {
            "restorer": "sharper", "restore_amount": {"keys": [[1001, 0.0], [1003, 1.0]]},
            "shape": {"keys": [[1001, 0.0, "smooth"], [1003, 1.0]]}, "light_luminance": {"keys": [[1001, 1.0], [1003, 0.2]]},
        },
        "overrides": [{"frames": "1002", "parameters": {"grain": 0.0, "mouth": "plate"}}],
    }  # fmt: skip
    whole = three_frames.renderer(**document)
    whole.prepare()
    before = len(opened)
    run = {frame: whole.render(frame) for frame in (1003, 1001, 1002)}
    assert len(opened) == before, "what varies from frame to frame opens nothing"
    assert sum("restorer" in name for name in opened) == 1
    assert run[1002].parameters.restore_amount == 0.5 and run[1002].parameters.mouth == "plate"
    assert_same(three_frames.renderer(**document).render(1002), run[1002])
    constants = run[1003].parameters.model_dump()
    assert_same(three_frames.renderer(parameters=constants).render(1003), run[1003])
    assert_same(three_frames.renderer().render(1003, values=constants), run[1003])
    made = json.loads(str(whole.attributes(run[1002].parameters)["faceplate:parameters"]))
    assert made["grain"] == 0.0 and made["shape"] == 0.5


def test_a_networks_keyed_values_open_it_once(three_frames: ThreeFrameShot) -> None:
    values = {"generator": "actor", "morph": {"keys": [[1001, 0.0], [1002, 1.0]]}, "restorer": "sharper"}
    renderer = three_frames.renderer(memory(), parameters=values)
    renderer.prepare()
    networks = renderer.networks
    run = {frame: renderer.render(frame) for frame in (1001, 1002)}
    assert [network.card.name for network in networks] == ["actor", "sharper"] and renderer.networks == networks
    assert all(one is two for one, two in zip(networks, renderer.networks, strict=True))
    other = renderer.render(1001, values={"morph": 0.9})
    assert not np.array_equal(other.result.element, run[1001].result.element)
    assert_same(three_frames.renderer(parameters=values).render(1002), run[1002])


def test_frames_in_flight_share_a_cache(three_frames: ThreeFrameShot) -> None:
    files = {}
    for name, cache in (("bare", None), ("kept", memory())):
        renderer = three_frames.renderer(cache, output=f"{name}/o.####.exr")
        renderer.prepare()
        for turn in range(2 if cache else 1):
            done = list(render_frames(renderer, renderer.frames(), ahead=4))
            assert [item.frame for item in done] == [1001, 1002, 1003] and not any(item.error for item in done), turn
        files[name] = [read_file(three_frames.folder / name / f"o.{frame}.exr")[0] for frame in renderer.frames()]
        if cache:
            assert cache.counts.computed["generate"] == 3 and cache.counts.memory["generate"] == 3
    assert all(np.array_equal(bare, kept) for bare, kept in zip(files["bare"], files["kept"], strict=True))


def test_a_hosts_wrong_value_is_named(three_frames: ThreeFrameShot) -> None:
    for values in ({"grain": 9}, {"grian": 1}, {"blend": "soft"}):
        with pytest.raises(UsageError) as refused:
            three_frames.renderer().render(1001, values=values)
        assert refused.value.code == "bad-value" and next(iter(values)) in str(refused.value)
