"""The mesh and the head: pose, a person's own shape, mirroring."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.demo import PEOPLE
from faceplate.face import topology
from faceplate.face.shape import head_model, pose_of, resting_shape, shape_difference, turn_between
from pictures import FaceIn


def test_mesh_is_a_closed_disk() -> None:
    mesh = topology()
    triangles = mesh.closed
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    assert len(mesh.skin) == 852 and set(counts) == {1, 2}
    border = {int(point) for point in unique[counts == 1].ravel()}
    assert border == set(mesh.oval.tolist())
    assert 468 - len(unique) + len(triangles) == 1  # Euler's number of a disk


def test_pose_is_recovered_and_the_canonical_mesh_ignores_it(face_in: FaceIn) -> None:
    points = face_in("ada/front.jpg").points
    pose = pose_of(points)
    angle = np.radians(25)
    yaw = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = pose_of(points @ yaw.T * 3 + (50, 60, 0))
    assert turn_between(pose, turned) == pytest.approx(angle, abs=1e-6)
    assert turned.scale == pytest.approx(3 * pose.scale)
    np.testing.assert_allclose(turned.canonical, pose.canonical, atol=1e-6)
    np.testing.assert_allclose(pose.place(pose.canonical) + pose.centre, points, atol=1e-6 * pose.scale)


def test_shapes_at_rest_tell_people_from_expressions(face_in: FaceIn) -> None:
    """The difference between two people's shapes, from other views of each, is larger than between two sets of views of one."""
    halves = (("front", "open", "left"), ("closed", "smile", "right"))
    shapes = {
        name: [
            resting_shape([pose_of(face_in(f"{name}/{view}.jpg").points).canonical for view in half]) for half in halves
        ]
        for name in PEOPLE
    }
    within = np.mean([np.square(shape_difference(*both)).sum() for both in shapes.values()])
    between = np.mean(
        [np.square(shape_difference(shapes[a][0], shapes[b][1])).sum() for a in PEOPLE for b in PEOPLE if a != b]
    )
    assert between > 3 * within


def speaking(person: np.ndarray, amounts: np.ndarray) -> list[np.ndarray]:
    """A person's canonical mesh moved along the first direction of expression."""
    along = head_model().expression[0].reshape(-1, 3)
    return [person + amount * along for amount in amounts]


def test_a_difference_along_a_direction_of_speaking_is_believed_as_far_as_people_were_seen_acting() -> None:
    head, along = head_model().reference, head_model().expression[0]
    other = head + 0.5 * along.reshape(-1, 3)
    acting = np.sqrt(0.2) * np.sqrt(2) * np.sin(np.linspace(0, 2 * np.pi, 64, endpoint=False))
    found = []
    for amounts in (acting, np.zeros(64), np.zeros(1)):
        own, performer = (resting_shape(speaking(person, amounts)) for person in (other, head))
        found.append(float(shape_difference(own, performer).ravel() @ along) / 0.5)
    assert found[0] > 0.95  # seen acting: all of it is the people's
    assert 0.2 < found[1] < 0.5 and found[2] == pytest.approx(found[1])  # a still face is one frame, however long it is


def test_a_difference_beside_the_directions_of_expression_is_kept_whole() -> None:
    model = head_model()
    change = np.zeros_like(model.reference)
    change[model.reference[:, 1] < -0.5, 1] = 0.1  # a lower forehead
    flat = change.ravel() - model.expression.T @ (model.expression @ change.ravel())
    one = resting_shape([model.reference + flat.reshape(-1, 3)])
    np.testing.assert_allclose(shape_difference(one, resting_shape([model.reference])).ravel(), flat, atol=1e-9)


def test_weights_of_meshes_count() -> None:
    head = head_model().reference
    meshes = [head, head + 0.02]
    np.testing.assert_allclose(resting_shape(meshes, np.array([3.0, 1.0])).canonical, head + 0.005)
    sure, unsure = (resting_shape(meshes, np.array(w)).doubt for w in ([1.0, 1.0], [1.0, 0.0]))
    assert (sure < unsure).all()


def test_mirror_is_an_involution_of_the_mesh() -> None:
    mirror = head_model().mirror
    assert np.array_equal(mirror[mirror], np.arange(478))
    assert mirror[33] == 263 and mirror[61] == 291 and mirror[468] == 473
