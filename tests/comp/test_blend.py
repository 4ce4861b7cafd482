"""Blending: no seam at the edge of the matte."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.comp.blend import membrane
from faceplate.demo import PEOPLE
from faceplate.face import Face
from faceplate.generators import Generator, MeshGenerator, MeshSettings
from faceplate.image.frame import Frame
from faceplate.render.composite import CompositeResult
from faceplate.render.prepare import prepare_plate
from faceplate.render.swap import swap_face
from faceplate.review.measures import seam_ratio
from faceplate.shot.parameters import Parameters
from pictures import FaceIn, ReadPicture, ReadSource


def swap(frame: Frame, face: Face, generator: Generator, **values: object) -> CompositeResult:
    return swap_face(frame, face, generator, Parameters.model_validate(values))


def plate_of(frame: Frame, swapped: CompositeResult) -> np.ndarray:
    return frame.pixels[swapped.window.slices(frame.window)]


# --- seam -------------------------------------------------------------------------------------------------------------


def edge_of(matte: np.ndarray) -> np.ndarray:
    """The matte's edge, where a seam would lie."""
    return (matte > 0.02) & (matte < 0.98)


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(PEOPLE, 2)))
def test_no_seam(
    source: str, target: str, read_picture: ReadPicture, face_in: FaceIn, color: ColorConfig, source_of: ReadSource
) -> None:
    """Along the edge of the face's own matte, against the plate that was moved to meet the new shape."""
    frame, face = read_picture(f"{target}/front.jpg"), face_in(f"{target}/front.jpg")
    working = Frame(frame.working(), frame.window, color.working_space, color)
    generator = MeshGenerator(source_of(source))
    parameters = Parameters(occlusion=0, layers="parts")
    swapped = swap_face(working, face, generator, parameters)
    moved = prepare_plate(working, face, generator, parameters).working[swapped.window.slices(working.window)]
    edge = swapped.layers["matte_hull"] * swapped.layers["matte_coverage"]
    # The matte's own edge is farther out, where the moved plate ends.
    for plate, matte in ((moved, edge), (plate_of(working, swapped), swapped.matte)):
        assert seam_ratio(swapped.over, plate, edge_of(matte)) < 1.15
        for stops in (-4, 0, 4):  # and as the eye sees it, pushed, through the display's view

            def shown(picture: np.ndarray, stops: int = stops) -> np.ndarray:
                return np.clip(color.to_display((picture * 2.0**stops).astype(np.float32)), 0, 1)

            assert seam_ratio(shown(swapped.over), shown(plate), edge_of(matte), logged=False) < 1.15


def test_the_seam_ratio_sees_a_seam(
    read_picture: ReadPicture, face_in: FaceIn, color: ColorConfig, source_of: ReadSource
) -> None:
    frame, face = read_picture("fox/front.jpg"), face_in("fox/front.jpg")
    working = Frame(frame.working(), frame.window, color.working_space, color)
    generator = MeshGenerator(source_of("dot"), MeshSettings(shape=0))
    swapped = swap(
        working, face, generator, occlusion=0, blend="none", light_luminance=0, light_color=0, matte_feather=0.01
    )
    assert seam_ratio(swapped.over, plate_of(working, swapped), edge_of(swapped.matte)) > 1.3


# --- arithmetic -------------------------------------------------------------------------------------------------------


def test_membrane_is_harmonic() -> None:
    """On a disk the harmonic continuation of cos(k·angle) is r^k·cos(k·angle)."""
    y, x = np.mgrid[:161, :161].astype(np.float32)
    dx, dy = (x - 80) / 70, (y - 80) / 70
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    field = np.stack([np.cos(angle), np.cos(2 * angle), np.ones_like(angle)], axis=-1).astype(np.float32)
    seam = ((radius > 0.98) & (radius < 1.1)).astype(np.float32)
    got = membrane(field, seam, radius <= 0.98)
    wanted = np.stack([radius * np.cos(angle), radius**2 * np.cos(2 * angle), np.ones_like(angle)], axis=-1)
    assert np.abs(got - wanted)[radius < 0.9].max() < 0.1
    near = membrane(field, seam, radius <= 0.98, reach=7.0)
    assert np.abs(near[80, 80]).max() < 0.01 and near[80, 80 + 66, 2] > 0.5
