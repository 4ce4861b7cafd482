"""Face swap on a real face: the null swap through every stage, and its independence of exposure and colour space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp import (
    enhance_detail,
    gradient_blend,
    hull_matte,
    match_light,
    measure_tones,
    multiband_blend,
)
from faceplate.face import Face, FaceFinder
from faceplate.generators import Generator, MeshGenerator, NullGenerator
from faceplate.image.frame import Frame
from faceplate.render.composite import CompositeResult
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from lights import half_size
from measures import relative_rms
from pictures import ReadPicture


@pytest.fixture(scope="module")
def ada(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    """Ada at half size, in the working space, and her face."""
    return half_size(read_picture("ada/front.jpg"), finder)


def swap(frame: Frame, face: Face, generator: Generator, **values: object) -> CompositeResult:
    return swap_face(frame, face, generator, Parameters.model_validate(values))


# --- doing nothing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blend", ["seam", "gradient", "multiband", "none"])
@pytest.mark.parametrize("side", [128, 512])
def test_null_swap_through_every_stage(blend: str, side: int, ada: tuple[Frame, Face]) -> None:
    frame, face = ada
    pixels = frame.pixels + np.random.default_rng(2).normal(0, 0.01, frame.pixels.shape).astype(np.float32)
    pixels[250:253, 200:204], pixels[300, 300] = 40.0, -0.05
    swapped = swap(
        frame.with_pixels(pixels), face, NullGenerator(side=side), blend=blend, layers="all", grain=1.0, own_grain=1.0,
        plate_skin=1.0, occlusion=0.5, light_luminance=1.0, light_color=1.0, light_highlights=1.0, keep="brows",
    )  # fmt: skip
    assert np.array_equal(swapped.over, pixels[swapped.window.slices(frame.window)])
    assert {"matte", "matte_hull", "matte_occlusion", "raw", "stmap", "depth.Z", "confidence", "faceplate_id00"} <= set(
        swapped.layers
    )


def test_each_stage_gives_back_equal_pictures(ada: tuple[Frame, Face]) -> None:
    frame, face = ada
    same = frame.pixels.copy()
    tones, plate = (measure_tones(pixels, frame.window, face) for pixels in (same, frame.pixels))
    match = match_light(tones, plate, face, scale=0.08)
    assert match is not None
    assert not match.light.on(frame.window, face.size).any() and not match.seam.on(frame.window, face.size).any()
    ramp = hull_matte(face, frame.window, erode=0, feather=0.06)
    seam = ((ramp > 0) & (ramp < 1)).astype(np.float32)
    assert np.array_equal(gradient_blend(same, frame.pixels, ramp >= 1, seam, face.level), same)
    assert np.array_equal(multiband_blend(same, frame.pixels, ramp, face.level), same)
    assert enhance_detail(same, face.size, face.level, 0.0) is same


# --- invariance -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exposed(ada: tuple[Frame, Face], finder: FaceFinder) -> dict[int, tuple[Frame, Face]]:
    """The picture from 4 stops under to 4 over, and the face with the level found there.

    The detector's own wobble is the track's affair: here the comp is held to account.
    """
    frame, face = ada
    found = {}
    for stops in range(-4, 5):
        picture = frame.with_pixels(frame.pixels * np.float32(2.0**stops))
        found[stops] = picture, replace(face, level=finder.find(picture)[0].level)
    return found


@pytest.mark.parametrize("blend", ["seam", "gradient", "multiband"])
def test_exposure(blend: str, exposed: dict[int, tuple[Frame, Face]], mesh_of_bea: MeshGenerator) -> None:
    results = {}
    for stops, (picture, face) in exposed.items():
        swapped = swap(picture, face, mesh_of_bea, blend=blend, grain=0)
        results[stops] = swapped.over * np.float32(2.0**-stops), swapped.matte
    reference, matte = results[0]
    for stops in exposed:
        inside = matte > 0
        assert relative_rms(results[stops][0][inside], reference[inside]) < 0.01, stops


@pytest.mark.parametrize("space", ["ACES2065-1", "Linear Rec.709 (sRGB)", "ARRI LogC3 (EI800)"])
def test_space(space: str, ada: tuple[Frame, Face], mesh_of_bea: MeshGenerator, color: ColorConfig) -> None:
    frame, face = ada
    reference = swap(frame, face, mesh_of_bea)
    other = replace(frame, pixels=color.from_working(frame.pixels, space), space=space)
    swapped = swap(other, face, mesh_of_bea)
    inside = reference.matte > 0
    back = color.to_working(swapped.over, space)
    assert relative_rms(back[inside], reference.over[inside]) < 0.01
