"""The renderer's cache: a changed parameter runs again what it says, and the pixels are those without a cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.demo import person
from faceplate.face.shape import pose_of, resting_shape
from faceplate.generators import Crop, Generated, MeshGenerator
from faceplate.render import Renderer, cache_keys
from faceplate.render.cache_types import KINDS
from faceplate.shot.parameters import PARAMETERS, Parameter, Stage
from plates import read_file
from three_frame_shot import ThreeFrameShot, assert_same, memory

SIDE, BIG = 260, 716
AFTER_GENERATING = (Stage.EXPRESSION, Stage.MATTE, Stage.MATCH, Stage.ELEMENT, Stage.WRITE)
# A value other than the default's for every parameter that has no range, or that needs a file.
OTHERS = {
    "window": "plate", "shutter": "0.5", "defocus": "2",
    "target": "largest", "generator": "null", "dfm_mattes": "face", "restorer": "sharper", "mouth": "plate", "eyes": "plate",
    "pins": "front.jpg@1001", "network_view": "sRGB - Display/ACES 1.0 - SDR Video", "keep_regions": "eyes",
    "holdout_matte": "matte.exr",
    "garbage_matte": "matte.exr", "blend": "multiband", "layers": "all", "no_face": "pass", "occluder": "xseg", "parser": "parser",
    "detector": "yunet", "landmarker": "face_landmarker", "recogniser": "sface",
}  # fmt: skip


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A line for every call of the mesh generator."""
    calls: list[str] = []
    own = MeshGenerator.generate

    def counted(self: MeshGenerator, crop: Crop) -> Generated:
        calls.append("mesh")
        return own(self, crop)

    monkeypatch.setattr(MeshGenerator, "generate", counted)
    yield calls


def other_value(parameter: Parameter, three_frames: ThreeFrameShot) -> Any:
    if parameter.name in ("holdout_matte", "garbage_matte"):
        return str(three_frames.folder / OTHERS[parameter.name])
    if parameter.name in OTHERS:
        return OTHERS[parameter.name]
    assert parameter.minimum is not None and parameter.maximum is not None
    low, high = float(parameter.minimum), min(float(parameter.maximum), 4.0)
    value = low + 0.35 * (high - low) if parameter.kind is float else int(low) + 1
    return value if value != parameter.default else high


# The cache ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warm(three_frames: ThreeFrameShot) -> Renderer:
    renderer = three_frames.renderer(memory(), parameters={"layers": "matte"})
    renderer.render(1001)
    return renderer


RUN_AGAIN = (
    (("matte_erode", "matte_feather", "blend"), {"matched"}),
    (("light_", "enhance"), {"light", "lit", "matched"}),
    (("match_",), {"expression", "light", "lit", "blur", "coverage", "matched"}),
    (("forehead", "edge_"), {"coverage", "matched"}),
    (("shutter", "motion_blur", "defocus"), {"blur", "coverage", "matched"}),
)
"""The stages that may run again, by the first letters of parameters' names."""


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_a_parameter_runs_again_what_it_says_and_the_pixels_are_those_without_a_cache(
    parameter: Parameter, three_frames: ThreeFrameShot, warm: Renderer, generated: list[str]
) -> None:
    values = {parameter.name: other_value(parameter, three_frames)}
    warm.render(1001)
    generated.clear()
    counts = warm.cache.counts.computed
    counts.clear()
    tweaked = warm.render(1001, values=values)
    if parameter.about.invalidates in AFTER_GENERATING:
        assert not generated, f"{parameter.name} may not run the generator"
        assert counts["generate"] == counts["find"] == counts["prepare"] == 0
    if parameter.about.invalidates in (Stage.ELEMENT, Stage.WRITE):
        assert not counts, "nothing that is kept depends on it"
    for names, stages in RUN_AGAIN:
        if parameter.name.startswith(names):
            assert set(counts) <= stages
    if parameter.name in ("light_luminance", "light_color"):
        assert "light" not in counts
    if parameter.name in ("shape", "mouth", "eyes", "pins") or parameter.name.startswith("dial_"):
        assert len(generated) == counts["generate"] == 1 and counts["find"] == 0
    elif parameter.about.invalidates in (Stage.GENERATE, Stage.RESTORE) and parameter.name not in (
        "generator",
        "restorer",
    ):
        assert not counts, "mesh alone reads nothing of it"
    assert_same(three_frames.renderer(parameters={"layers": "matte"}).render(1001, values=values), tweaked)
    assert_same(warm.render(1001, values=values), tweaked)


def test_the_restorers_amount_never_runs_the_generator(three_frames: ThreeFrameShot, generated: list[str]) -> None:
    renderer = three_frames.renderer(memory(), parameters={"restorer": "sharper"})
    renderer.render(1001)
    assert len(generated) == 1
    tweaked = renderer.render(1001, values={"restore_amount": 0.3})
    assert len(generated) == 1
    assert_same(
        three_frames.renderer(parameters={"restorer": "sharper"}).render(1001, values={"restore_amount": 0.3}), tweaked
    )
    renderer.render(1001, values={"shape": 0.3})
    assert len(generated) == 3


