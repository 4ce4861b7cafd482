"""Renders with per-frame values, a cache, and at a proxy: the same pixels, and nothing made twice that need not be."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.color import ColorConfig
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.face import FaceFinder
from faceplate.face.align import resample
from faceplate.generators import Crop, Generated, MeshGenerator
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import Card, ModelStore
from faceplate.models.card import write_card
from faceplate.models.store import EMBEDDED, digest
from faceplate.render import Rendered, Renderer
from faceplate.render.batch import render_frames
from faceplate.render.resources import RenderResources
from faceplate.render.stages import KINDS
from faceplate.shot import Policy, load_shot
from faceplate.shot.parameters import PARAMETERS, Parameter, Stage
from plates import read_file, write_plate

Still = Callable[[str], Frame]
SIDE, BIG = 260, 716
AFTER_GENERATING = (Stage.MATTE, Stage.MATCH, Stage.ELEMENT, Stage.WRITE)
# A value other than the default's for every parameter that has no range, or that needs a file.
OTHERS = {
    "window": "plate",
    "target": "largest", "generator": "null", "dfm_mattes": "face", "restorer": "sharper", "mouth": "plate", "eyes": "plate",
    "pins": "front.jpg@1001", "network_view": "sRGB - Display/ACES 1.0 - SDR Video", "keep_regions": "eyes",
    "holdout_matte": "matte.exr",
    "garbage_matte": "matte.exr", "blend": "multiband", "layers": "all", "no_face": "pass", "occluder": "xseg", "parser": "parser",
    "detector": "yunet", "landmarker": "face_landmarker", "recogniser": "sface",
}  # fmt: skip


@dataclass
class Shoot:
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


@pytest.fixture(scope="module")
def shoot(tmp_path_factory: pytest.TempPathFactory) -> Shoot:
    folder = tmp_path_factory.mktemp("shoot")
    color = ColorConfig.load(environ={})
    from faceplate.color.reading import read_still
    from faceplate.demo import people_folder

    frame = read_still(people_folder() / "ada" / "front.jpg", color)
    rng = np.random.default_rng(3)
    for number, shift in ((1001, 0.0), (1002, 3.3), (1003, 6.1)):
        matrix = np.array([[0.25, 0, shift], [0, 0.25, 0]], np.float64)
        pixels = resample(frame.working(), frame.window, matrix, Window(0, 0, SIDE, SIDE))
        pixels = pixels + rng.normal(0, 1, pixels.shape).astype(np.float32) * np.sqrt(
            np.maximum(pixels, 0) * 4e-4 + 1e-6
        )
        write_plate(folder / f"plate.{number}.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    matrix = np.array([[0.7, 0, 0], [0, 0.7, 0]], np.float64)
    pixels = resample(frame.working(), frame.window, matrix, Window(0, 0, BIG, BIG))
    write_plate(folder / "big.1001.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    matte = np.zeros((SIDE, SIDE, 3), np.float32)
    matte[:, 110:150] = 1
    write_plate(folder / "matte.exr", matte, "half")
    (folder / "source").mkdir()
    shutil.copy(person("bea") / "front.jpg", folder / "source")
    return Shoot(folder, FaceFinder(ModelStore((_networks(folder / "models"), EMBEDDED))))


def _networks(folder: Path) -> Path:
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


def assert_same(one: Rendered, two: Rendered) -> None:
    assert one.swapped.window == two.swapped.window
    for name in ("over", "element", "matte"):
        assert np.array_equal(getattr(one.swapped, name), getattr(two.swapped, name)), name
    assert one.swapped.layers.keys() == two.swapped.layers.keys()
    for name, layer in one.swapped.layers.items():
        assert np.array_equal(layer, two.swapped.layers[name]), name
    assert (one.key, one.swapped.notes, one.swapped.attributes) == (two.key, two.swapped.notes, two.swapped.attributes)


def other_value(parameter: Parameter, shoot: Shoot) -> Any:
    if parameter.name in ("holdout_matte", "garbage_matte"):
        return str(shoot.folder / OTHERS[parameter.name])
    if parameter.name in OTHERS:
        return OTHERS[parameter.name]
    assert parameter.minimum is not None and parameter.maximum is not None
    low, high = float(parameter.minimum), min(float(parameter.maximum), 4.0)
    value = low + 0.35 * (high - low) if parameter.kind is float else int(low) + 1
    return value if value != parameter.default else high


# Values by frame ----------------------------------------------------------------------------------------------------


def test_every_frame_has_its_values_alone_in_any_order_and_opens_nothing_again(
    shoot: Shoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    own = RenderResources._once

    def once(self: RenderResources, name: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        return own(self, name, make if name[0] == "mark" else lambda: (opened.append(str(name)), make())[1])

    monkeypatch.setattr(RenderResources, "_once", once)
    document = {
        "parameters": {
            "restorer": "sharper", "restore_amount": {"keys": [[1001, 0.0], [1003, 1.0]]},
            "shape": {"keys": [[1001, 0.0, "smooth"], [1003, 1.0]]}, "light_luminance": {"keys": [[1001, 1.0], [1003, 0.2]]},
        },
        "overrides": [{"frames": "1002", "parameters": {"grain": 0.0, "mouth": "plate"}}],
    }  # fmt: skip
    whole = shoot.renderer(**document)
    whole.prepare()
    before = len(opened)
    run = {frame: whole.render(frame) for frame in (1003, 1001, 1002)}
    assert len(opened) == before, "what varies from frame to frame opens nothing"
    assert sum("restorer" in name for name in opened) == 1
    assert run[1002].parameters.restore_amount == 0.5 and run[1002].parameters.mouth == "plate"
    assert_same(shoot.renderer(**document).render(1002), run[1002])
    constants = run[1003].parameters.model_dump()
    assert_same(shoot.renderer(parameters=constants).render(1003), run[1003])
    assert_same(shoot.renderer().render(1003, values=constants), run[1003])
    made = json.loads(str(whole.attributes(run[1002].parameters)["faceplate:parameters"]))
    assert made["grain"] == 0.0 and made["shape"] == 0.5


def test_a_networks_keyed_values_open_it_once(shoot: Shoot) -> None:
    values = {"generator": "actor", "morph": {"keys": [[1001, 0.0], [1002, 1.0]]}, "restorer": "sharper"}
    renderer = shoot.renderer(memory(), parameters=values)
    renderer.prepare()
    networks = renderer.networks
    run = {frame: renderer.render(frame) for frame in (1001, 1002)}
    assert [network.card.name for network in networks] == ["actor", "sharper"] and renderer.networks == networks
    assert all(one is two for one, two in zip(networks, renderer.networks, strict=True))
    other = renderer.render(1001, values={"morph": 0.9})
    assert not np.array_equal(other.swapped.element, run[1001].swapped.element)
    assert_same(shoot.renderer(parameters=values).render(1002), run[1002])


def test_frames_in_flight_share_a_cache(shoot: Shoot) -> None:
    files = {}
    for name, cache in (("bare", None), ("kept", memory())):
        renderer = shoot.renderer(cache, output=f"{name}/o.####.exr")
        renderer.prepare()
        for turn in range(2 if cache else 1):
            done = list(render_frames(renderer, renderer.frames(), ahead=4))
            assert [item.frame for item in done] == [1001, 1002, 1003] and not any(item.error for item in done), turn
        files[name] = [read_file(shoot.folder / name / f"o.{frame}.exr")[0] for frame in renderer.frames()]
        if cache:
            assert cache.counts.computed["generate"] == 3 and cache.counts.memory["generate"] == 3
    assert all(np.array_equal(bare, kept) for bare, kept in zip(files["bare"], files["kept"], strict=True))


def test_a_hosts_wrong_value_is_named(shoot: Shoot) -> None:
    for values in ({"grain": 9}, {"grian": 1}, {"blend": "soft"}):
        with pytest.raises(UsageError) as refused:
            shoot.renderer().render(1001, values=values)
        assert refused.value.code == "bad-value" and next(iter(values)) in str(refused.value)


# The cache ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warm(shoot: Shoot) -> Renderer:
    renderer = shoot.renderer(memory(), parameters={"layers": "matte"})
    renderer.render(1001)
    return renderer


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_a_parameter_runs_again_what_it_says_and_the_pixels_are_those_without_a_cache(
    parameter: Parameter, shoot: Shoot, warm: Renderer, generated: list[str]
) -> None:
    values = {parameter.name: other_value(parameter, shoot)}
    warm.render(1001)
    generated.clear()
    counts = warm.cache.counts.computed
    counts.clear()
    tweaked = warm.render(1001, values=values)
    if parameter.about.invalidates in AFTER_GENERATING:
        assert not generated, f"{parameter.name} may not run the generator"
        assert counts["generate"] == counts["find"] == counts["look"] == 0
    if parameter.about.invalidates in (Stage.ELEMENT, Stage.WRITE):
        assert not counts, "nothing that is kept depends on it"
    if parameter.name in ("matte_erode", "matte_feather", "blend", "blend_amount", "blend_reach"):
        assert set(counts) <= {"matched"}
    if parameter.name.startswith("light_") or parameter.name == "enhance":
        assert set(counts) <= {"light", "lit", "matched"}
    if parameter.name in ("light_luminance", "light_color"):
        assert "light" not in counts
    if parameter.name in ("forehead", "edge_jaw", "edge_right", "edge_left"):
        assert set(counts) <= {"coverage", "matched"}
    if parameter.name in ("shape", "mouth", "eyes", "pins"):
        assert len(generated) == counts["generate"] == 1 and counts["find"] == 0
    elif parameter.about.invalidates in (Stage.GENERATE, Stage.RESTORE) and parameter.name not in (
        "generator",
        "restorer",
    ):
        assert not counts, "mesh alone reads nothing of it"
    assert_same(shoot.renderer(parameters={"layers": "matte"}).render(1001, values=values), tweaked)
    assert_same(warm.render(1001, values=values), tweaked)


def test_the_restorers_amount_never_runs_the_generator(shoot: Shoot, generated: list[str]) -> None:
    renderer = shoot.renderer(memory(), parameters={"restorer": "sharper"})
    renderer.render(1001)
    assert len(generated) == 1
    tweaked = renderer.render(1001, values={"restore_amount": 0.3})
    assert len(generated) == 1
    assert_same(
        shoot.renderer(parameters={"restorer": "sharper"}).render(1001, values={"restore_amount": 0.3}), tweaked
    )
    renderer.render(1001, values={"shape": 0.3})
    assert len(generated) == 3


def test_nothing_turned_moves_what_is_read(shoot: Shoot, warm: Renderer) -> None:
    """The region that is read holds the hull at every extreme, so that the generator's key never changes."""
    hull = [
        parameter for parameter in PARAMETERS if parameter.name in ("forehead", "edge_jaw", "edge_right", "edge_left")
    ]
    warm.cache.counts.computed.clear()
    for end in ("minimum", "maximum"):
        warm.render(1001, values={parameter.name: getattr(parameter, end) for parameter in hull})
    assert warm.cache.counts.computed["generate"] == warm.cache.counts.computed["look"] == 0


