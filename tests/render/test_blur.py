"""The plate's blur on the new face: as truth has it, not twice, none on what stands still or is not changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.edge_widths import measure_edges, softness
from faceplate.demo import person
from faceplate.errors import UsageError
from faceplate.face import Face, FaceFinder
from faceplate.face.align import resample
from faceplate.generators import Crop, CropTransform, Encoding, Generated, Generator, MeshGenerator, NullGenerator
from faceplate.generators.mesh.settings import MeshSettings
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.render.blur import FrameBlur, blurred_face
from faceplate.render.composite import CompositeResult
from faceplate.render.crop import PlateCrop
from faceplate.render.lens import PlateLens, header_shutter
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source, read_source
from pictures import ReadPicture
from streaks import band_ratios, smeared, softened

SIZE = 360.0
BARE = {"grain": 0.0, "occlusion": 0.0}


@pytest.fixture(scope="module")
def ada(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    """Ada with a face of `SIZE` pixels, in the working space."""
    frame = read_picture("ada/front.jpg")
    face = finder.find(frame)[0]
    scale = SIZE / face.size
    window = Window(0, 0, round(frame.window.width * scale), round(frame.window.height * scale))
    pixels = resample(frame.working(), frame.window, np.array([[scale, 0, 0], [0, scale, 0]]), window)
    space = frame.color.working_space
    return Frame(pixels, window, space, frame.color), face.moved(face.points * scale)


@pytest.fixture(scope="module")
def mesh(source_bea: Source) -> MeshGenerator:
    return MeshGenerator(source_bea, MeshSettings(shape=0.0))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory, color: ColorConfig, finder: FaceFinder) -> MeshGenerator:
    """Puts Ada in, from one picture."""
    folder = tmp_path_factory.mktemp("ada")
    shutil.copy(person("ada") / "front.jpg", folder)
    return MeshGenerator(read_source(folder, color, finder), MeshSettings(shape=0.0))


def swap(frame: Frame, face: Face, generator: Generator, lens: PlateLens | None, **values: object) -> CompositeResult:
    return swap_face(frame, face, generator, Parameters.model_validate({**BARE, **values}), lens=lens)


def blurred(frame: Frame, how: Callable[[np.ndarray], np.ndarray]) -> Frame:
    return frame.with_pixels(how(frame.pixels))


def middle(result: CompositeResult, face: Face) -> np.ndarray:
    """The luminance of the face's middle, square."""
    x, y = face.points[[1], :2].mean(axis=0)
    half = int(0.33 * SIZE)
    part = Window(int(x) - half, int(y) - half, 2 * half, 2 * half).slices(result.window)
    return result.over[part].mean(axis=2)


# Motion blur ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("speed", "shutter", "angle"), [(24.0, 0.5, 0.3), (10.0, 0.5, 1.4), (30.0, 0.8, 2.4)])
def test_the_face_is_smeared_as_by_the_truth(
    ada: tuple[Frame, Face], mesh: MeshGenerator, speed: float, shutter: float, angle: float
) -> None:
    """The spectrum along and across the movement against the same swap, made sharp and then blurred by the truth."""
    frame, face = ada
    path = np.array([np.cos(angle), np.sin(angle)]) * speed
    lens = PlateLens(np.tile(path, (478, 1)), shutter)
    truth = (path[0] * shutter, path[1] * shutter)
    plate = blurred(frame, lambda pixels: smeared(pixels, truth))
    result = swap(plate, face, mesh, lens)
    sharp = swap(frame, face, mesh, None)
    wanted = smeared(middle(sharp, face), truth)
    got = middle(result, face)
    inside = np.s_[20:-20, 20:-20]
    for turn in (0.0, np.pi / 2):
        ratios = band_ratios(got[inside], wanted[inside], angle + turn)
        assert np.abs(ratios - 1).max() < 0.1, (turn, ratios)
    unblurred = middle(swap(plate, face, mesh, lens, motion_blur=0.0), face)
    assert band_ratios(unblurred[inside], wanted[inside], angle)[1:].max() > 1.2, "the test would not see it"


def test_matte_and_element_carry_the_same_blur(ada: tuple[Frame, Face], mesh: MeshGenerator) -> None:
    frame, face = ada
    lens = PlateLens(np.tile((28.0, 0.0), (478, 1)))
    sharp = swap(frame, face, mesh, lens, shutter="0", layers="all").element_on(frame.window)
    soft = swap(frame, face, mesh, lens, shutter="0.5", layers="all").element_on(frame.window)
    assert np.abs(soft.matte - smeared(sharp.matte, (14.0, 0.0))).max() < 0.03
    assert np.array_equal(soft.matte, soft.element[..., 3])
    wanted = smeared(sharp.element, (14.0, 0.0))
    assert np.abs(soft.element - wanted)[soft.matte > 0.02].mean() < 0.02 * float(np.mean(wanted[..., :3]))
    assert np.allclose(soft.layers["matte_hull"] * soft.layers["matte_coverage"], soft.matte, atol=1e-5)
    assert np.array_equal(soft.layers["depth.Z"][100:200, 150:200], sharp.layers["depth.Z"][100:200, 150:200])