def test_nothing_turned_moves_what_is_read(three_frames: ThreeFrameShot, warm: Renderer) -> None:
    """The region that is read holds the hull at every extreme, so that the generator's key never changes."""
    hull = [
        parameter for parameter in PARAMETERS if parameter.name in ("forehead", "edge_jaw", "edge_right", "edge_left")
    ]
    warm.cache.counts.computed.clear()
    for end in ("minimum", "maximum"):
        warm.render(1001, values={parameter.name: getattr(parameter, end) for parameter in hull})
    assert warm.cache.counts.computed["generate"] == warm.cache.counts.computed["prepare"] == 0


def test_the_disk_serves_another_process_and_other_inputs_do_not_match(
    three_frames: ThreeFrameShot, tmp_path: Path, generated: list[str]
) -> None:
    def cached() -> StageCache:
        return StageCache(CacheSettings(1 << 29, tmp_path / "cache", 1 << 29), KINDS)

    first = three_frames.renderer(cached()).render(1001)
    assert len(generated) == 1
    again = three_frames.renderer(cached(), parameters={"matte_feather": 0.1})
    assert_same(again.render(1001, values={"matte_feather": 0.045}), first)
    assert len(generated) == 1 and again.cache.counts.disk["generate"] == 1
    for path in (tmp_path / "cache").glob("??/*"):
        path.write_bytes(path.read_bytes()[:-40])
    assert_same(three_frames.renderer(cached()).render(1001), first)
    assert len(generated) == 2
    three_frames.renderer(cached()).render(1002)
    three_frames.renderer(cached(), working="ACES2065-1").render(1001)
    assert len(generated) == 4


# Keys ---------------------------------------------------------------------------------------------------------------


def test_a_frames_key_follows_all_that_its_pixels_depend_on(three_frames: ThreeFrameShot, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(three_frames.folder, folder)  # copytree keeps the times
    here, moved = three_frames.renderer(), replace(three_frames, folder=folder).renderer()
    key = here.key(1001)
    assert len(key) == 32 and int(key, 16) >= 0
    assert here.render(1001).key == key == moved.key(1001), "the place of the files does not matter"
    assert three_frames.renderer(parameters={"grain": {"keys": [[1001, 1.0], [1002, 0.5]]}}).key(1001) == key
    others = {
        "frame": here.key(1002), "value": here.key(1001, {"grain": 0.5}), "proxy": here.key(1001, proxy=2),
        "mode": three_frames.renderer(mode="over").key(1001), "space": three_frames.renderer(space="ACES2065-1").key(1001),
        "working": three_frames.renderer(working="ACES2065-1").key(1001), "person": three_frames.renderer(person="b").key(1001),
        "holdout_matte": here.key(1001, {"holdout_matte": str(three_frames.folder / "matte.exr")}),
        "search": three_frames.renderer(search=[0, 0, SIDE - 1, SIDE]).key(1001),
    }  # fmt: skip
    os.utime(folder / "plate.1001.exr")
    others["plate"] = moved.key(1001)
    shutil.copy(
        person("bea") / "left.jpg" if (person("bea") / "left.jpg").exists() else _another("bea"),
        folder / "source" / "z.jpg",
    )
    shutil.copystat(three_frames.folder / "plate.1001.exr", folder / "plate.1001.exr")
    others["source"] = replace(three_frames, folder=folder).renderer().key(1001)
    assert len({key, *others.values()}) == len(others) + 1


def test_a_frame_of_other_code_is_not_current(three_frames: ThreeFrameShot, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for code in ("as it was", "changed", "as it was"):
        monkeypatch.setattr(cache_keys, "code_mark", lambda code=code: code)
        keys.append(three_frames.renderer().key(1001))
    assert keys[0] == keys[2] != keys[1]


def _another(name: str) -> Path:
    return next(path for path in sorted(person(name).glob("*.jpg")) if path.name != "front.jpg")


def test_the_performers_shape_at_rest_is_a_part_of_the_keys(three_frames: ThreeFrameShot) -> None:
    """With a cache the pixels still follow it."""
    renderer = three_frames.renderer(memory())
    face = renderer.locate(1001).target.face
    assert face is not None
    narrow = pose_of(face.points).canonical * (0.9, 1.0, 1.0)
    known = replace(face, rest=resting_shape([narrow]))
    assert renderer.locate(1001, face).key != renderer.locate(1001, known).key
    first, second = (renderer.render(1001, one).result for one in (face, known))
    assert first.window != second.window or not np.array_equal(first.over, second.over)


def test_the_key_stands_in_every_written_frame(three_frames: ThreeFrameShot) -> None:
    for mode in ("element", "over"):
        renderer = three_frames.renderer(mode=mode, output=f"keys/{mode}.####.exr", frames="1001")
        renderer.prepare()
        renderer.write(renderer.render(1001))
        spec = read_file(three_frames.folder / "keys" / f"{mode}.1001.exr")[1]
        assert spec.getattribute("faceplate:key") == renderer.key(1001)
