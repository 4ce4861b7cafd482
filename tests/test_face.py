"""What is in one frame: detection, landmarks, alignment, identity, on the demo people against stored truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplate.demo import PEOPLE
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, FaceFinder, choose_face, likeness, parse_target, topology
from faceplate.face.align import TEMPLATES, apply, compose, crop_matrix, invert, resample, similarity
from faceplate.face.shape import head_model, own_shape, pose_of, turn_between
from faceplate.image.frame import Frame
from faceplate.image.window import Window
from measures import TRUTH

Still = Callable[[str], Frame]
Found = Callable[[str], Face]
PICTURES: dict[str, dict] = json.loads(TRUTH.read_text())["pictures"]
LANDMARKER_SIDE = 256


def truth_of(name: str) -> Face:
    points = np.array(PICTURES[name]["points"])
    return Face(np.column_stack([points, np.zeros(len(points))]), 1.0, 1.0, 0.2)


def crop_corners(face: Face, template: str, side: int) -> np.ndarray:
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    return apply(invert(crop_matrix(face.five, template, side)), square)


@pytest.mark.parametrize("name", PICTURES)
def test_every_demo_person_is_found_and_landmarked(name: str, still: Still, finder: FaceFinder, found: Found) -> None:
    faces = finder.find(still(name))
    assert len(faces) >= 1
    face, truth = found(name), truth_of(name)
    # The landmarker sees the face on 256 pixels; its own pixel is about four of these pictures'.
    network_pixel = 1.4 * truth.size / LANDMARKER_SIDE
    away = np.linalg.norm(face.points[:, :2] - truth.points[:, :2], axis=1)
    assert away.mean() < 1.1 * network_pixel
    assert np.median(away) < 3.0
    # Sides of the crop, in the crop's own pixels.
    corners = [crop_corners(item, "ffhq_512", LANDMARKER_SIDE) for item in (face, truth)]
    crop_pixel = np.linalg.norm(corners[1][1] - corners[1][0]) / LANDMARKER_SIDE
    assert np.abs(corners[0] - corners[1]).max() / crop_pixel < 2.0


def test_mesh_is_right_to_two_pixels_over_all_pictures(found: Found) -> None:
    means = [
        np.linalg.norm(found(name).points[:, :2] - truth_of(name).points[:, :2], axis=1).mean() for name in PICTURES
    ]
    assert np.mean(means) < 2.0


@pytest.mark.parametrize("stops", [-8, -4, 4, 8])
def test_dark_and_hot_plates_are_found_alike(stops: int, still: Still, finder: FaceFinder, found: Found) -> None:
    frame = still("bea/front.jpg")
    working = (frame.working() * np.float32(2.0**stops)).astype(np.float32)
    faces = finder.find(Frame(working, frame.window, frame.color.working_space, frame.color))
    assert len(faces) >= 1
    away = np.linalg.norm(faces[0].points[:, :2] - found("bea/front.jpg").points[:, :2], axis=1)
    assert away.mean() < 2.0
    assert faces[0].level == pytest.approx(found("bea/front.jpg").level * 2.0**stops, rel=0.05)


def test_dark_face_in_a_bright_frame_is_found(still: Still, finder: FaceFinder) -> None:
    frame = still("eve/front.jpg")
    working = frame.working()
    wide = np.full((1024, 2048, 3), 6.0, np.float32)
    wide[:, :1024] = working * np.float32(0.05)
    faces = finder.find(Frame(wide, Window(0, 0, 2048, 1024), frame.color.working_space, frame.color))
    assert len(faces) == 1 and faces[0].points[:, 0].max() < 1024


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_upside_down_and_lying_faces(turns: int, still: Still, finder: FaceFinder, found: Found) -> None:
    frame = still("dot/front.jpg")
    turned = np.ascontiguousarray(np.rot90(frame.pixels, turns))
    face = finder.find(frame.with_pixels(turned))[0]
    upright = found("dot/front.jpg").points[:, :2]
    side = 1024.0
    x, y = upright[:, 0], upright[:, 1]
    expected = {1: (y, side - x), 2: (side - x, side - y), 3: (side - y, x)}[turns]
    assert np.linalg.norm(face.points[:, :2] - np.stack(expected, axis=1), axis=1).mean() < 3.0


def test_face_cut_by_the_frame_edge(still: Still, finder: FaceFinder, found: Found) -> None:
    frame = still("ada/front.jpg")
    whole = found("ada/front.jpg")
    cut = int(whole.points[:, 0].mean()) + 120
    part = frame.region(Window(0, 0, cut, 1024))
    face = finder.find(replace(part, pixels=np.ascontiguousarray(part.pixels)))[0]
    seen = whole.points[:, 0] < cut - 40
    assert np.linalg.norm(face.points[seen, :2] - whole.points[seen, :2], axis=1).mean() < 12.0


def test_squeezed_plate(still: Still, finder: FaceFinder, found: Found) -> None:
    frame = still("bea/front.jpg")
    squeeze = np.array([[0.5, 0, 0], [0, 1, 0]], np.float64)
    window = Window(0, 0, 512, 1024)
    squeezed = Frame(resample(frame.pixels, frame.window, squeeze, window), window, frame.space, frame.color, 2.0)
    face = finder.find(squeezed)[0]
    away = face.points[:, :2] * (2, 1) - found("bea/front.jpg").points[:, :2]
    assert np.linalg.norm(away, axis=1).mean() < 2.5


def test_data_window_moves_the_points(still: Still, finder: FaceFinder, found: Found) -> None:
    frame = still("bea/front.jpg")
    moved = finder.find(replace(frame, window=Window(-300, 57, 1024, 1024)))[0]
    np.testing.assert_allclose(moved.points[:, :2] - (-300, 57), found("bea/front.jpg").points[:, :2], atol=1e-6)


def test_no_face_in_noise(still: Still, finder: FaceFinder) -> None:
    frame = still("ada/front.jpg")
    noise = np.random.default_rng(3).random((256, 256, 3), np.float32)
    assert finder.find(replace(frame, pixels=noise, window=Window(0, 0, 256, 256))) == ()


def test_small_face_in_a_large_frame(still: Still, finder: FaceFinder) -> None:
    frame = still("cal/left.jpg")
    small = resample(
        frame.pixels, frame.window, np.array([[0.06, 0, 0], [0, 0.06, 0]], np.float64), Window(0, 0, 61, 61)
    )
    wide = np.full((1080, 1920, 3), 0.4, np.float32)
    wide[700:761, 1500:1561] = small
    faces = finder.find(Frame(wide, Window(0, 0, 1920, 1080), frame.space, frame.color))
    assert len(faces) == 1
    assert 1500 < faces[0].points[:, 0].mean() < 1561 and 700 < faces[0].points[:, 1].mean() < 761


def test_identity_tells_people_apart(still: Still, finder: FaceFinder, found: Found) -> None:
    embeddings = {
        (name, view): finder.embed(still(f"{name}/{view}.jpg"), found(f"{name}/{view}.jpg"))
        for name in PEOPLE
        for view in ("front", "smile")
    }
    for name in PEOPLE:
        own = likeness(embeddings[name, "front"], embeddings[name, "smile"])
        others = [likeness(embeddings[name, "front"], embeddings[other, "smile"]) for other in PEOPLE if other != name]
        assert own > max(others)


# --- choosing ---------------------------------------------------------------------------------------------------------


def face_at(x: float, size: float) -> Face:
    points = np.random.default_rng(0).random((478, 3)) * size
    points[:, 0] += x
    return Face(points, 0.9, 1.0, 0.2)


def test_choosing_by_word_and_number() -> None:
    faces = (face_at(500, 100), face_at(100, 80), face_at(900, 60))
    embed = lambda face: np.ones(128, np.float32)  # noqa: E731
    assert choose_face(faces, "largest", embed) is faces[0]
    assert choose_face(faces, "leftmost", embed) is faces[1]
    assert choose_face(faces, "rightmost", embed) is faces[2]
    assert choose_face(faces, 2, embed) is faces[0]
    with pytest.raises(RenderError, match="shows 3") as refused:
        choose_face(faces, 4, embed)
    assert refused.value.code == "no-such-face"
    with pytest.raises(RenderError, match="choose one with --target") as refused:
        choose_face(faces, "auto", embed)
    assert refused.value.code == "several-faces"
    assert choose_face((face_at(0, 300), *faces[1:]), "auto", embed).size > 200
    with pytest.raises(RenderError) as refused:
        choose_face((), "auto", embed)
    assert refused.value.code == "no-face"


def test_choosing_by_likeness() -> None:
    faces = (face_at(500, 100), face_at(100, 80))
    wanted = np.eye(128, dtype=np.float32)[0]
    mine = {id(faces[0]): np.eye(128, dtype=np.float32)[1], id(faces[1]): wanted + 0.3}
    assert choose_face(faces, "her.jpg", lambda face: mine[id(face)], wanted) is faces[1]
    with pytest.raises(RenderError) as refused:
        choose_face(faces[:1], "her.jpg", lambda face: mine[id(face)], wanted)
    assert refused.value.code == "no-likeness"


@pytest.mark.parametrize("text", ["", "  ", "0", "-1"])
def test_target_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


# --- alignment --------------------------------------------------------------------------------------------------------


@given(
    st.floats(-3, 3), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500), st.sampled_from(list(TEMPLATES))
)
def test_similarity_is_recovered(angle: float, scale: float, x: float, y: float, template: str) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, [x, y]])
    points = TEMPLATES[template] * 100
    np.testing.assert_allclose(similarity(points, apply(matrix, points)), matrix, atol=1e-8 * max(scale, 1) * 1000)
    np.testing.assert_allclose(apply(invert(matrix), apply(matrix, points)), points, atol=1e-8 * 1000 / min(scale, 1))
    np.testing.assert_allclose(compose(matrix, invert(matrix)), np.eye(2, 3), atol=1e-9 * 1000)


def test_resample_keeps_a_ramp_where_it_is() -> None:
    window = Window(-7, 5, 400, 300)
    x = np.arange(window.x, window.right) + 0.5
    y = np.arange(window.y, window.bottom) + 0.5
    ramp = (x[None, :] * 0.01 + y[:, None] * 0.003)[..., None].repeat(3, axis=2).astype(np.float32)
    for scale, angle in ((1.7, 0.3), (0.31, -0.4), (1.0, 0.2), (0.11, 1.0)):
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = np.column_stack([turn, np.array([20.0, 20.0]) - turn @ (193.0, 155.0)])
        got = resample(ramp, window, matrix, Window(10, 10, 20, 20))
        px, py = np.meshgrid(np.arange(10, 30) + 0.5, np.arange(10, 30) + 0.5)
        there = apply(invert(matrix), np.stack([px.ravel(), py.ravel()], axis=1))
        expected = (there @ (0.01, 0.003)).reshape(20, 20)
        # OpenCV's bicubic reads positions to 1/32 pixel and bends a ramp by up to 0.04 pixel.
        np.testing.assert_allclose(got[..., 0], expected, atol=0.06 * 0.0105 / min(scale, 1))


def test_resample_does_not_alias() -> None:
    # Stripes of two pixels vanish into their mean at a fifth of the size; without a prefilter they would beat.
    stripes = np.tile(np.array([0.0, 0.0, 1.0, 1.0], np.float32), 100)[None, :, None].repeat(400, 0).repeat(3, 2)
    small = resample(stripes, Window(0, 0, 400, 400), np.array([[0.19, 0, 0], [0, 0.19, 0]]), Window(10, 10, 50, 50))
    assert np.abs(small - 0.5).max() < 0.05


def test_whole_pixel_shift_is_a_copy() -> None:
    pixels = np.random.default_rng(1).normal(0, 40, (50, 60, 3)).astype(np.float32)
    shifted = resample(pixels, Window(3, 4, 60, 50), np.array([[1, 0, 100.0], [0, 1, -20.0]]), Window(103, -16, 60, 50))
    assert np.array_equal(shifted, pixels)


# --- the mesh and the head --------------------------------------------------------------------------------------------


def test_mesh_is_a_closed_disk() -> None:
    mesh = topology()
    triangles = mesh.closed
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    assert len(mesh.skin) == 852 and set(counts) == {1, 2}
    border = {int(point) for point in unique[counts == 1].ravel()}
    assert border == set(mesh.oval.tolist())
    assert 468 - len(unique) + len(triangles) == 1  # Euler's number of a disk


def test_pose_is_recovered_and_own_shape_ignores_it(found: Found) -> None:
    points = found("ada/front.jpg").points
    pose = pose_of(points)
    angle = np.radians(25)
    yaw = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = pose_of(points @ yaw.T * 3 + (50, 60, 0))
    assert turn_between(pose, turned) == pytest.approx(angle, abs=1e-6)
    assert turned.scale == pytest.approx(3 * pose.scale)
    np.testing.assert_allclose(own_shape(turned.canonical), own_shape(pose.canonical), atol=1e-6)
    np.testing.assert_allclose(pose.place(pose.canonical) + pose.centre, points, atol=1e-6 * pose.scale)


def test_own_shape_tells_people_from_expressions(found: Found) -> None:
    views = ("front", "open", "smile", "closed")
    shapes = {
        name: np.array([own_shape(pose_of(found(f"{name}/{view}.jpg").points).canonical) for view in views])
        for name in PEOPLE
    }
    within = np.sqrt(np.mean([(item - item.mean(axis=0)) ** 2 for item in shapes.values()]))
    means = np.array([item.mean(axis=0) for item in shapes.values()])
    between = np.sqrt(np.mean((means - means.mean(axis=0)) ** 2))
    assert between > 1.5 * within


def test_mirror_is_an_involution_of_the_mesh() -> None:
    mirror = head_model().mirror
    assert np.array_equal(mirror[mirror], np.arange(478))
    assert mirror[33] == 263 and mirror[61] == 291 and mirror[468] == 473