def test_a_turning_head_blurs_more_at_the_nose(ada: tuple[Frame, Face], mesh: MeshGenerator) -> None:
    frame, face = ada
    away = face.points[:, 2].max() - face.points[:, 2]
    movement = np.column_stack([24.0 * away / away.max(), np.zeros(478)])
    still, turning = (
        swap(frame, face, mesh, PlateLens(movement, part)).element_on(frame.window) for part in (0.0, 0.5)
    )
    change = np.abs(turning.element - still.element).mean(axis=2)
    x, y = (face.points[:, :2] - (turning.window.x, turning.window.y)).astype(int).T
    nose, edge = ([*range(y[p] - 8, y[p] + 8)] for p in (4, 234))
    assert change[nose, x[4] - 20 : x[4] + 20].mean() > 1.5 * change[edge, x[234] : x[234] + 20].mean()


def test_what_stands_still_is_the_same_bit_for_bit(ada: tuple[Frame, Face], mesh: MeshGenerator) -> None:
    frame, face = ada
    jitter = np.random.default_rng(1).normal(0, 0.05, (478, 2))
    without = swap(frame, face, mesh, None)
    for lens in (PlateLens(jitter, 1.0), PlateLens(np.tile((20.0, 0.0), (478, 1)), 0.0), PlateLens(None, 0.5)):
        assert np.array_equal(swap(frame, face, mesh, lens).over, without.over)


# Guarantees ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [128, 512])
def test_an_unchanged_face_is_the_plate_bit_for_bit(ada: tuple[Frame, Face], side: int) -> None:
    frame, face = ada
    lens = PlateLens(np.tile((25.0, 9.0), (478, 1)), 0.5, softness=0.02)
    swapped = swap(
        frame, face, NullGenerator(side=side), lens, defocus="4", defocus_falloff=3.0, grain=1.0, occlusion=0.5
    )
    assert np.array_equal(swapped.over, frame.pixels[swapped.window.slices(frame.window)])


@pytest.mark.parametrize("falloff", [0.0, 4.0])
def test_outside_the_matte_the_plate_is_untouched(falloff: float, ada: tuple[Frame, Face], mesh: MeshGenerator) -> None:
    frame, face = ada
    lens = PlateLens(np.tile((25.0, 9.0), (478, 1)), 0.5, softness=0.01)
    swapped = swap(frame, face, mesh, lens, defocus_falloff=falloff)
    assert 0 < (swapped.matte == 0).mean() < 0.6
    plate = frame.pixels[swapped.window.slices(frame.window)]
    assert np.array_equal(swapped.over[swapped.matte == 0], plate[swapped.matte == 0])


def test_the_composite_grows_by_what_the_blur_carries_out_of_the_hull(
    ada: tuple[Frame, Face], source_bea: Source, mesh: MeshGenerator
) -> None:
    frame, face = ada
    lens = PlateLens(np.tile((30.0, 0.0), (478, 1)))

    def window(generator: Generator, shutter: str) -> Window:
        return swap(frame, face, generator, lens, shutter=shutter).window

    assert window(mesh, "0.6") == window(mesh, "0").grow(9).intersect(frame.window)
    reshaped = MeshGenerator(source_bea, MeshSettings())  # the plate moves around the face: there is room already
    assert window(reshaped, "0.6") == window(reshaped, "0") != window(mesh, "0")


class Copying:
    """A stand-in for a network: it answers with what it is shown, a little darker, and so with the plate's own blur."""

    name: str = "copying"
    weights: tuple[str, ...] = ()
    encoding: Encoding = "working"

    def frame(self, face: Face, pixel_aspect: float) -> CropTransform:
        return NullGenerator(side=256).frame(face, pixel_aspect)

    def generate(self, crop: Crop) -> Generated:
        return Generated(crop.pixels * np.float32(0.9), np.ones(crop.pixels.shape[:2], np.float32))