def test_the_disk_serves_another_process_and_other_inputs_do_not_match(
    shoot: Shoot, tmp_path: Path, generated: list[str]
) -> None:
    def cached() -> StageCache:
        return StageCache(CacheSettings(1 << 29, tmp_path / "cache", 1 << 29), KINDS)

    first = shoot.renderer(cached()).render(1001)
    assert len(generated) == 1
    again = shoot.renderer(cached(), parameters={"matte_feather": 0.1})
    assert_same(again.render(1001, values={"matte_feather": 0.045}), first)
    assert len(generated) == 1 and again.cache.counts.disk["generate"] == 1
    for path in (tmp_path / "cache").glob("??/*"):
        path.write_bytes(path.read_bytes()[:-40])
    assert_same(shoot.renderer(cached()).render(1001), first)
    assert len(generated) == 2
    shoot.renderer(cached()).render(1002)
    shoot.renderer(cached(), working="ACES2065-1").render(1001)
    assert len(generated) == 4


# Keys ---------------------------------------------------------------------------------------------------------------


def test_a_frames_key_follows_all_that_its_pixels_depend_on(shoot: Shoot, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(shoot.folder, folder)  # copytree keeps the times
    here, moved = shoot.renderer(), replace(shoot, folder=folder).renderer()
    key = here.key(1001)
    assert len(key) == 32 and int(key, 16) >= 0
    assert here.render(1001).key == key == moved.key(1001), "the place of the files does not matter"
    assert shoot.renderer(parameters={"grain": {"keys": [[1001, 1.0], [1002, 0.5]]}}).key(1001) == key
    others = {
        "frame": here.key(1002), "value": here.key(1001, {"grain": 0.5}), "proxy": here.key(1001, proxy=2),
        "mode": shoot.renderer(mode="over").key(1001), "space": shoot.renderer(space="ACES2065-1").key(1001),
        "working": shoot.renderer(working="ACES2065-1").key(1001), "person": shoot.renderer(person="b").key(1001),
        "holdout_matte": here.key(1001, {"holdout_matte": str(shoot.folder / "matte.exr")}),
        "search": shoot.renderer(search=[0, 0, SIDE - 1, SIDE]).key(1001),
    }  # fmt: skip
    os.utime(folder / "plate.1001.exr")
    others["plate"] = moved.key(1001)
    shutil.copy(
        person("bea") / "left.jpg" if (person("bea") / "left.jpg").exists() else _another("bea"),
        folder / "source" / "z.jpg",
    )
    shutil.copystat(shoot.folder / "plate.1001.exr", folder / "plate.1001.exr")
    others["source"] = replace(shoot, folder=folder).renderer().key(1001)
    assert len({key, *others.values()}) == len(others) + 1


def _another(name: str) -> Path:
    return next(path for path in sorted(person(name).glob("*.jpg")) if path.name != "front.jpg")


def test_the_key_stands_in_every_written_frame(shoot: Shoot) -> None:
    for mode in ("element", "over"):
        renderer = shoot.renderer(mode=mode, output=f"keys/{mode}.####.exr", frames="1001")
        renderer.prepare()
        renderer.write(renderer.render(1001))
        spec = read_file(shoot.folder / "keys" / f"{mode}.1001.exr")[1]
        assert spec.getattribute("faceplate:key") == renderer.key(1001)


# Proxies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proxy", [2, 4])
def test_a_proxy_agrees_with_the_full_render_reduced(shoot: Shoot, proxy: int) -> None:
    """On a face of 290 pixels: on average within 5 % of the face's light, the matte within 1.5 % of its area a step."""
    renderer = shoot.renderer(mode="over", plate="big.####.exr")
    full, small = renderer.render(1001), renderer.render(1001, proxy=proxy)
    size = (BIG // proxy, BIG // proxy)
    assert small.file.data == Window(0, 0, *size)
    wanted = cv2.resize(renderer.over_picture(full), size, interpolation=cv2.INTER_AREA)
    got = renderer.over_picture(small)
    matte, ours = np.zeros((BIG, BIG), np.float32), np.zeros(size, np.float32)
    matte[full.swapped.window.slices(full.file.data)] = full.swapped.matte
    matte = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    ours[small.swapped.window.slices(small.file.data)] = small.swapped.matte
    assert full.face is not None
    away = np.abs(got - wanted)[(matte > 0) | (ours > 0)].mean() / full.face.level
    assert away < 0.05, away
    assert np.abs(ours - matte).sum() / matte.sum() < 0.015 * proxy
    outside = (matte == 0) & (ours == 0)
    assert np.allclose(got[outside], wanted[outside], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["element", "over"])
def test_a_proxy_is_written_with_its_own_windows(shoot: Shoot, mode: str) -> None:
    renderer = shoot.renderer(mode=mode, output=f"proxy/{mode}.####.exr", frames="1001")
    renderer.prepare()
    rendered = renderer.render(1001, proxy=4)
    renderer.write(rendered)
    pixels, spec = read_file(shoot.folder / "proxy" / f"{mode}.1001.exr")
    assert (spec.full_width, spec.full_height) == (SIDE // 4, SIDE // 4)
    assert spec.getattribute("faceplate:proxy") == 4 and spec.getattribute("faceplate:key") == renderer.key(
        1001, proxy=4
    )
    window = rendered.file.data if mode == "over" else rendered.swapped.window
    assert pixels.shape[:2] == (window.height, window.width) and (spec.x, spec.y) == (window.x, window.y)


def test_grain_in_means_of_blocks_is_as_reckoned() -> None:
    from faceplate.comp.grain import Grain, reduced_grain, synthesise_grain

    kernel = np.zeros((3, 7, 7), np.float32)
    kernel[:, 2:5, 2:5] = np.outer([1, 2, 1], [1, 2, 1]) / 16
    kernel /= np.linalg.norm(kernel[0])
    grain = Grain(np.full(3, 0.01), np.full(3, 1e-4), kernel, np.eye(3, dtype=np.float32))
    noise = synthesise_grain(grain, np.full((512, 512, 3), 0.5, np.float32), Window(0, 0, 512, 512), 1)
    for proxy in (2, 4, 8):
        means = cv2.resize(noise, (512 // proxy, 512 // proxy), interpolation=cv2.INTER_AREA)
        reckoned = reduced_grain(grain, proxy).variance(np.full((1, 1, 3), 0.5, np.float32))[0, 0]
        assert np.allclose(means.reshape(-1, 3).var(axis=0) / reckoned, 1, atol=0.1), proxy


def test_proxies_of_odd_windows_are_whole_block_means(tmp_path: Path) -> None:
    from faceplate.color.reading import proxy_file, read_proxy, reduced
    from faceplate.plate import PlateFile

    rng = np.random.default_rng(1)
    pixels = rng.random((31, 45, 3)).astype(np.float32)
    write_plate(tmp_path / "p.exr", pixels, "float", data=Window(-3, 5, 45, 31), display=Window(0, 0, 42, 40))
    file, color = PlateFile.open(tmp_path / "p.exr"), ColorConfig.load(environ={})
    small = proxy_file(file, 4)
    assert (small.data, small.display) == (Window(-1, 1, 12, 8), Window(0, 0, 11, 10))
    got = read_proxy(file, color, "ACEScg", small.data, 4)
    assert np.allclose(got.pixels[1, 1], pixels[3:7, 3:7].mean(axis=(0, 1)), atol=1e-6)
    part = read_proxy(file, color, "ACEScg", Window(2, 3, 5, 4), 4)
    assert np.array_equal(part.pixels, got.pixels[2:6, 3:8])
    assert reduced(file, Window(-2, 1, 1, 1), 4)[0, 0, 0] == 0
    with pytest.raises(UsageError, match="1, 2, 4 or 8"):
        proxy_file(file, 3)
