"""Tones of the new face: what the generator knows comes first; and the plate's light that they tell."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.comp import SkinTones, measure_tones
from faceplate.face import Face, FaceFinder
from faceplate.generators import Generated, NullGenerator
from faceplate.image.frame import Frame
from faceplate.render.face_tones import expected_light, new_tones
from faceplate.render.prepare import PreparedPlate, prepare_plate
from faceplate.shot.parameters import Parameters
from pictures import ReadPicture


@pytest.fixture(scope="module")
def plate(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    frame = read_picture("ada/front.jpg")
    return frame, finder.find(frame)[0]


@pytest.fixture(scope="module")
def prepared(plate: tuple[Frame, Face]) -> PreparedPlate:
    return prepare_plate(*plate, NullGenerator(side=512), Parameters())


def test_what_the_generator_knows_comes_before_what_is_measured(prepared: PreparedPlate) -> None:
    crop = prepared.crop
    covered = np.ones(crop.pixels.shape[:2], np.float32)
    measured = measure_tones(crop.pixels, crop.transform.window, crop.face)
    assert np.allclose(new_tones(crop.pixels, covered, None, crop).log, measured.log, atol=1e-5)
    trust = np.where(np.arange(112) % 2, 1.0, 0.0)
    known = SkinTones(np.full((112, 3), -1.0), trust)
    found = new_tones(crop.pixels, covered, known, crop)
    assert np.allclose(found.log[trust > 0], -1.0)
    assert np.allclose(found.log[trust == 0], measured.log[trust == 0], atol=1e-5)


def test_a_darker_face_is_expected_to_be_made_lighter(prepared: PreparedPlate) -> None:
    crop = prepared.crop
    darker = Generated(crop.pixels * np.float32(0.5), np.ones(crop.pixels.shape[:2], np.float32))
    light = expected_light(prepared, darker, crop.transform.window, crop.face.size)
    assert light is not None and light.shape == crop.pixels.shape[:2] and light.dtype == np.float32
    assert float(np.median(light)) == pytest.approx(2.0, rel=0.1)


def test_no_light_is_expected_where_no_face_is_covered(prepared: PreparedPlate) -> None:
    nothing = Generated(prepared.crop.pixels, np.zeros(prepared.crop.pixels.shape[:2], np.float32))
    assert expected_light(prepared, nothing, prepared.crop.transform.window, prepared.crop.face.size) is None
