"""Dials in a frame: mesh and network follow, zero dials change nothing, and the plate outside the matte stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.face import Face, FaceFinder, topology
from faceplate.face.dials import DIALS, dial_features
from faceplate.face.expression import RestingFace
from faceplate.face.eyelids import lids_of
from faceplate.generators import Generator, MeshGenerator, NullGenerator
from faceplate.image.frame import Frame
from faceplate.render.crop import PlateCrop
from faceplate.render.dials import dials_of
from faceplate.render.expression_match import RestingFaces
from faceplate.render.generate import generate_face
from faceplate.render.prepare import prepare_plate
from faceplate.render.swap import swap_face
from faceplate.shot.parameters import Parameters
from faceplate.source import Source
from lights import half_size
from pictures import ReadPicture

PLAIN = {"grain": 0, "occlusion": 0}
NO_MATCH = {"match_lids": 0, "match_gaze": 0, "match_mouth": 0, "match_jaw": 0, "match_brows": 0}


@pytest.fixture(scope="module")
def ada(read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    return half_size(read_picture("ada/front.jpg"), finder)


def features(
    ada: tuple[Frame, Face], generator: Generator, source: Source, finder: FaceFinder, **dials: float
) -> np.ndarray:
    frame, face = ada
    values = {**PLAIN, **{f"dial_{name}": value for name, value in dials.items()}}
    rest = RestingFaces(RestingFace.of([face.points]), source.resting_face)
    result = swap_face(frame, face, generator, Parameters.model_validate(values), rest=rest)
    plate = frame.pixels[result.window.slices(frame.window)]
    assert np.array_equal(result.over[result.matte == 0], plate[result.matte == 0])
    picture = frame.pixels.copy()
    picture[result.window.slices(frame.window)] = result.over
    return dial_features(finder.refine(frame.with_pixels(picture), face).points)


def test_the_result_follows_the_dials(
    ada: tuple[Frame, Face], generator: Generator, source_bea: Source, finder: FaceFinder
) -> None:
    rest = features(ada, generator, source_bea, finder)
    for name, value, least in (("lids", -1.0, 0.03), ("gaze_x", 20.0, 6.0), ("mouth", 0.6, 0.12), ("smile", 0.8, 0.06)):
        change = features(ada, generator, source_bea, finder, **{name: value}) - rest
        assert change[DIALS.index(name)] * np.sign(value) > least, (name, change)


def test_zero_dials_prepare_the_plate_as_before(ada: tuple[Frame, Face]) -> None:
    frame, face = ada
    prepared = prepare_plate(frame, face, NullGenerator(side=256), Parameters())
    assert not dials_of(Parameters()).any
    assert prepared.working is prepared.shot and prepared.face is face and prepared.performed is None


def test_a_network_sees_the_dialled_face_on_the_same_crop(ada: tuple[Frame, Face], finder: FaceFinder) -> None:
    frame, face = ada
    plain, turned = (
        prepare_plate(frame, face, NullGenerator(side=256), Parameters.model_validate({**NO_MATCH, **values}))
        for values in ({}, {"dial_lids": -1.0, "dial_smile": 0.8, "dial_gaze_x": 20.0})
    )
    assert np.array_equal(plain.crop.transform.matrix, turned.crop.transform.matrix)
    shown = frame.with_pixels(turned.working)
    change = dial_features(finder.refine(shown, face).points) - dial_features(face.points)
    assert change[DIALS.index("lids")] < -0.03 and change[DIALS.index("smile")] > 0.06
    beyond = np.abs(turned.working - plain.working).max(axis=2) > 0
    assert beyond.any() and not beyond[:5].any() and not beyond[:, :5].any()


def test_a_fade_of_zero_takes_the_dials_away(ada: tuple[Frame, Face]) -> None:
    frame, face = ada
    parameters = Parameters.model_validate({"dial_lids": -1.0, "dial_gaze_x": 20.0, "dial_mouth": 0.5})
    prepared = prepare_plate(frame, face, NullGenerator(side=256), parameters, weight=0.0)
    assert np.array_equal(prepared.working, prepared.shot) and np.allclose(prepared.face.points, face.points)


def test_a_dialled_mouth_keeps_no_inside_of_a_shut_plate(ada: tuple[Frame, Face], source_bea: Source) -> None:
    """The inside of the plate's mouth, stretched by the dial, lay over the teeth of a source that was less open than the dial."""
    frame, face = ada
    generator = MeshGenerator(source_bea)
    parameters = Parameters.model_validate({**PLAIN, "dial_mouth": 1.0})
    prepared = prepare_plate(frame, face, generator, parameters)
    assert prepared.openings is not None and prepared.openings[0] < 0.5
    made = generate_face(prepared, generator, parameters).generated
    assert made.kept is None or made.kept[mouth_pixels(prepared.crop)].max() < 0.05
    assert prepare_plate(frame, face, generator, Parameters()).openings is None


def mouth_pixels(crop: PlateCrop) -> np.ndarray:
    """The crop's pixels between the lips, bool (h, w)."""
    window = crop.transform.window
    inside = np.zeros((window.height, window.width), np.uint8)
    cv2.fillPoly(
        inside, [np.round(crop.face.points[topology().mouth_loop, :2] - (window.x, window.y)).astype(np.int32)], 1
    )
    return inside > 0


def test_lids_at_minus_one_are_shut(
    ada: tuple[Frame, Face], generator: Generator, source_bea: Source, finder: FaceFinder
) -> None:
    """The goal was a fifth of the eye's opening, and left a line of iris: points of two lids are never quite above each other."""
    frame, face = ada
    rest = RestingFaces(RestingFace.of([face.points]), source_bea.resting_face)
    read = []
    for value in (0.0, -0.5, -1.0):
        result = swap_face(frame, face, generator, Parameters.model_validate({**PLAIN, "dial_lids": value}), rest=rest)
        picture = frame.pixels.copy()
        picture[result.window.slices(frame.window)] = result.over
        after = frame.with_pixels(picture)
        read.append(lids_of(after, finder.refine(after, face)))
    assert (np.diff(read, axis=0) < 0).all() and read[0].min() > 0.2 and read[2].max() < 0.06, read


def test_a_look_up_does_not_redden_the_eyes(ada: tuple[Frame, Face], generator: Generator, source_bea: Source) -> None:
    """The plate's sclera was measured where a moved iris had drawn the lid up, by 0.20 instead of 0.11, and eyes turned red."""
    frame, face = ada
    rest = RestingFaces(RestingFace.of([face.points]), source_bea.resting_face)
    eyes = np.zeros(frame.pixels.shape[:2], np.uint8)
    for loop in (topology().right_eye_loop, topology().left_eye_loop):
        cv2.fillPoly(eyes, [np.round(face.points[loop, :2]).astype(np.int32)], 1)
    redness = []
    for value in (0.0, 15.0):
        parameters = Parameters.model_validate({**PLAIN, "dial_gaze_y": value})
        result = swap_face(frame, face, generator, parameters, rest=rest)
        picture = frame.pixels.copy()
        picture[result.window.slices(frame.window)] = result.over
        red, green, _ = picture[eyes > 0].mean(axis=0)
        redness.append(float(np.log(red / green)))
    assert redness[1] - redness[0] < 0.15
