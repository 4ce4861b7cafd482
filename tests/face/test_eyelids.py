"""How far eyes are open as their pixels show it: drawn lids are read where the landmarks see them half open."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.color import Exposure
from faceplate.face import Face, FaceFinder, landmark
from faceplate.face.align import apply, scale_of
from faceplate.face.expression import EYE_CORNERS, eye_openness
from faceplate.face.eyelids import EYE_HEIGHT, EYE_WIDTH, eye_pictures, eye_window, lids_of, lids_seen
from faceplate.face.find import region_of, view
from faceplate.face.shape import head_model
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from lights import half_size
from pictures import ReadPicture
from track_plates import SHUT, blinking, looking

SQUARE = Window(0, 0, landmark.SIDE, landmark.SIDE)
Seen = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module", params=["ada", "bea"])
def person(request: pytest.FixtureRequest, read_picture: ReadPicture, finder: FaceFinder) -> tuple[Frame, Face]:
    return half_size(read_picture(f"{request.param}/front.jpg"), finder)


def seen(frame: Frame, face: Face) -> Seen:
    """The picture and the points as the landmarker sees them."""
    matrix = region_of(face.points, 1.0).matrix()
    picture, _ = view(frame, matrix, landmark.SIDE, Exposure.of_level(face.level).gain)
    return picture, np.column_stack([apply(matrix, face.points[:, :2]), face.points[:, 2] * scale_of(matrix)])


def drawn(person: tuple[Frame, Face], finder: FaceFinder, shut: float, look: float = 0.0) -> Seen:
    frame, face = person
    turned = looking(frame.pixels, face.points[:, :2], np.array([look, 0.0]))
    other = frame.with_pixels(blinking(turned, face.points[:, :2], shut))
    return seen(other, finder.refine(other, face))


def test_lids_are_read_as_far_as_they_are_drawn(person: tuple[Frame, Face], finder: FaceFinder) -> None:
    opened = np.mean(eye_openness(person[1].points))
    shares, read, landmarked = np.linspace(0, 1, 6), [], []
    for shut in shares:
        picture, points = drawn(person, finder, shut)
        read.append(lids_seen(picture, SQUARE, points).mean() / opened)
        landmarked.append(np.mean(eye_openness(points)) / opened)
    truth = 1 - SHUT * shares
    assert np.abs(read - truth).max() < 0.25 and read[-1] < 0.2 < 0.35 < landmarked[-1], (read, landmarked)
    assert np.corrcoef(read, truth)[0, 1] > 0.97
    assert np.abs(read - truth).mean() < 0.6 * np.abs(landmarked - truth).mean()


def test_a_look_is_no_blink(person: tuple[Frame, Face], finder: FaceFinder) -> None:
    opened = np.mean(eye_openness(person[1].points))
    for look in (-0.1, 0.1):
        assert lids_seen(*_on_square(drawn(person, finder, 0.0, look))).mean() > 0.8 * opened


def test_a_part_of_the_picture_is_read_like_the_whole(person: tuple[Frame, Face], finder: FaceFinder) -> None:
    picture, points = drawn(person, finder, 0.5)
    part = eye_window(points).intersect(SQUARE)
    assert part.width < 0.8 * SQUARE.width and part.height < 0.5 * SQUARE.height
    cut = np.ascontiguousarray(picture[part.slices(SQUARE)])
    assert np.allclose(lids_seen(cut, part, points), lids_seen(picture, SQUARE, points), atol=1e-4)


def test_a_mirrored_face_has_the_other_eyes(person: tuple[Frame, Face], finder: FaceFinder) -> None:
    picture, points = drawn(person, finder, 0.3)
    mirrored = points[head_model().mirror] * (-1, 1, 1) + (SQUARE.width, 0, 0)
    read = lids_seen(picture, SQUARE, points)
    assert np.allclose(lids_seen(np.ascontiguousarray(picture[:, ::-1]), SQUARE, mirrored), read[::-1], atol=0.01)


def test_a_reading_stays_near_the_landmarks(person: tuple[Frame, Face]) -> None:
    _, points = seen(*person)
    for grey in (0.0, 0.5):  # nothing is seen, as through dark glasses
        flat = np.full((SQUARE.height, SQUARE.width, 3), grey, np.float32)
        assert eye_pictures(flat, SQUARE, points).shape == (2, EYE_HEIGHT, EYE_WIDTH)
        read, landmarked = lids_seen(flat, SQUARE, points), np.array(eye_openness(points))
        assert (read <= landmarked).all() and (read >= landmarked - 0.2501).all()


def _on_square(found: Seen) -> tuple[np.ndarray, Window, np.ndarray]:
    return found[0], SQUARE, found[1]


def test_lids_of_a_frame_are_those_that_the_landmarker_sees(person: tuple[Frame, Face]) -> None:
    """At any shape of pixel, and of an excerpt that holds the eyes."""
    frame, face = person
    picture, points = seen(frame, face)
    known = lids_seen(picture, SQUARE, points)
    assert np.allclose(lids_of(frame, face), known, atol=2e-3)
    eyes = face.points[np.concatenate(EYE_CORNERS), :2]
    part = frame.region(Window.around(eyes, 0.25 * face.size))
    assert np.allclose(lids_of(part, face), known, atol=2e-3)
    half = frame.window.width // 2
    squeezed = Frame(
        frame.pixels.reshape(frame.window.height, half, 2, 3).mean(axis=2),
        Window(0, 0, half, frame.window.height),
        frame.space,
        frame.color,
        2.0,
    )
    narrow = face.moved(face.points * (0.5, 1.0, 1.0))
    assert np.allclose(lids_of(squeezed, narrow), known, atol=0.03)
