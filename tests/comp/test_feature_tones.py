"""Sclera and teeth: measured over the skin, whatever the exposure and the face's size; certain only where they show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceplate.comp.feature_tones import SCLERA, TEETH, FeatureTones, combine_features, measure_features
from faceplate.comp.skin_tones import measure_tones
from faceplate.face import Face, FaceFinder, topology
from faceplate.face.align import resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from pictures import ReadPicture

SKIN, WHITE, TOOTH = np.array([0.42, 0.27, 0.18]), np.array([0.5, 0.5, 0.5]), np.array([0.55, 0.52, 0.44])


@pytest.fixture(scope="module")
def face(read_picture: ReadPicture, finder: FaceFinder) -> Face:
    """Ada's face."""
    return finder.find(read_picture("ada/front.jpg"))[0]


def opened(face: Face, by: float = 0.1) -> Face:
    """The face with its lower inner lip moved down by a part of its size."""
    points, mesh = face.points.copy(), topology()
    loop = mesh.mouth_loop
    lower = loop[points[loop, 1] > points[loop, 1].mean()]
    points[lower, 1] += by * face.size
    return face.moved(points)


def painted(face: Face, sclera: np.ndarray = WHITE, teeth: np.ndarray | None = TOOTH) -> tuple[np.ndarray, Window]:
    """A flat face: skin, white eyes with dark irises, and a mouth with teeth in its upper half."""
    window = face.window(0.3)
    pixels = np.empty((window.height, window.width, 3), np.float32)
    pixels[:] = SKIN
    mesh, at = topology(), face.points[:, :2] - (window.x + 0.5, window.y + 0.5)

    def fill(outline: np.ndarray, value: np.ndarray) -> None:
        cv2.fillPoly(pixels, [np.round(outline * 16).astype(np.int32)], value.tolist(), cv2.LINE_AA, 4)

    for loop, iris in ((mesh.right_eye_loop, slice(468, 473)), (mesh.left_eye_loop, slice(473, 478))):
        fill(at[loop], sclera)
        fill(cv2.convexHull(at[iris].astype(np.float32))[:, 0], np.array([0.03, 0.02, 0.02]))
    mouth = at[mesh.mouth_loop]
    fill(mouth, np.array([0.03, 0.012, 0.01]))
    if teeth is not None:
        fill(mouth * (1, 0.55) + (0, 0.45 * mouth[:, 1].min()), teeth)
    return pixels, window


def measured(pixels: np.ndarray, window: Window, face: Face, visible: np.ndarray | None = None) -> FeatureTones:
    return measure_features(pixels, window, face, measure_tones(pixels, window, face, visible), visible)


def sized(face: Face, size: float) -> Face:
    return face.moved(face.points * (size / face.size))


# Lips and lids are painted as skin, so that a small face mixes the skin's brightness with their dark surroundings. Tones at the
# inner edges of the lips show the dark mouth, and once made the teeth of large faces 0.27 too bright.
@pytest.mark.parametrize(("size", "most"), [(120, 0.16), (300, 0.09), (1200, 0.07)])
def test_painted_sclera_and_teeth_are_measured_over_the_skin(size: float, most: float, face: Face) -> None:
    open_face = sized(opened(face), size)
    found = measured(*painted(open_face), open_face)
    assert found.certainty.min() > 0.5
    off = found.log - np.log(np.stack([WHITE / SKIN, TOOTH / SKIN]))
    assert np.abs(off - off.mean(axis=1, keepdims=True)).max() < 0.06
    assert np.abs(off.mean(axis=1)).max() < most


def test_exposure_and_a_colour_of_the_light_do_not_change_them(face: Face) -> None:
    open_face = opened(face)
    pixels, window = painted(open_face)
    lit = (pixels * (3.0, 2.0, 1.2)).astype(np.float32)
    first = measured(pixels, window, open_face)
    brighter = Face(open_face.points, open_face.score, open_face.presence, open_face.level * 2)
    second = measured(lit, window, brighter)
    assert np.allclose(first.log, second.log, atol=1e-3) and np.allclose(first.certainty, second.certainty, atol=1e-3)


def test_closed_and_hidden_parts_have_no_certainty(face: Face) -> None:
    points, mesh = face.points.copy(), topology()
    for loop in (mesh.right_eye_loop, mesh.left_eye_loop, mesh.mouth_loop):
        points[loop, 1] = points[loop, 1].mean() + 0.02 * (points[loop, 1] - points[loop, 1].mean())
    closed = face.moved(points)
    assert not measured(*painted(closed), closed).certainty.any()
    open_face = opened(face)
    pixels, window = painted(open_face)
    visible = np.ones(pixels.shape[:2], np.float32)
    visible[: int(open_face.points[topology().mouth_loop, 1].min() - window.y) - 8] = 0
    found = measure_features(pixels, window, open_face, measure_tones(pixels, window, open_face), visible)
    assert found.certainty[SCLERA] == 0 and found.certainty[TEETH] > 0.5


def test_a_dark_mouth_and_a_tongue_are_no_teeth(face: Face) -> None:
    open_face = opened(face)
    assert measured(*painted(open_face, teeth=None), open_face).certainty[TEETH] == 0
    tongue = measured(*painted(open_face, teeth=np.array([0.42, 0.16, 0.13])), open_face)
    assert tongue.certainty[TEETH] == 0


def test_what_is_hidden_more_and_more_fades_without_a_step(face: Face) -> None:
    open_face = opened(face)
    pixels, window = painted(open_face)
    left, right = open_face.points[:, 0].min() - window.x, open_face.points[:, 0].max() - window.x
    tones = measure_tones(pixels, window, open_face)
    seen = []
    for part in np.linspace(0, 1, 81):
        x = np.arange(window.width) - (left + part * (right - left))
        visible = np.broadcast_to(np.clip(x / 10 + 0.5, 0, 1), pixels.shape[:2]).astype(np.float32)
        seen.append(measure_features(pixels, window, open_face, tones, visible).certainty)
    assert np.abs(np.diff(np.array(seen), axis=0)).max() < 0.5 and not seen[-1].any() and seen[0].min() > 0.5


def test_a_real_face_shows_whiter_eyes_than_skin(read_picture: ReadPicture, face: Face) -> None:
    frame: Frame = read_picture("ada/front.jpg")
    pixels = frame.working()
    found = measured(pixels, frame.window, face)
    half = resample(pixels, frame.window, np.array([[0.4, 0, 0], [0, 0.4, 0]]), frame.window)
    small = measured(half, frame.window, sized(face, 0.4 * face.size))
    assert found.certainty[SCLERA] > 0.5 and found.log[SCLERA, 2] > found.log[SCLERA, 0]
    assert np.abs(found.log[SCLERA] - small.log[SCLERA]).max() < 0.12


def test_one_odd_picture_does_not_bend_the_persons() -> None:
    def tones(value: float, certainty: float = 1.0) -> FeatureTones:
        return FeatureTones(np.full((2, 3), value), np.full(2, certainty))

    many = combine_features([tones(0.3), tones(0.31), tones(0.29), tones(2.0), tones(9.0, 0.0)])
    assert abs(many.log[0, 0] - 0.3) < 0.02 and many.certainty.min() == 1
    assert combine_features([tones(1.0, 0.0)]).certainty.max() == 0