def test_what_is_blurred_already_is_not_blurred_twice(ada: tuple[Frame, Face]) -> None:
    frame, face = ada
    plate = blurred(frame, lambda pixels: smeared(pixels, (8.0, 0.0)))
    lens = PlateLens(np.tile((16.0, 0.0), (478, 1)), 0.5, softness=0.9 / SIZE)
    kept = middle(swap(plate, face, Copying(), lens), face)
    without = middle(swap(plate, face, Copying(), lens, motion_blur=0.0, defocus="0"), face)
    for angle in (0.0, np.pi / 2):
        assert band_ratios(kept, without, angle)[:2].min() > 0.8
    sharp = swap(frame, face, Copying(), lens)  # a network that answers sharp is blurred
    assert band_ratios(middle(sharp, face), middle(swap(frame, face, Copying(), None), face), 0.0)[1] < 0.7


# Defocus -------------------------------------------------------------------------------------------------------------


def edge_width(pixels: np.ndarray, window: Window, face: Face, frame: Frame) -> float:
    return softness(measure_edges(frame.color.luminance(np.ascontiguousarray(pixels)), window, face)) * face.size


@pytest.mark.parametrize(
    ("who", "sigma", "within"),
    [
        ("twin", 1.0, 0.1),
        ("twin", 1.5, 0.1),
        ("mesh", 1.0, 0.1),
        ("mesh", 1.5, 0.1),
        ("twin", 2.0, 0.1),
        ("twin", 4.0, 0.1),
        ("twin", 8.0, 0.1),
        ("mesh", 2.0, 0.15),
        ("mesh", 4.0, 0.15),
        ("mesh", 8.0, 0.1),
    ],
)
def test_edges_are_as_soft_as_the_plates(
    who: str, sigma: float, within: float, ada: tuple[Frame, Face], request: pytest.FixtureRequest
) -> None:
    """The plate's person is put in (twin), and another: two people's edges differ by as much as the least of these blurs."""
    frame, face = ada
    plate = blurred(frame, lambda pixels: softened(pixels, sigma))
    own = edge_width(plate.pixels, plate.window, face, frame)
    result = swap(plate, face, request.getfixturevalue(who), PlateLens(softness=own / face.size))
    pixels = plate.pixels.copy()
    pixels[result.window.slices(plate.window)] = result.over
    assert edge_width(pixels, plate.window, face, frame) == pytest.approx(own, rel=within)


@pytest.mark.parametrize(("sigma", "light"), [(6.0, (0.0, -3.0)), (8.0, (-2.0, 2.0)), (8.0, (-2.0, -2.0))])
def test_far_out_of_focus_the_plates_light_is_part_of_what_is_measured(
    sigma: float, light: tuple[float, float], ada: tuple[Frame, Face], mesh: MeshGenerator
) -> None:
    """Under a wide blur shading is as steep as what is left of the edges, so that another light is another softness."""
    frame, face = ada
    y, x = (
        (np.arange(side) - middle) / SIZE
        for side, middle in zip(frame.pixels.shape, face.points[4, 1::-1], strict=False)
    )
    shade = np.exp(light[0] * x + light[1] * y[:, None]).astype(np.float32)[..., None]
    plate = blurred(frame, lambda pixels: softened(pixels * shade, sigma))
    own = edge_width(plate.pixels, plate.window, face, frame)
    result = swap(plate, face, mesh, PlateLens(softness=own / face.size))
    pixels = plate.pixels.copy()
    pixels[result.window.slices(plate.window)] = result.over
    assert edge_width(pixels, plate.window, face, frame) == pytest.approx(own, rel=0.1)


def test_a_face_that_is_blurred_is_left_as_it_was() -> None:
    """It may be what a cache keeps, and a slice over whole rows is no copy."""
    window = Window(0, 0, 40, 30)
    face = Face(np.zeros((478, 3)), 1.0, 1.0, 0.2)
    crop = PlateCrop(np.ones((30, 40, 3), np.float32), CropTransform(np.eye(2, 3), window), face, None)
    pixels = np.random.default_rng(3).random((30, 40, 3)).astype(np.float32)
    given = pixels.copy()
    changed = blurred_face(given, crop, FrameBlur(None, 2.0), np.ones((30, 40), np.float32))
    assert np.array_equal(given, pixels) and not np.array_equal(changed, pixels)


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_a_sharp_plate_gets_no_defocus(ada: tuple[Frame, Face], mesh: MeshGenerator, sigma: float) -> None:
    """Half a pixel is within what sharp pictures of different people differ by."""
    frame, face = ada
    own = edge_width(softened(frame.pixels, sigma), frame.window, face, frame) / face.size
    assert np.array_equal(swap(frame, face, mesh, PlateLens(softness=own)).over, swap(frame, face, mesh, None).over)


