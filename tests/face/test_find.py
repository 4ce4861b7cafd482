"""Finding faces: detection and landmarks in plates of every kind."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from faceplate.color import ColorConfig
from faceplate.demo import PEOPLE
from faceplate.face import Face, FaceFinder, likeness
from faceplate.face.align import apply, crop_matrix, invert, resample
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from pictures import TRUTH, FaceIn, ReadPicture

PICTURES: dict[str, dict] = json.loads(TRUTH.read_text())["pictures"]
LANDMARKER_SIDE = 256


def truth_of(name: str) -> Face:
    points = np.array(PICTURES[name]["points"])
    return Face(np.column_stack([points, np.zeros(len(points))]), 1.0, 1.0, 0.2)


def crop_corners(face: Face, template: str, side: int) -> np.ndarray:
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    return apply(invert(crop_matrix(face.five, template, side)), square)


@pytest.mark.parametrize("name", PICTURES)
def test_every_demo_person_is_found_and_landmarked(
    name: str, read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn
) -> None:
    faces = finder.find(read_picture(name))
    assert len(faces) >= 1
    face, truth = face_in(name), truth_of(name)
    # The landmarker sees the face on 256 pixels; its own pixel is about four of these pictures'.
    network_pixel = 1.4 * truth.size / LANDMARKER_SIDE
    away = np.linalg.norm(face.points[:, :2] - truth.points[:, :2], axis=1)
    assert away.mean() < 1.1 * network_pixel
    assert np.median(away) < 3.0
    # Sides of the crop, in the crop's own pixels.
    corners = [crop_corners(item, "ffhq_512", LANDMARKER_SIDE) for item in (face, truth)]
    crop_pixel = np.linalg.norm(corners[1][1] - corners[1][0]) / LANDMARKER_SIDE
    assert np.abs(corners[0] - corners[1]).max() / crop_pixel < 2.0


def test_mesh_is_right_to_two_pixels_over_all_pictures(face_in: FaceIn) -> None:
    means = [
        np.linalg.norm(face_in(name).points[:, :2] - truth_of(name).points[:, :2], axis=1).mean() for name in PICTURES
    ]
    assert np.mean(means) < 2.0


@pytest.mark.parametrize("stops", [-8, -4, 4, 8])
def test_dark_and_hot_plates_are_found_alike(
    stops: int, read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn
) -> None:
    frame = read_picture("bea/front.jpg")
    working = (frame.working() * np.float32(2.0**stops)).astype(np.float32)
    faces = finder.find(Frame(working, frame.window, frame.color.working_space, frame.color))
    assert len(faces) >= 1
    away = np.linalg.norm(faces[0].points[:, :2] - face_in("bea/front.jpg").points[:, :2], axis=1)
    assert away.mean() < 2.0
    assert faces[0].level == pytest.approx(face_in("bea/front.jpg").level * 2.0**stops, rel=0.05)


def test_dark_face_in_a_bright_frame_is_found(read_picture: ReadPicture, finder: FaceFinder) -> None:
    frame = read_picture("eve/front.jpg")
    working = frame.working()
    wide = np.full((1024, 2048, 3), 6.0, np.float32)
    wide[:, :1024] = working * np.float32(0.05)
    faces = finder.find(Frame(wide, Window(0, 0, 2048, 1024), frame.color.working_space, frame.color))
    assert len(faces) == 1 and faces[0].points[:, 0].max() < 1024


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_upside_down_and_lying_faces(
    turns: int, read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn
) -> None:
    frame = read_picture("dot/front.jpg")
    turned = np.ascontiguousarray(np.rot90(frame.pixels, turns))
    face = finder.find(frame.with_pixels(turned))[0]
    upright = face_in("dot/front.jpg").points[:, :2]
    side = 1024.0
    x, y = upright[:, 0], upright[:, 1]
    expected = {1: (y, side - x), 2: (side - x, side - y), 3: (side - y, x)}[turns]
    assert np.linalg.norm(face.points[:, :2] - np.stack(expected, axis=1), axis=1).mean() < 3.0


def test_face_cut_by_the_frame_edge(read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn) -> None:
    frame = read_picture("ada/front.jpg")
    whole = face_in("ada/front.jpg")
    cut = int(whole.points[:, 0].mean()) + 120
    part = frame.region(Window(0, 0, cut, 1024))
    face = finder.find(replace(part, pixels=np.ascontiguousarray(part.pixels)))[0]
    seen = whole.points[:, 0] < cut - 40
    assert np.linalg.norm(face.points[seen, :2] - whole.points[seen, :2], axis=1).mean() < 12.0


def test_squeezed_plate(read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn) -> None:
    frame = read_picture("bea/front.jpg")
    squeeze = np.array([[0.5, 0, 0], [0, 1, 0]], np.float64)
    window = Window(0, 0, 512, 1024)
    squeezed = Frame(resample(frame.pixels, frame.window, squeeze, window), window, frame.space, frame.color, 2.0)
    face = finder.find(squeezed)[0]
    away = face.points[:, :2] * (2, 1) - face_in("bea/front.jpg").points[:, :2]
    assert np.linalg.norm(away, axis=1).mean() < 2.5


def test_data_window_moves_the_points(read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn) -> None:
    frame = read_picture("bea/front.jpg")
    moved = finder.find(replace(frame, window=Window(-300, 57, 1024, 1024)))[0]
    np.testing.assert_allclose(moved.points[:, :2] - (-300, 57), face_in("bea/front.jpg").points[:, :2], atol=1e-6)


def test_no_face_in_noise(read_picture: ReadPicture, finder: FaceFinder) -> None:
    frame = read_picture("ada/front.jpg")
    noise = np.random.default_rng(3).random((256, 256, 3), np.float32)
    assert finder.find(replace(frame, pixels=noise, window=Window(0, 0, 256, 256))) == ()


def test_small_face_in_a_large_frame(read_picture: ReadPicture, finder: FaceFinder) -> None:
    frame = read_picture("cal/left.jpg")
    small = resample(
        frame.pixels, frame.window, np.array([[0.06, 0, 0], [0, 0.06, 0]], np.float64), Window(0, 0, 61, 61)
    )
    wide = np.full((1080, 1920, 3), 0.4, np.float32)
    wide[700:761, 1500:1561] = small
    faces = finder.find(Frame(wide, Window(0, 0, 1920, 1080), frame.space, frame.color))
    assert len(faces) == 1
    assert 1500 < faces[0].points[:, 0].mean() < 1561 and 700 < faces[0].points[:, 1].mean() < 761


def test_identity_tells_people_apart(read_picture: ReadPicture, finder: FaceFinder, face_in: FaceIn) -> None:
    embeddings = {
        (name, view): finder.embed(read_picture(f"{name}/{view}.jpg"), face_in(f"{name}/{view}.jpg"))
        for name in PEOPLE
        for view in ("front", "smile")
    }
    for name in PEOPLE:
        own = likeness(embeddings[name, "front"], embeddings[name, "smile"])
        others = [likeness(embeddings[name, "front"], embeddings[other, "smile"]) for other in PEOPLE if other != name]
        assert own > max(others)


def test_a_frame_of_one_colour_is_not_searched(color: ColorConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Black frames and cards cost nothing; one pixel of another value is searched, and so is NaN."""
    searched: list[int] = []
    finder = FaceFinder.embedded()
    monkeypatch.setattr(FaceFinder, "detect", lambda self, frame, *search: searched.append(1) or [])
    for value in (0.0, 0.2, -1.0):
        flat = np.full((40, 60, 3), (value, 0.1, 0.3), np.float32)
        frame = Frame(flat, Window(0, 0, 60, 40), "ACEScg", color)
        assert finder.find(frame) == () and not searched
        for other in (value + 1e-3, np.nan):
            changed = flat.copy()
            changed[3, 7, 1] = other
            assert finder.find(frame.with_pixels(changed)) == () and len(searched) == 24
            searched.clear()
