"""A crop's matte leaves out what hides the face and what the picture does not show, and its measures are those of the face."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceplate.face import Face, FaceFinder, topology
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from faceplate.train.crops import FaceCrop, FaceMeasures, cut_face


@pytest.fixture(scope="module")
def seen(read_picture: Callable[[str], Frame], face_in: Callable[[str], Face]) -> tuple[Frame, Face]:
    return read_picture("bea/front.jpg"), face_in("bea/front.jpg")


def cut(picture: Frame, face: Face, finder: FaceFinder) -> tuple[FaceCrop, FaceMeasures]:
    return cut_face(picture, face, 96, finder)


def test_an_occluder_is_a_hole_in_the_matte(seen: tuple[Frame, Face], finder: FaceFinder) -> None:
    picture, face = seen
    pixels = picture.pixels.copy()
    left, top, width, height = (round(value) for value in face.box)
    board = (slice(top + round(0.72 * height), top + height + 60), slice(left - 60, left + width + 60))
    pixels[board] = (0.2, 0.45, 0.2)
    clear, found = cut(picture, face, finder)[0], cut(picture.with_pixels(pixels), face, finder)
    chin = np.floor(clear.landmarks[200]).astype(int)
    assert clear.matte[chin[1], chin[0]] > 240 and found[0].matte[chin[1], chin[0]] < 30
    assert 0.1 < found[1].hidden < 0.35
    eye = np.floor(clear.landmarks[468]).astype(int)
    assert found[0].matte[eye[1], eye[0]] > 220


def test_the_matte_goes_beyond_the_outline(seen: tuple[Frame, Face], finder: FaceFinder) -> None:
    """A render multiplies it with the plate's own hull; inside that it must be whole, or a rim of the double stays."""
    crop = cut(*seen, finder)[0]
    outline = crop.landmarks[topology().oval]
    jaw = outline[outline[:, 1] > np.median(outline[:, 1])]
    at = np.clip(np.floor(jaw).astype(int), 0, 95)
    assert np.median(crop.matte[at[:, 1], at[:, 0]]) > 200
    assert crop.matte[:3].max() == 0 and crop.matte[:, :3].max() == 0


def test_beyond_the_picture_there_is_no_face(seen: tuple[Frame, Face], finder: FaceFinder) -> None:
    picture, face = seen
    edge = round(face.points[:, 0].mean())
    half = picture.region(Window(0, 0, edge, picture.window.height))
    crop, measures = cut(half, face, finder)
    beyond = int(np.ceil(crop.landmarks[:, 0].mean())) + 2
    assert measures.outside == pytest.approx(0.5, abs=0.1)
    assert not crop.matte[:, beyond:].any() and crop.matte[:, : beyond - 6].max() == 255


def test_sharpness_falls_with_every_blur(seen: tuple[Frame, Face], finder: FaceFinder) -> None:
    picture, face = seen
    found = []
    for sigma in (0.0, 4.0, 10.0, 20.0):
        soft = cv2.GaussianBlur(picture.pixels, (0, 0), sigma) if sigma else picture.pixels
        found.append(cut(picture.with_pixels(soft), face, finder)[1].sharpness)
    assert 0.6 < found[0] < 1.5
    assert found == sorted(found, reverse=True) and found[2] < 0.5 * found[0] and found[3] < 0.2 * found[0]


def test_highlights_keep_their_light_and_the_measures_their_picture(
    seen: tuple[Frame, Face], finder: FaceFinder
) -> None:
    picture, face = seen
    linear = Frame(picture.working(), picture.window, picture.color.working_space, picture.color)
    lit = linear.pixels.copy()
    nose = np.floor(face.points[4, :2]).astype(int)
    lit[nose[1] - 12 : nose[1] + 12, nose[0] - 12 : nose[0] + 12] = 400.0
    plain, bright = cut(linear, face, finder), cut(linear.with_pixels(lit), face, finder)
    at = tuple(np.floor(plain[0].landmarks[4]).astype(int)[::-1])
    assert float(bright[0].pixels[at].max()) > 1.0 and plain[0].pixels.max() < 1.0
    assert abs(plain[1].yaw) < 10 and plain[1].mouth < 0.3 and plain[1].eyes > 0.15
    assert plain[1].side == pytest.approx(face.size * 1.35, rel=0.25)
