"""The mesh and the head: pose, a person's own shape, mirroring."""

from __future__ import annotations

import numpy as np
import pytest

from faceplate.demo import PEOPLE
from faceplate.face import topology
from faceplate.face.shape import head_model, own_shape, pose_of, turn_between
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


def test_pose_is_recovered_and_own_shape_ignores_it(face_in: FaceIn) -> None:
    points = face_in("ada/front.jpg").points
    pose = pose_of(points)
    angle = np.radians(25)
    yaw = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = pose_of(points @ yaw.T * 3 + (50, 60, 0))
    assert turn_between(pose, turned) == pytest.approx(angle, abs=1e-6)
    assert turned.scale == pytest.approx(3 * pose.scale)
    np.testing.assert_allclose(own_shape(turned.canonical), own_shape(pose.canonical), atol=1e-6)
    np.testing.assert_allclose(pose.place(pose.canonical) + pose.centre, points, atol=1e-6 * pose.scale)


def test_own_shape_tells_people_from_expressions(face_in: FaceIn) -> None:
    views = ("front", "open", "smile", "closed")
    shapes = {
        name: np.array([own_shape(pose_of(face_in(f"{name}/{view}.jpg").points).canonical) for view in views])
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
