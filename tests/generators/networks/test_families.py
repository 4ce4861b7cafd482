"""Swap families: templates, source inputs, recipes and what comes out of the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

import onnx_graphs as graphs
from faceplate.color import ColorConfig
from faceplate.errors import FaceplateError
from faceplate.face.align import TEMPLATES, apply
from faceplate.generators.interface import Crop
from faceplate.generators.networks import FAMILIES, NetworkGenerator, needs_source, network_generator
from faceplate.generators.networks.source_inputs import weighted
from faceplate.generators.restorers import open_restorer
from faceplate.image.window import Window
from faceplate.models import ModelStore
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.shot import Policy, Shot
from faceplate.shot.parameters import Parameters
from network_scene import (
    POINTS,
    crop_of,
    frontal_head,
    plain_matrix,
    source_of,
    source_view,
    with_five,
    write_network_card,
)

# The network's own pixels on the plate: no light, blend, grain or occlusion after it.
PLAIN = Parameters(blend="none", light_luminance=0.0, light_color=0.0, light_highlights=0.0, grain=0.0, occlusion=0.0)
RNG = np.random.default_rng(5)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# name: side, template's five points in pixels of the side, (mean, std), what comes out of v, latent
RECIPES = {
    "inswapper_128": (128, "arcface_128", ((0.0,) * 3, (1.0,) * 3), lambda v: np.clip(v, 0, 1)),
    "hyperswap_256": (256, "arcface_128", ((0.5,) * 3, (0.5,) * 3), lambda v: v / 2 + 0.5),
    "ghost_256": (256, "arcface_112_v1", ((0.5,) * 3, (0.5,) * 3), lambda v: v / 2 + 0.5),
    "simswap_256": (256, "arcface_112_v1", IMAGENET, lambda v: v),
    "simswap_512": (512, "arcface_112_v1", ((0.0,) * 3, (1.0,) * 3), lambda v: v),
    "hififace_256": (256, "mtcnn_512", ((0.5,) * 3, (0.5,) * 3), lambda v: v / 2 + 0.5),
    "blendswap_256": (256, "ffhq_512", ((0.0,) * 3, (1.0,) * 3), lambda v: v),
    "uniface_256": (256, "ffhq_512", ((0.5,) * 3, (0.5,) * 3), lambda v: v / 2 + 0.5),
}


GAINS, OFFSETS, MIX = (0.9, 0.7, 0.5), (0.02, 0.05, 0.08), 0.5
CONVERTED = {"ghost_256": "ghost", "simswap_256": "simswap", "simswap_512": "simswap", "hififace_256": "hififace"}


def helpers(folder: Path) -> dict[str, np.ndarray]:
    """ArcFace and the three converters in the store, and their matrices."""
    graphs.recogniser(folder / "r50.onnx")
    write_network_card(folder, "r50", "arcface_w600k_r50", "identity")
    matrices = {}
    for index, name in enumerate(("ghost", "simswap", "hififace")):
        matrices[name] = np.random.default_rng(index).normal(0, 0.05, (512, 512)).astype(np.float32)
        graphs.converter(folder / f"cross_{name}.onnx", matrices[name], 0.1 * (index + 1))
        write_network_card(folder, f"cross_{name}", f"crossface_{name}", "converter")
    return matrices


@pytest.fixture(scope="module")
def network_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """A store with one probing network of every family, ArcFace and the converters; the matrices by name."""
    folder = tmp_path_factory.mktemp("zoo")
    matrices = helpers(folder)
    matrices["emap"] = np.random.default_rng(9).normal(0, 0.05, (512, 512)).astype(np.float32)
    for name, family in FAMILIES.items():
        picture = family.picture[1] if family.picture else 512
        emap = matrices["emap"] if name == "inswapper_128" else None
        graphs.swap(
            folder / f"{name}.onnx", family.side, source=picture, gains=GAINS, offsets=OFFSETS, mix=MIX, emap=emap,
            mask=name == "hyperswap_256",
        )  # fmt: skip
        write_network_card(folder, name, name)
    return folder, matrices


def expected_source(name: str, raw: np.ndarray, matrices: dict[str, np.ndarray]) -> np.ndarray:
    """The published source preparations, written down again."""
    if name == "inswapper_128":
        return np.dot(raw.reshape(1, 512), matrices["emap"])[0] / np.sqrt((raw**2).sum())
    if name == "hyperswap_256":
        return raw / np.sqrt((raw**2).sum())
    kind = CONVERTED[name]
    moved = raw @ matrices[kind] + 0.1 * (["ghost", "simswap", "hififace"].index(kind) + 1)
    return moved if kind == "ghost" else moved / np.sqrt((moved**2).sum())


# Swap families ------------------------------------------------------------------------------------------------------


def test_templates_are_the_published_ones() -> None:
    assert set(POINTS) == set(TEMPLATES)
    for name, points in POINTS.items():
        assert np.abs(TEMPLATES[name] - points).max() < 1e-12, name


@pytest.mark.parametrize("name", RECIPES)
def test_family_recipe(name: str, network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    folder, matrices = network_store
    side, template, (mean, std), back = RECIPES[name]
    views = (source_view(color), source_view(color, (180, 220)))
    generator = network_generator(ModelStore((folder,)), name, source_of(*views))
    assert isinstance(generator, NetworkGenerator)
    face = frontal_head((500.0, 400.0), 90.0)
    transform = generator.frame(face, 1.0)
    assert transform.window == Window(0, 0, side, side)
    assert np.abs(transform.matrix - plain_matrix(face.five, template, side)).max() < 1e-8

    pixels = RNG.uniform(-0.1, 1.3, (side, side, 3)).astype(np.float32)
    made = generator.generate(Crop(pixels, transform, face.moved(face.points)))
    if name in ("blendswap_256", "uniface_256"):
        told_template, told_side = ("arcface_112_v2", 112) if name == "blendswap_256" else ("ffhq_512", 256)
        told = crop_of(views[0], told_template, told_side).mean(axis=(0, 1))
    else:
        raw = np.mean([graphs.block_means(crop_of(view, "arcface_112_v2", 112) * 2 - 1) for view in views], axis=0)
        told = expected_source(name, raw, matrices)[5:8]
    normal = (pixels - np.array(mean)) / np.array(std)
    wanted = back(normal * np.array(GAINS) + np.array(OFFSETS) + MIX * told)
    assert made.pixels.dtype == np.float32 and made.pixels.flags["C_CONTIGUOUS"]
    assert np.abs(made.pixels - wanted).max() < 1e-4
    assert np.abs(MIX * told).max() > 2e-3  # a wrong source would be seen


@pytest.mark.parametrize("name", ["inswapper_128", "hyperswap_256", *CONVERTED])
def test_source_input_is_the_published_one(
    name: str, network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig
) -> None:
    folder, matrices = network_store
    view = source_view(color)
    generator = network_generator(ModelStore((folder,)), name, source_of(view))
    assert isinstance(generator, NetworkGenerator)
    raw = graphs.block_means(crop_of(view, "arcface_112_v2", 112) * 2 - 1)
    wanted = expected_source(name, raw, matrices)
    assert generator.source.shape == (1, 512) and generator.source.dtype == np.float32
    assert np.abs(generator.source[0] - wanted).max() < 1e-4
    length = float(np.linalg.norm(generator.source))
    assert (abs(length - 1) < 1e-5) == (name not in ("inswapper_128", "ghost_256"))
    assert "r50" in generator.weights and (f"cross_{CONVERTED.get(name)}" in generator.weights) == (name in CONVERTED)


def test_source_picture_is_shown_whole(network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    view = source_view(color)
    for name, template, side in (("blendswap_256", "arcface_112_v2", 112), ("uniface_256", "ffhq_512", 256)):
        generator = network_generator(ModelStore((network_store[0],)), name, source_of(view))
        assert isinstance(generator, NetworkGenerator)
        wanted = crop_of(view, template, side).transpose(2, 0, 1)[None]
        assert np.abs(generator.source - wanted).max() < 2e-4  # OpenCV's own bilinear steps of 1/32 pixel


def test_emap_is_the_last_matrix_however_it_is_stored(tmp_path: Path) -> None:
    emap = RNG.normal(size=(512, 512)).astype(np.float32)
    from faceplate.models.graph import read_graph

    for raw in (True, False):
        path = graphs.swap(tmp_path / f"in{raw}.onnx", 128, emap=emap, emap_raw=raw)
        assert np.array_equal(read_graph(path).last_initializer((512, 512)), emap)


def test_identity_weight(network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    folder, matrices = network_store
    view = source_view(color)
    store, source = ModelStore((folder,)), source_of(view)
    face = frontal_head((64.0, 62.0), 30.0)
    neutral = network_generator(store, "inswapper_128", source)
    assert isinstance(neutral, NetworkGenerator)
    transform = neutral.frame(face, 1.0)
    # The crop's statistics are the target's embedding: a constant crop has a constant one, so its direction is known.
    crop = Crop(
        np.full((128, 128, 3), 0.75, np.float32), transform, with_five(face, apply(transform.matrix, face.five))
    )
    target = np.full(512, 1 / np.sqrt(512), np.float32)
    for weight, w in ((0.0, 0.35), (0.25, 0.175), (0.5, 0.0), (1.0, -0.35)):
        moved = replace(neutral, identity=weight)
        told = ((1 - w) * neutral.source[0] + w * target)[5:8]
        wanted = np.clip(0.75 * np.array(GAINS) + np.array(OFFSETS) + MIX * told, 0, 1)
        assert np.abs(moved.generate(crop).pixels[64, 64] - wanted).max() < 1e-5
    assert np.array_equal(weighted(neutral.source, target, 0.5), neutral.source)
    for name in ("blendswap_256", "inswapper_128"):  # what is given a picture has no numbers to weigh, and says so
        asked = network_generator(store, name, source, identity=0.2)
        assert isinstance(asked, NetworkGenerator)
        transform = asked.frame(face, 1.0)
        side = transform.window.width
        asked.generate(
            Crop(
                np.full((side, side, 3), 0.75, np.float32),
                transform,
                with_five(face, apply(transform.matrix, face.five)),
            )
        )
        assert any("does nothing" in note for note in asked.network.notes) == (name == "blendswap_256")
    assert np.abs(matrices["emap"]).max() > 0


def test_supersampling_stops_at_1024(network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    source = source_of(source_view(color))
    for name, most in (("inswapper_128", 8), ("ghost_256", 4), ("simswap_512", 2)):
        assert network_generator(ModelStore((network_store[0],)), name, source, supersample=most).name == name
        for wrong in (0, most + 1):
            with pytest.raises(FaceplateError) as refusal:
                network_generator(ModelStore((network_store[0],)), name, source, supersample=wrong)
            assert refusal.value.code == "bad-supersample"


def test_coverage_ends_at_the_crop(network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    generator = network_generator(ModelStore((network_store[0],)), "inswapper_128", source_of(source_view(color)))
    transform = generator.frame(frontal_head((64, 64), 30), 1.0)
    coverage = generator.generate(
        Crop(np.zeros((128, 128, 3), np.float32), transform, frontal_head((64, 64), 30))
    ).coverage
    assert coverage[0].max() == coverage[-1].max() == coverage[:, 0].max() == coverage[:, -1].max() == 0
    assert (coverage[8:-8, 8:-8] == 1).all() and coverage.dtype == np.float32


def test_refusals(network_store: tuple[Path, dict[str, np.ndarray]], color: ColorConfig, tmp_path: Path) -> None:
    store = ModelStore((network_store[0],))
    graphs.swap(tmp_path / "alone.onnx", 256)
    write_network_card(tmp_path, "alone", "hyperswap_256")
    source = source_of(source_view(color))
    for code, call in {
        "no-source": lambda: network_generator(store, "ghost_256", None),
        "unknown-model": lambda: network_generator(store, "nobody", source),
        "not-a-generator": lambda: network_generator(store, "r50", source),
        "model-missing": lambda: network_generator(ModelStore((tmp_path,)), "alone", source),
        "not-a-restorer": lambda: open_restorer(store, "ghost_256"),
    }.items():
        with pytest.raises(FaceplateError) as refusal:
            call()
        assert refusal.value.code == code
    assert needs_source(store, "ghost_256")


# On the plate -------------------------------------------------------------------------------------------------------


def eight_bit_recipe(picture: np.ndarray, five: np.ndarray, session: onnxruntime.InferenceSession, latent: np.ndarray):
    """The published recipe on an 8-bit RGB picture, plainly: warp, /255, run, clip, · 255 rounded, warp back."""
    matrix = plain_matrix(five, "arcface_128", 128)
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    crop = cv2.warpAffine(picture, centred, (128, 128), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    blob = (crop.astype(np.float32) / 255.0).transpose(2, 0, 1)[None]
    made = np.asarray(session.run(None, {"target": blob, "source": latent})[0])[0].transpose(1, 2, 0)
    rounded = np.clip(np.round(made * 255.0), 0, 255).astype(np.uint8)
    size = (picture.shape[1], picture.shape[0])
    return cv2.warpAffine(
        rounded, cv2.invertAffineTransform(centred), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


@pytest.mark.parametrize("placed", ["pixel for pixel", "turned and scaled"])
def test_inswapper_equals_the_8_bit_recipe(
    placed: str, network_store: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, color: ColorConfig
) -> None:
    """An 8-bit sRGB picture fed as a plate. Its values stay below the house curve's shoulder, where the curve is sRGB
    itself.
    """
    face = frontal_head((150.0, 140.0), 40.0)
    y, x = np.mgrid[0:280, 0:300]
    picture = np.stack([90 + 60 * np.sin(x / 40), 100 + 50 * np.cos(y / 35), 80 + 40 * np.sin((x + y) / 50)], axis=-1)
    if placed == "pixel for pixel":
        face = with_five(face, POINTS["arcface_128"] * 128 + [86, 75])
        picture = picture + np.random.default_rng(3).uniform(-25, 25, picture.shape)
    picture = np.clip(np.round(picture), 0, 190).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "plate.1001.png"), picture[..., ::-1])

    folder, _ = network_store
    generator = network_generator(ModelStore((folder,)), "inswapper_128", source_of(source_view(color)))
    assert isinstance(generator, NetworkGenerator)
    parameters = PLAIN.model_copy(update={"plate_detail": 0.0})
    shot = Shot(plate=str(tmp_path / "plate.####.png"), parameters=parameters, policy=Policy(preview_slate=False))
    swapped = Renderer(shot, generator=generator).render(1001, face).result

    session = onnxruntime.InferenceSession(folder / "inswapper_128.onnx")
    wanted = eight_bit_recipe(picture, face.five, session, generator.source)[
        swapped.window.slices(Window(0, 0, 300, 280))
    ]
    inside = swapped.matte >= 1
    assert inside.sum() > 1000
    away = np.abs(swapped.over[inside] * 255 - wanted[inside])
    # Three roundings of half a step each: the crop (through a gain of at most 0.9), the network's answer, the way back.
    assert away.max() < 1.6 and away.mean() < 0.5
    assert (
        np.abs(picture[swapped.window.slices(Window(0, 0, 300, 280))][inside] - wanted[inside].astype(float)).mean() > 5
    )
    untouched = swapped.matte == 0
    plain = PlateFile.open(tmp_path / "plate.1001.png").read_rgb()[swapped.window.slices(Window(0, 0, 300, 280))]
    assert np.array_equal(swapped.over[untouched], plain[untouched])
