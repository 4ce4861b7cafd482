"""Swap families, restorers, detectors, landmarkers, recognisers and matte networks: each recipe number by number.

No public weights are here. Graphs of the true signature with answers that can be worked out on paper stand in for them
(`onnx_graphs.py`); the recipes are written down again below, in another form, so that a slip in one is not in both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import onnxruntime
import pytest

import onnx_graphs as graphs
from faceplate.color import KEY, ColorConfig, Exposure, decode, encode
from faceplate.color.reading import read_still
from faceplate.comp import matte_networks
from faceplate.demo import people_folder
from faceplate.errors import FaceplateError
from faceplate.face import Face, FaceFinder, detectors, landmarkers, recognisers
from faceplate.face.align import TEMPLATES, apply, invert, resample
from faceplate.face.shape import head_model
from faceplate.generators import NullGenerator
from faceplate.generators.generator import Crop, CropTransform, Generated
from faceplate.generators.networks import FAMILIES, DfmGenerator, NetworkGenerator, needs_source, network_generator
from faceplate.generators.networks.source import latent_of, weighted
from faceplate.generators.networks.tiles import merge, split
from faceplate.generators.restorers import Restored, Restorer, open_restorer
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.models import Card, ModelStore, Network, embedded_store, open_network
from faceplate.models.card import write_card
from faceplate.models.store import digest
from faceplate.plate import PlateFile
from faceplate.render import Renderer
from faceplate.render.stages import swap_face
from faceplate.shot import Policy, Shot
from faceplate.shot.parameters import Parameters
from faceplate.source.source import Source
from plates import write_plate

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
# The published points (right eye, left eye, nose, mouth corners), in fractions of the side.
TABLE = """
arcface_112_v1 .35473214 .45658929 .64526786 .45658929 .5 .61154464 .37913393 .776875 .62086607 .776875
arcface_112_v2 .34191607 .46157411 .65653393 .45983393 .500225 .64050536 .37097589 .82469196 .63151696 .82325089
arcface_128 .36167656 .40387734 .63696719 .40235469 .50019687 .56044219 .38710391 .72160547 .61507734 .72034453
ffhq_512 .37691676 .46864664 .62285697 .46912813 .50123859 .61331904 .39308822 .725411 .61150205 .72490465
mtcnn_512 .36562865 .46733799 .63305391 .46585885 .50019127 .61942959 .39032951 .77598822 .61178945 .77476328
dfl_whole_face .35342266 .39285716 .62797622 .39285716 .48660713 .5401786 .38839287 .68750011 .59821427 .68750011
"""
POINTS = {line.split()[0]: np.array(line.split()[1:], float).reshape(5, 2) for line in TABLE.strip().splitlines()}
GAINS, OFFSETS, MIX = (0.9, 0.7, 0.5), (0.02, 0.05, 0.08), 0.5
CONVERTED = {"ghost_256": "ghost", "simswap_256": "simswap", "simswap_512": "simswap", "hififace_256": "hififace"}


@pytest.fixture(scope="module")
def color() -> ColorConfig:
    return ColorConfig.load()


def card(folder: Path, name: str, family: str, role: str = "swap", **more: Any) -> Card:
    path = folder / f"{name}.onnx"
    made = Card.model_validate(
        {
            "name": name, "role": role, "file": path.name, "sha256": digest(path), "version": "1", "licence": "CC0-1.0",
            "commercial": True, "source": "test", "converted": "none", "inputs": (), "outputs": (),
            "family": family, **more,
        }
    )  # fmt: skip
    write_card(folder, made)
    return made


def opened(folder: Path, name: str, family: str, **more: Any) -> Network:
    card(folder, name, family, **more)
    return open_network(ModelStore((folder,)), name)


def head(centre: tuple[float, float], radius: float, level: float = KEY) -> Face:
    """The mean head, facing front, as a face of 478 points."""
    points = head_model().reference * radius + np.array([*centre, 0.0])
    return Face(points, 1.0, 1.0, level)


def with_five(face: Face, five: np.ndarray) -> Face:
    """`face` with exactly these five alignment points (each iris is moved whole)."""
    points = face.points.copy()
    for group, wanted, own in zip((slice(468, 473), slice(473, 478), 1, 61, 291), five, face.five, strict=True):
        points[group, :2] += wanted - own
    return face.moved(points)


def plate(color: ColorConfig, pixels: np.ndarray) -> Frame:
    return Frame(np.ascontiguousarray(pixels, np.float32), Window(0, 0, *pixels.shape[1::-1]), "ACEScg", color)


@dataclass(frozen=True)
class View:
    """What a network asks of a view of the source."""

    frame: Frame
    face: Face


def person(*views: View) -> Source:
    return Source(cast(Any, views), ())


def photograph(color: ColorConfig, face_centre: tuple[float, float] = (200, 210)) -> View:
    """A source view: an sRGB picture 400 x 420 of smooth colour, with a face in it."""
    y, x = np.mgrid[0:420, 0:400] / 420.0
    pixels = np.stack([0.3 + 0.3 * x, 0.6 - 0.4 * y, 0.2 + 0.2 * x * y + 0.1 * y], axis=-1).astype(np.float32)
    frame = Frame(pixels, Window(0, 0, 400, 420), color.resolve("srgb_tx"), color)
    return View(frame, head(face_centre, 70))


def crop_of(view: View, template: str, side: int) -> np.ndarray:
    """The view's own sRGB numbers on a template, by plain OpenCV."""
    matrix = plain_matrix(view.face.five, template, side)
    matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return cv2.warpAffine(
        view.frame.pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def plain_matrix(five: np.ndarray, template: str, side: int) -> np.ndarray:
    """The similarity onto a template by a plain least-squares system in its four unknowns."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(five, POINTS[template] * side, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])


def helpers(folder: Path) -> dict[str, np.ndarray]:
    """ArcFace and the three converters in the store, and their matrices."""
    graphs.recogniser(folder / "r50.onnx")
    card(folder, "r50", "arcface_w600k_r50", "identity")
    matrices = {}
    for index, name in enumerate(("ghost", "simswap", "hififace")):
        matrices[name] = np.random.default_rng(index).normal(0, 0.05, (512, 512)).astype(np.float32)
        graphs.converter(folder / f"cross_{name}.onnx", matrices[name], 0.1 * (index + 1))
        card(folder, f"cross_{name}", f"crossface_{name}", "converter")
    return matrices


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
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
        card(folder, name, name)
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
def test_family_recipe(name: str, zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    folder, matrices = zoo
    side, template, (mean, std), back = RECIPES[name]
    views = (photograph(color), photograph(color, (180, 220)))
    generator = network_generator(ModelStore((folder,)), name, person(*views))
    assert isinstance(generator, NetworkGenerator)
    face = head((500.0, 400.0), 90.0)
    framing = generator.frame(face, 1.0)
    assert framing.window == Window(0, 0, side, side)
    assert np.abs(framing.matrix - plain_matrix(face.five, template, side)).max() < 1e-8

    pixels = RNG.uniform(-0.1, 1.3, (side, side, 3)).astype(np.float32)
    made = generator.generate(Crop(pixels, framing, face.moved(face.points)))
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
    name: str, zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig
) -> None:
    folder, matrices = zoo
    view = photograph(color)
    generator = network_generator(ModelStore((folder,)), name, person(view))
    assert isinstance(generator, NetworkGenerator)
    raw = graphs.block_means(crop_of(view, "arcface_112_v2", 112) * 2 - 1)
    wanted = expected_source(name, raw, matrices)
    assert generator.source.shape == (1, 512) and generator.source.dtype == np.float32
    assert np.abs(generator.source[0] - wanted).max() < 1e-4
    length = float(np.linalg.norm(generator.source))
    assert (abs(length - 1) < 1e-5) == (name not in ("inswapper_128", "ghost_256"))
    assert "r50" in generator.weights and (f"cross_{CONVERTED.get(name)}" in generator.weights) == (name in CONVERTED)


def test_source_picture_is_shown_whole(zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    view = photograph(color)
    for name, template, side in (("blendswap_256", "arcface_112_v2", 112), ("uniface_256", "ffhq_512", 256)):
        generator = network_generator(ModelStore((zoo[0],)), name, person(view))
        assert isinstance(generator, NetworkGenerator)
        wanted = crop_of(view, template, side).transpose(2, 0, 1)[None]
        assert np.abs(generator.source - wanted).max() < 2e-4  # OpenCV's own bilinear steps of 1/32 pixel


def test_emap_is_the_last_matrix_however_it_is_stored(tmp_path: Path) -> None:
    emap = RNG.normal(size=(512, 512)).astype(np.float32)
    from faceplate.models.graph import read_graph

    for raw in (True, False):
        path = graphs.swap(tmp_path / f"in{raw}.onnx", 128, emap=emap, emap_raw=raw)
        assert np.array_equal(read_graph(path).last_initializer((512, 512)), emap)


def test_identity_weight(zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    folder, matrices = zoo
    view = photograph(color)
    store, source = ModelStore((folder,)), person(view)
    face = head((64.0, 62.0), 30.0)
    neutral = network_generator(store, "inswapper_128", source)
    assert isinstance(neutral, NetworkGenerator)
    framing = neutral.frame(face, 1.0)
    # The crop's statistics are the target's embedding: a constant crop has a constant one, so its direction is known.
    crop = Crop(np.full((128, 128, 3), 0.75, np.float32), framing, with_five(face, apply(framing.matrix, face.five)))
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
        framing = asked.frame(face, 1.0)
        side = framing.window.width
        asked.generate(
            Crop(np.full((side, side, 3), 0.75, np.float32), framing, with_five(face, apply(framing.matrix, face.five)))
        )
        assert any("does nothing" in note for note in asked.network.notes) == (name == "blendswap_256")
    assert np.abs(matrices["emap"]).max() > 0


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
        Crop(pixels, CropTransform(np.eye(2, 3), Window(0, 0, size, size)), head((64, 64), 30))
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
            np.zeros((512, 512, 3), np.float32), CropTransform(np.eye(2, 3), Window(0, 0, 512, 512)), head((64, 64), 30)
        )
        generator.generate(crop)
        assert session.runs == runs


def test_supersampling_stops_at_1024(zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    source = person(photograph(color))
    for name, most in (("inswapper_128", 8), ("ghost_256", 4), ("simswap_512", 2)):
        assert network_generator(ModelStore((zoo[0],)), name, source, supersample=most).name == name
        for wrong in (0, most + 1):
            with pytest.raises(FaceplateError) as refusal:
                network_generator(ModelStore((zoo[0],)), name, source, supersample=wrong)
            assert refusal.value.code == "bad-supersample"


def test_coverage_ends_at_the_crop(zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig) -> None:
    generator = network_generator(ModelStore((zoo[0],)), "inswapper_128", person(photograph(color)))
    framing = generator.frame(head((64, 64), 30), 1.0)
    coverage = generator.generate(Crop(np.zeros((128, 128, 3), np.float32), framing, head((64, 64), 30))).coverage
    assert coverage[0].max() == coverage[-1].max() == coverage[:, 0].max() == coverage[:, -1].max() == 0
    assert (coverage[8:-8, 8:-8] == 1).all() and coverage.dtype == np.float32


def test_refusals(zoo: tuple[Path, dict[str, np.ndarray]], color: ColorConfig, tmp_path: Path) -> None:
    store = ModelStore((zoo[0],))
    graphs.swap(tmp_path / "alone.onnx", 256)
    card(tmp_path, "alone", "hyperswap_256")
    source = person(photograph(color))
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


def test_paste_position(tmp_path: Path, color: ColorConfig) -> None:
    """A network that adds a slope over its crop: on a grey plate the slope must lie where the crop's matrix says."""
    graphs.swap(tmp_path / "net.onnx", 128, ramp=(0.06, 0.03))
    network = Network(plain_card("net", "inswapper_128"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    grey = 0.2
    for multiple, radius, turn in ((1, 30.0, 0.0), (1, 100.0, 0.3), (4, 100.0, -0.2)):
        generator = NetworkGenerator(FAMILIES["inswapper_128"], network, np.zeros((1, 512), np.float32), multiple)
        face = turned(head((260.25, 240.75), radius), turn)
        frame = plate(color, np.full((480, 520, 3), grey))
        swapped = swap_face(frame, face, generator, PLAIN)
        inside = swapped.matte >= 1
        assert inside.sum() > 1000
        rows, columns = np.nonzero(inside)
        centres = np.column_stack([columns + swapped.window.x + 0.5, rows + swapped.window.y + 0.5])
        crop = apply(plain_matrix(face.five, "arcface_128", 128), centres)
        slope = 0.06 * crop[:, 0] / 128 + 0.03 * crop[:, 1] / 128
        encoded = 1.055 * grey ** (1 / 2.4) - 0.055
        away = swapped.over[inside] - (((encoded + slope + 0.055) / 1.055) ** 2.4)[:, None]
        # Supersampled, a tile's slope climbs in steps of one tile pixel, four crop pixels wide, around the true one.
        assert np.abs(away).max() < (1e-4 if multiple == 1 else 6e-4) and abs(away.mean()) < 5e-5
        outside = swapped.matte == 0
        assert np.array_equal(swapped.over[outside], frame.region(swapped.window).pixels[outside])


def test_a_network_that_changes_nothing_leaves_the_plate(tmp_path: Path, color: ColorConfig) -> None:
    graphs.swap(tmp_path / "net.onnx", 256)
    network = Network(plain_card("net", "simswap_256"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    generator = NetworkGenerator(
        replace(FAMILIES["simswap_256"], denormalise=True), network, np.zeros((1, 512), np.float32), 2
    )
    pixels = RNG.uniform(0.0, 3.0, (300, 320, 3)).astype(np.float32)
    pixels[100:110, 100:110] = 40.0
    frame = plate(color, pixels)
    swapped = swap_face(frame, head((160, 150), 70, level=0.9), generator, PLAIN)
    before = frame.region(swapped.window).pixels
    assert (np.abs(swapped.over - before) < 2e-4 * np.maximum(before, 1)).all() and (swapped.matte >= 1).sum() > 5000


def test_what_gave_way_is_said_with_the_frame_and_once(tmp_path: Path, color: ColorConfig) -> None:
    graphs.swap(tmp_path / "net.onnx", 128)
    network = Network(plain_card("net", "inswapper_128"), onnxruntime.InferenceSession(tmp_path / "net.onnx"))
    generator = NetworkGenerator(FAMILIES["inswapper_128"], network, np.zeros((1, 512), np.float32))
    write_plate(
        tmp_path / "p.1001.exr", np.full((160, 160, 3), 0.2, np.float32), "half", colorInteropID="lin_ap1_scene"
    )
    renderer = Renderer(Shot(plate=f"{tmp_path}/p.####.exr", parameters=PLAIN), generator=generator)
    network.note("cuda:0 cannot run 'net': cpu is tried")
    assert renderer.render(1001, head((80, 80), 30)).notes == ("cuda:0 cannot run 'net': cpu is tried",)
    assert renderer.render(1001, head((80, 80), 30)).notes == ()


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
    placed: str, zoo: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, color: ColorConfig
) -> None:
    """An 8-bit sRGB picture fed as a plate. Its values stay below the house curve's shoulder, where the curve is sRGB
    itself.
    """
    face = head((150.0, 140.0), 40.0)
    y, x = np.mgrid[0:280, 0:300]
    picture = np.stack([90 + 60 * np.sin(x / 40), 100 + 50 * np.cos(y / 35), 80 + 40 * np.sin((x + y) / 50)], axis=-1)
    if placed == "pixel for pixel":
        face = with_five(face, POINTS["arcface_128"] * 128 + [86, 75])
        picture = picture + np.random.default_rng(3).uniform(-25, 25, picture.shape)
    picture = np.clip(np.round(picture), 0, 190).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "plate.1001.png"), picture[..., ::-1])

    folder, _ = zoo
    generator = network_generator(ModelStore((folder,)), "inswapper_128", person(photograph(color)))
    assert isinstance(generator, NetworkGenerator)
    parameters = PLAIN.model_copy(update={"plate_detail": 0.0})
    shot = Shot(plate=str(tmp_path / "plate.####.png"), parameters=parameters, policy=Policy(preview_slate=False))
    swapped = Renderer(shot, generator=generator).render(1001, face).swapped

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


# DFM ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("morph", [True, False])
def test_dfm(tmp_path: Path, morph: bool, named: bool) -> None:
    side = 224
    graphs.dfm(tmp_path / "actor.onnx", side, gains=(0.5, 0.7, 0.9), morph=morph, named=named)
    card(tmp_path, "actor", "dfm")
    store = ModelStore((tmp_path,))
    assert not needs_source(store, "actor")
    generator = network_generator(store, "actor", None, morph=0.4)
    assert isinstance(generator, DfmGenerator)
    face = head((300, 300), 80)
    framing = generator.frame(face, 1.0)
    assert framing.window == Window(0, 0, side, side)
    assert np.abs(framing.matrix - plain_matrix(face.five, "dfl_whole_face", side)).max() < 1e-8
    pixels = RNG.uniform(0, 1.2, (side, side, 3)).astype(np.float32)
    made = generator.generate(Crop(pixels, framing, face))
    # The graph sees BGR: its first gain is blue's.
    assert np.abs(made.pixels - (pixels * np.array([0.9, 0.7, 0.5]) + (0.04 if morph else 0))).max() < 1e-6
    across, down = graphs.ramps(side, (1, 0)), graphs.ramps(side, (0, 1))
    wanted = {"both": np.minimum(across, down), "face": across, "celeb": down, "none": np.ones_like(across)}
    for mattes, coverage in wanted.items():
        again = replace(generator, mattes=mattes).generate(Crop(pixels, framing, face))
        assert np.abs(again.coverage - coverage).max() < 1e-6, mattes


# Restorers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "side", "template"),
    [
        ("gfpgan", 512, "ffhq_512"),
        ("restoreformer", 512, "ffhq_512"),
        ("codeformer", 512, "ffhq_512"),
        ("gpen", 256, "arcface_128"),
        ("gpen", 1024, "ffhq_512"),
    ],
)
def test_restorer(tmp_path: Path, family: str, side: int, template: str) -> None:
    gains = (0.5, 0.6, 0.7)
    graphs.restorer(tmp_path / "net.onnx", side, gains=gains, weight=family == "codeformer")
    card(tmp_path, "net", family, "restore")
    restorer = open_restorer(ModelStore((tmp_path,)), "net", amount=0.75, fidelity=0.25)
    face = head((300, 300), 80)
    assert np.abs(restorer.frame(face, 1.0).matrix - plain_matrix(face.five, template, side)).max() < 1e-8
    pixels = RNG.uniform(-0.1, 1.2, (side, side, 3)).astype(np.float32)
    drawn = ((pixels - 0.5) / 0.5 * np.array(gains) + (0.25 if family == "codeformer" else 0)) * 0.5 + 0.5
    assert np.abs(restorer.restore(pixels) - (0.25 * pixels + 0.75 * drawn)).max() < 1e-5


class Slope:
    """A generator on its own crop that adds 0.1 · x / side to it."""

    name, encoding, weights = "slope", "network", ("slope",)

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return NullGenerator(128, "arcface_128").frame(face, pixel_aspect)

    def generate(self, crop: Crop) -> Generated:
        rise = graphs.ramps(crop.pixels.shape[0], (0.1, 0.0))[..., None]
        return Generated(crop.pixels + rise, np.ones(crop.pixels.shape[:2], np.float32))


class Brighter:
    """A generator on its crop's own pixels, in scene-linear light, as `mesh` is: a quarter more light."""

    name, encoding, weights = "brighter", "working", ()

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return CropTransform(np.eye(2, 3), face.window(0.05))

    def generate(self, crop: Crop) -> Generated:
        return Generated(crop.pixels * np.float32(1.25), np.ones(crop.pixels.shape[:2], np.float32))


def test_restored_generator_carries_the_inner_change(tmp_path: Path, color: ColorConfig) -> None:
    graphs.restorer(tmp_path / "net.onnx", 512, gains=(1.0, 1.0, 1.0))
    restorer = Restorer(opened(tmp_path, "net", "gfpgan"))
    face = turned(head((300, 300), 80), 0.2)
    restored = Restored(cast(Any, Slope()), restorer)
    assert restored.weights == ("slope", "net")
    framing = restored.frame(face, 1.0)
    crop_face = face.moved(np.column_stack([apply(framing.matrix, face.points[:, :2]), face.points[:, 2]]))
    pixels = RNG.uniform(0.2, 0.8, (512, 512, 3)).astype(np.float32)
    change = restored.generate(Crop(pixels, framing, crop_face)).pixels - pixels
    ys, xs = np.mgrid[150:400, 150:400]
    plate_points = apply(invert(framing.matrix), np.column_stack([xs.ravel() + 0.5, ys.ravel() + 0.5]))
    wanted = 0.1 * apply(plain_matrix(face.five, "arcface_128", 128), plate_points)[:, 0] / 128
    assert np.abs(change[150:400, 150:400, 0].ravel() - wanted).max() < 1e-4
    nothing = Restored(NullGenerator(128, "arcface_128"), restorer).generate(Crop(pixels, framing, crop_face))
    assert np.abs(nothing.pixels - pixels).max() < 1e-6
    lit = Restored(cast(Any, Brighter()), restorer, color).generate(Crop(pixels, framing, crop_face))
    wanted = encode(decode(pixels, Exposure.of_level(face.level).gain) * 1.25, Exposure.of_level(face.level).gain)
    inside = crop_face.window().slices(framing.window)
    assert lit.pixels[inside].size > 60000 and np.abs(lit.pixels - wanted)[inside].max() < 1e-4
    with pytest.raises(FaceplateError) as refusal:
        Restored(cast(Any, Brighter()), restorer).generate(Crop(pixels, framing, crop_face))
    assert refusal.value.code == "no-color"


# Detectors, landmarkers, recognisers --------------------------------------------------------------------------------


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("family", ["scrfd", "retinaface"])
def test_scrfd(tmp_path: Path, family: str, batched: bool) -> None:
    stride, anchor = 16, 2 * (40 * 7 + 11) + 1  # second anchor of row 7, column 11
    points = [-0.5, -0.25, 0.5, -0.25, 0, 0.1, -0.4, 0.5, 0.4, 0.5]
    graphs.scrfd(tmp_path / "net.onnx", stride, anchor, [2, 3, 4, 5], points, batched)
    network = opened(tmp_path, "net", family)
    picture = np.zeros((640, 640, 3), np.float32)
    picture[..., 0], picture[..., 2] = 0.6, 0.1  # red tells that the first channel is red
    (found,) = detectors.detect(network, picture)
    assert np.allclose(found.box, [11 * 16 - 2 * 16, 7 * 16 - 3 * 16, 6 * 16, 8 * 16])
    assert np.allclose(found.five, np.array(points).reshape(5, 2) * 16 + (11 * 16, 7 * 16))
    assert abs(found.score - (0.6 + (0.6 * 255 - 127.5) / 128)) < 1e-3
    assert detectors.detect(network, picture, 0.95) == []


def test_yoloface(tmp_path: Path) -> None:
    points = [(90, 80, 0.9), (110, 80, 0.9), (100, 95, 0.9), (92, 110, 0.9), (108, 110, 0.9)]
    graphs.yolo(tmp_path / "net.onnx", 4321, [100, 90, 60, 80, 0.6, *np.ravel(points)])
    picture = np.full((640, 640, 3), 0.1, np.float32)
    picture[..., 0] = 0.2
    (found,) = detectors.detect(opened(tmp_path, "net", "yoloface"), picture)
    assert np.allclose(found.box, [70, 50, 60, 80]) and abs(found.score - 0.8) < 1e-3
    assert np.allclose(found.five, np.array(points)[:, :2])


def test_landmarkers(tmp_path: Path, color: ColorConfig) -> None:
    groups = {
        "2dfan4": [range(36, 42), range(42, 48), [30], [48], [54]],
        "2d106det": [[38], [88], [86], [52], [61]],
    }
    # A plate whose first channel as fed is known: the plate's own grey, exposed to KEY.
    grey = 1.055 * KEY ** (1 / 2.4) - 0.055
    for kind, count, side, fill in (("2dfan4", 68, 256, 195.0), ("2d106det", 106, 192, 128.0)):
        places = RNG.uniform(20, 44, (count, 2)) if kind == "2dfan4" else RNG.uniform(-0.5, 0.5, (count, 2))
        graphs.points(tmp_path / f"{kind}.onnx", kind, places)
        network = opened(tmp_path, kind, kind)
        face = turned(head((210, 190), 60, level=0.5), 0.3)
        frame = plate(color, np.full((400, 420, 3), 0.5))
        points, five = landmarkers.landmarks(network, frame, face)
        told = grey if kind == "2dfan4" else 255 * grey
        in_crop = (places + np.array([told, 0])) * 4 if kind == "2dfan4" else (places + np.array([told, 0]) + 1) * 96
        angle = np.arctan2(*(face.five[1] - face.five[0])[::-1])
        spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        upright = face.points[:, :2] @ spin.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        wanted = ((in_crop - side / 2) * (high - low).max() / fill + (low + high) / 2) @ spin
        scale = np.abs(wanted).max()
        assert np.abs(points - wanted).max() < 1e-4 * scale
        assert np.abs(five - [wanted[list(group)].mean(axis=0) for group in groups[kind]]).max() < 1e-4 * scale
        moved = landmarkers.aligned(face, face.five + np.array([3, -2]))
        assert np.abs(moved.five - face.five - [3, -2]).max() < 1e-9
        half = landmarkers.aligned(face, face.five * 1.1, 0.5)
        assert np.abs(half.five - face.five * 1.05).max() < 1e-9


def test_recognisers(tmp_path: Path) -> None:
    crop = RNG.uniform(0, 1, (112, 112, 3)).astype(np.float32)
    graphs.recogniser(tmp_path / "arc.onnx")
    graphs.recogniser(tmp_path / "sface.onnx", 128)
    arc = recognisers.embed(opened(tmp_path, "arc", "arcface_w600k_mbf"), crop)
    assert np.abs(arc - graphs.block_means(crop * 255 / 127.5 - 1)).max() < 1e-5
    sface = recognisers.embed(opened(tmp_path, "sface", "sface"), crop)
    assert np.abs(sface - graphs.block_means(crop * 255, 128)).max() < 1e-3
    matrix = RNG.normal(size=(512, 512)).astype(np.float32)
    graphs.converter(tmp_path / "cross.onnx", matrix, 0.5)
    converted = recognisers.convert(opened(tmp_path, "cross", "crossface_ghost"), arc)
    assert np.abs(converted - (arc @ matrix + 0.5)).max() < 1e-3
    assert np.allclose(
        latent_of(FAMILIES["hyperswap_256"], arc, None, None), arc[None] / np.linalg.norm(arc), atol=1e-6
    )


def test_source_is_seen_as_it_is_displayed(tmp_path: Path, color: ColorConfig) -> None:
    """A photograph keeps its numbers, highlights too; a scene-linear picture of the same is exposed and then the
    same.
    """
    view = photograph(color)
    bright = view.frame.with_pixels(np.clip(view.frame.pixels * 1.8, 0, 1))
    seen = recognisers.display_crop(bright, replace(view.face, level=0.05), "arcface_112_v2", 112)
    wanted = crop_of(replace(view, frame=bright), "arcface_112_v2", 112)
    assert np.abs(seen - wanted).max() < 2e-3 and wanted.max() > 0.85
    dark = Frame(bright.working() / 16, bright.window, "ACEScg", color)
    again = recognisers.display_crop(dark, replace(view.face, level=KEY / 16), "arcface_112_v2", 112)
    assert np.abs(again - seen).max() < 2e-2


# Mattes -------------------------------------------------------------------------------------------------------------


def test_matte_networks(tmp_path: Path, color: ColorConfig) -> None:
    graphs.xseg(tmp_path / "xseg.onnx")
    graphs.bisenet(tmp_path / "parser.onnx")
    xseg, parser = opened(tmp_path, "xseg", "xseg"), opened(tmp_path, "parser", "bisenet")
    crop = RNG.uniform(0, 1, (256, 256, 3)).astype(np.float32)
    assert np.abs(matte_networks.occlusion(xseg, crop) - crop[..., 2]).max() < 1e-6  # blue comes first
    large = RNG.uniform(0, 1, (512, 512, 3)).astype(np.float32)
    regions = matte_networks.labels(parser, large)
    assert np.array_equal(regions, np.where(large[..., 0] > 0.5, 1, 17))
    assert (
        matte_networks.REGIONS[1] == "skin"
        and matte_networks.REGIONS[17] == "hair"
        and len(matte_networks.REGIONS) == 19
    )


def test_soft_matte_follows_the_size() -> None:
    step = np.zeros((256, 256), np.float32)
    step[:, 128:] = 1
    soft = matte_networks.soften(step)
    blurred = cv2.GaussianBlur(step, (0, 0), 5.0, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(soft - (np.clip(blurred, 0.5, 1) - 0.5) * 2).max() < 1e-6
    assert soft[:, :127].max() == 0
    double = matte_networks.soften(np.kron(step, np.ones((2, 2), np.float32)))
    assert np.abs(double[1::2, 1::2] - soft).max() < 0.06


def test_matte_lies_on_the_plate(tmp_path: Path, color: ColorConfig) -> None:
    """Half of the plate is red: the parser's skin must end where the red does."""
    graphs.bisenet(tmp_path / "parser.onnx")
    network = opened(tmp_path, "parser", "bisenet")
    pixels = np.full((400, 420, 3), 0.02, np.float32)
    pixels[:, 210:] = (2.0, 0.2, 0.2)
    face = head((210, 190), 60, level=KEY)
    window = Window(120, 100, 180, 180)
    matte = matte_networks.matte_on_plate(network, plate(color, pixels), face, window, soft=0.001)
    assert matte.shape == (180, 180) and matte[:, :86].max() < 0.01 and matte[:, 95:].min() > 0.99
    hair = matte_networks.matte_on_plate(network, plate(color, pixels), face, window, ("hair",), 0.001)
    assert hair[:, :86].min() > 0.99 and hair[:, 95:].max() < 0.01
    with pytest.raises(FaceplateError) as refusal:
        matte_networks.matte_on_plate(network, plate(color, pixels), face, window, ("tail",))
    assert refusal.value.code == "unknown-region"


def test_hidden_by_a_network_of_the_users_own(tmp_path: Path, color: ColorConfig) -> None:
    """The stand-in xseg says the face shows where blue is; the parser where red is. The rest is hidden, as asked."""
    graphs.xseg(tmp_path / "xseg.onnx")
    graphs.bisenet(tmp_path / "parser.onnx")
    xseg, parser = opened(tmp_path, "xseg", "xseg"), opened(tmp_path, "parser", "bisenet")
    face, window = head((210, 190), 60, level=KEY), Window(150, 120, 120, 120)
    pixels = np.full((400, 420, 3), 0.0, np.float32)
    pixels[:, 210:] = (2.0, 0.2, 2.0)
    for network in (xseg, parser):
        hidden = matte_networks.hidden_by(network, plate(color, pixels), face, window, 0.5, 0.001)
        assert hidden[:, :55].min() > 0.9 and hidden[:, 66:].max() < 0.25, network.card.name
        assert not matte_networks.hidden_by(network, plate(color, pixels), face, window, 0.0).any()
        far = matte_networks.hidden_by(network, plate(color, pixels), face, Window(0, 0, 20, 400))
        assert not far.any()  # beyond the crop nothing is known
    half = plate(
        color, np.full((400, 420, 3), decode(np.full(1, 0.5, np.float32), 1.0)[0], np.float32)
    )  # blue 0.5: even odds
    face = replace(face, level=KEY)
    shown = [matte_networks.hidden_by(xseg, half, face, window, s).mean() for s in (0.2, 0.5, 0.8)]
    assert shown[0] < shown[1] < shown[2]


def test_parser_and_occluder_by_parameter(tmp_path: Path, color: ColorConfig) -> None:
    """The render calls the networks that the parameters name: hair stays, kept parts are the parser's, cards are said."""
    graphs.bisenet(tmp_path / "parser.onnx")
    graphs.xseg(tmp_path / "seg.onnx")
    card(tmp_path, "parser", "bisenet", "face-parser", commercial=False)
    card(tmp_path, "seg", "xseg", "occlusion-matte")
    store = ModelStore((tmp_path, *embedded_store().folders))
    pixels = np.full((400, 420, 3), 0.02, np.float32)
    pixels[:, 210:] = (2.0, 0.2, 0.2)  # the right half is skin to the parser, the left half hair
    write_plate(tmp_path / "p.1001.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    face = head((210, 190), 60, level=KEY)

    def rendered(**values: Any) -> Renderer:
        parameters = Parameters.model_validate({"generator": "null", "grain": 0, "layers": "parts", **values})
        shot = Shot(
            plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/out/o.####.exr", parameters=parameters,
            allow_noncommercial=True,
        )  # fmt: skip
        renderer = Renderer(shot, FaceFinder(store))
        renderer.prepare()
        return renderer

    plain = rendered(occlusion=0).render(1001, face).swapped
    column = 210 - plain.window.x
    renderer = rendered(occlusion=0, parser="parser")
    parsed = renderer.render(1001, face).swapped
    assert "matte_hairline" in parsed.layers and "matte_hairline" not in plain.layers
    assert plain.matte[:, : column - 12].max() == 1 and parsed.matte[:, : column - 12].max() < 0.1
    assert np.allclose(parsed.matte[:, column + 12 :], plain.matte[:, column + 12 :], atol=0.1)
    assert "parser" in str(renderer.attributes()["faceplate:weights"])
    assert "face_occlusion" not in str(renderer.attributes()["faceplate:weights"])
    kept = rendered(occlusion=0, parser="parser", keep="hair, jaw").render(1001, face).swapped.layers["matte_keep"]
    assert kept[:, : column - 12].min() > 0.9 and kept[20, column + 12 :].max() < 0.1
    seg = rendered(occluder="seg").render(1001, face).swapped.layers["matte_occlusion"]
    assert seg[:, : column - 12].min() > 0.5  # hardly any blue anywhere: all of it is hidden
    with pytest.raises(FaceplateError) as refusal:
        rendered(keep="hair")
    assert refusal.value.code == "bad-keep" and "parser" in str(refusal.value)
    with pytest.raises(FaceplateError) as refusal:
        Renderer(
            Shot(plate=f"{tmp_path}/p.####.exr", parameters=Parameters(generator="null", parser="parser")),
            FaceFinder(store),
        ).prepare()
    assert refusal.value.code == "licence-forbidden" and "'parser'" in str(refusal.value)
    # A weight that would only come in after an overflow is refused as well.
    graphs.xseg(tmp_path / "half.onnx")
    card(tmp_path, "half", "xseg", "occlusion-matte", fp32="whole")
    graphs.xseg(tmp_path / "whole.onnx")
    card(tmp_path, "whole", "xseg", "occlusion-matte", commercial=False)
    half = Parameters(generator="null", occluder="half")
    finder = FaceFinder(ModelStore(store.folders))
    with pytest.raises(FaceplateError) as refusal:
        Renderer(Shot(plate=f"{tmp_path}/p.####.exr", parameters=half), finder).prepare()
    assert refusal.value.code == "licence-forbidden" and "'whole'" in str(refusal.value)


def test_detector_landmarker_and_recogniser_by_parameter(tmp_path: Path, color: ColorConfig) -> None:
    """Stand-ins of a detector and a landmarker find a demo person's face through the render's own road."""
    still = read_still(people_folder() / "ada" / "front.jpg", color)
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float64)
    pixels = resample(still.working(), still.window, matrix, Window(0, 0, 512, 512))
    write_plate(tmp_path / "p.1001.exr", pixels, "half", colorInteropID="lin_ap1_scene")
    own = FaceFinder.embedded().find(Frame(pixels, Window(0, 0, 512, 512), "ACEScg", color))[0]
    left, top, width, height = np.array(own.box) * 640 / 512
    five = own.five * 640 / 512
    graphs.yolo(
        tmp_path / "yolo.onnx", 17,
        [left + width / 2, top + height / 2, width, height, 0.9, *np.column_stack([five, np.ones(5)]).ravel()],
    )  # fmt: skip
    recipe = landmarkers.LANDMARKERS["2dfan4"]
    places = np.full((68, 2), 32.0)
    for group, place in zip(recipe.five, apply(landmarkers._matrix(own, 1.0, recipe), own.five) / 4, strict=True):
        places[list(group)] = place + np.array([0, 1.5])  # six crop pixels lower than the mesh's own
    graphs.points(tmp_path / "fan.onnx", "2dfan4", places)
    graphs.recogniser(tmp_path / "arc.onnx")
    card(tmp_path, "yolo", "yoloface", "detector")
    card(tmp_path, "fan", "2dfan4", "landmarks")
    card(tmp_path, "arc", "arcface_w600k_mbf", "identity")
    store = ModelStore((tmp_path, *embedded_store().folders))

    def renderer(**values: Any) -> Renderer:
        parameters = Parameters.model_validate({"generator": "null", "grain": 0, "occlusion": 0, **values})
        shot = Shot(plate=f"{tmp_path}/p.####.exr", output=f"{tmp_path}/o.####.exr", parameters=parameters)
        made = Renderer(shot, FaceFinder(store))
        made.prepare()
        return made

    one = renderer(detector="yolo", recogniser="arc", target=str(people_folder() / "ada" / "front.jpg"))
    face = one.find(one.open(1001))
    assert face is not None and np.abs(face.points[:, :2] - own.points[:, :2]).max() < 3
    said = str(one.attributes()["faceplate:weights"])
    assert "yolo " in said and "yunet" not in said and "arc " in said and "sface" not in said
    other = renderer(landmarker="fan")
    moved = other.find(other.open(1001))
    assert moved is not None and "fan " in str(other.attributes())
    down = (moved.five - own.five)[:, 1] * recipe.fill / own.size
    assert np.abs(down - 6).max() < 1.5 and face.five.shape == (5, 2)


# ---------------------------------------------------------------------------------------------------------------------


def turned(face: Face, angle: float) -> Face:
    centre = face.points[:, :2].mean(axis=0)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return face.moved(np.column_stack([(face.points[:, :2] - centre) @ spin.T + centre, face.points[:, 2]]))


def plain_card(name: str, family: str) -> Card:
    return Card(
        name=name, role="swap", file=f"{name}.onnx", sha256="0" * 64, version="1", licence="CC0-1.0", commercial=True,
        source="test", converted="none", inputs=(), outputs=(), family=family,
    )  # fmt: skip


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