def test_a_number_is_pixels_of_the_full_plate_and_the_amount_a_factor(
    ada: tuple[Frame, Face], mesh: MeshGenerator
) -> None:
    frame, face = ada
    sharp = middle(swap(frame, face, mesh, None), face)
    inside = np.s_[30:-30, 30:-30]
    for values, lens in (
        ({"defocus": "3"}, PlateLens()),
        ({"defocus": "6"}, PlateLens(scale=0.5)),
        ({"defocus": "1.5", "defocus_amount": 2.0}, PlateLens()),
    ):
        soft = middle(swap(frame, face, mesh, lens, **values), face)
        assert np.abs(soft - softened(sharp, 3.0))[inside].mean() < 0.02 * sharp.mean()


def test_fall_off_blurs_more_with_depth(ada: tuple[Frame, Face], mesh: MeshGenerator) -> None:
    """With the plane of focus at the nose's tip, the nose stays sharp, and cheeks are softer than at the blur of the eyes."""
    frame, face = ada
    lens = PlateLens()
    places = {name: face.points[point, :2].astype(int) for name, point in (("nose", 4), ("cheek", 123))}

    def change(first: CompositeResult, second: CompositeResult, name: str) -> float:
        x, y = places[name] - (frame.window.x, frame.window.y)
        part = np.s_[y - 12 : y + 12, x - 12 : x + 12]
        return float(
            np.abs(first.element_on(frame.window).element[part] - second.element_on(frame.window).element[part]).mean()
        )

    sharp, even = (swap(frame, face, mesh, lens, defocus=width) for width in ("0", "2"))
    falling = swap(frame, face, mesh, lens, defocus="2", defocus_falloff=3.2)
    assert change(falling, sharp, "nose") < 0.3 * change(even, sharp, "nose")
    assert change(falling, sharp, "cheek") > 1.1 * change(even, sharp, "cheek")
    turned = swap(frame, face, mesh, lens, defocus="2", defocus_falloff=-3.2)
    assert change(turned, sharp, "nose") > 1.3 * change(even, sharp, "nose")


def test_fall_off_alone_leaves_the_eyes_sharp_and_the_amount_is_a_factor(
    ada: tuple[Frame, Face], mesh: MeshGenerator
) -> None:
    frame, face = ada
    without = swap(frame, face, mesh, None)
    off = swap(frame, face, mesh, PlateLens(), defocus_falloff=4.0, defocus_amount=0.0)
    assert np.array_equal(off.over, without.over)
    once = swap(frame, face, mesh, PlateLens(), defocus_falloff=4.0)
    twice = swap(frame, face, mesh, PlateLens(), defocus_falloff=2.0, defocus_amount=2.0)
    proxy = swap(frame, face, mesh, PlateLens(scale=0.5), defocus_falloff=8.0)
    assert np.array_equal(once.over, twice.over) and np.array_equal(once.over, proxy.over)
    assert not np.array_equal(middle(once, face), middle(without, face))


# Header and parameters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ({"expTime": 1 / 48, "framesPerSecond": (24, 1)}, 0.5),
        ({"expTime": 1 / 96, "framesPerSecond": 24.0}, 0.25),
        ({"camera/ShutterAngle": "172.8"}, 0.48),
        ({"dpx:ShutterAngle": 180.0}, 0.5),
        ({"camera_shutter_angle": 90}, 0.25),
        ({"expTime": 1 / 48}, None),
        ({"expTime": 2.0, "framesPerSecond": (24, 1)}, None),
        ({"shutterAngle": "open"}, None),
        ({}, None),
    ],
)
def test_the_shutter_in_a_header(attributes: dict[str, object], part: float | None) -> None:
    assert header_shutter(attributes) == (None if part is None else pytest.approx(part))


def test_plate_takes_the_headers_shutter_and_else_the_measured_one(
    ada: tuple[Frame, Face], mesh: MeshGenerator
) -> None:
    frame, face = ada
    movement = np.tile((20.0, 0.0), (478, 1))

    def over(lens: PlateLens, shutter: str) -> np.ndarray:
        return swap(frame, face, mesh, lens, shutter=shutter).over

    told = over(PlateLens(movement, 0.1, 0.5), "plate")
    assert np.array_equal(told, over(PlateLens(movement), "0.5"))
    assert np.array_equal(over(PlateLens(movement, 0.3), "plate"), over(PlateLens(movement, 0.3), "auto"))


@pytest.mark.parametrize(
    ("values", "code"),
    [({"shutter": "wide"}, "bad-shutter"), ({"shutter": "1.5"}, "bad-shutter"), ({"defocus": "-1"}, "bad-defocus")],
)
def test_what_is_no_shutter_and_no_defocus_is_refused(
    values: dict[str, object], code: str, ada: tuple[Frame, Face], mesh: MeshGenerator
) -> None:
    with pytest.raises(UsageError) as refusal:
        swap(*ada, mesh, PlateLens(np.ones((478, 2))), **values)
    assert refusal.value.code == code
