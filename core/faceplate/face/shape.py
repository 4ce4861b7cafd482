"""Head pose and the face's shape at rest, separated from each other and from the expression.

`shape.npz` holds the results of `tests/truth/make_shape.py` for the invented people: the mean head (`reference`), the
opposite point for every point (`mirror`), and the directions in which one person's mesh moves while speaking and smiling
(`expression`, orthonormal rows). People differ along these directions too: most of all that tells two faces' shapes apart lies
there. So a face's shape at rest is the mean of the person's meshes without pose, and along these directions it is believed as
far as the mean of so many meshes tells who somebody is rather than what they were doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from faceplate.face.face import RestingShape, topology

__all__ = [
    "RIGID",
    "HeadModel",
    "Pose",
    "away_from",
    "bare_skin",
    "beside_expression",
    "head_model",
    "light_orders",
    "normals",
    "pose_of",
    "resting_shape",
    "shape_difference",
    "turn_between",
    "unsqueezed",
]

# Points that move rigidly with the skull: forehead, temples, cheek bones, bridge and tip of the nose, eye corners.
RIGID = np.array([10, 67, 297, 54, 284, 127, 356, 234, 454, 6, 168, 197, 195, 5, 4, 33, 263, 133, 362, 129, 358])

# Variance along the directions of expression, in squared radii of the head: of people, and of one person in a performance. As
# `bench/people/measure_shape.py` prints them for the people to tune on.
_PEOPLE = np.array([0.133, 0.310, 0.018, 0.131, 0.167])
_ACTING = np.array([0.198, 0.133, 0.284, 0.038, 0.026])


@dataclass(frozen=True)
class HeadModel:
    """The mean head float64 (478, 3) in units of its rigid points' radius, `mirror` int (478,), `expression` (k, 1434)."""

    reference: np.ndarray
    mirror: np.ndarray
    expression: np.ndarray


@dataclass(frozen=True)
class Pose:
    """A head's pose: `points` = `centre` + `scale` * canonical * `rotation`^T, with `canonical` (478, 3) facing front."""

    canonical: np.ndarray
    rotation: np.ndarray
    scale: float
    centre: np.ndarray

    def place(self, canonical: np.ndarray) -> np.ndarray:
        """Rotate and scale canonical points, or offsets from them (478, 3), as this head is; offsets stay offsets."""
        return canonical @ self.rotation.T * self.scale

    @property
    def angles(self) -> tuple[float, float, float]:
        """Yaw (positive: the head turns to the picture's right), pitch (positive: down) and roll, in degrees."""
        r = self.rotation
        yaw = np.arctan2(-r[0, 2], r[2, 2])
        pitch = np.arcsin(np.clip(r[1, 2], -1, 1))
        roll = np.arctan2(r[1, 0], r[1, 1])
        return float(np.degrees(yaw)), float(np.degrees(-pitch)), float(np.degrees(roll))


@cache
def head_model() -> HeadModel:
    """Load the mean head and its directions of expression, once."""
    with np.load(Path(__file__).parent / "shape.npz") as table:
        expression = table["expression"].astype(np.float64)
        return HeadModel(
            table["reference"].astype(np.float64), table["mirror"].astype(int), expression.reshape(len(expression), -1)
        )


def pose_of(points: np.ndarray) -> Pose:
    """Fit the pose of a mesh (478, 3) on points that move with the skull.

    The rotation is that of W. Kabsch, "A solution for the best rotation to relate two sets of vectors", Acta Cryst. A32,
    1976.
    """
    centre = points[RIGID].mean(axis=0)
    scale = float(np.sqrt(((points[RIGID] - centre) ** 2).sum(axis=1).mean()))
    upright = (points - centre) / scale
    u, _, vt = np.linalg.svd(head_model().reference[RIGID].T @ upright[RIGID])
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u @ flip @ vt).T
    return Pose(upright @ rotation, rotation, scale, centre)


def turn_between(first: Pose, second: Pose) -> float:
    """Compute the angle in radians between two heads' rotations."""
    return float(np.arccos(np.clip((np.trace(first.rotation.T @ second.rotation) - 1) / 2, -1, 1)))


def resting_shape(canonical: Sequence[np.ndarray], weights: np.ndarray | None = None) -> RestingShape:
    """Compute a person's shape at rest.

    The doubt is the variance of the mean along the directions of expression. Meshes that all show the same expression are no
    better than one: what they vary less than people do while they act is doubted in full.

    Parameters
    ----------
    canonical : sequence of np.ndarray
        (478, 3) each, the person's meshes without pose (`Pose.canonical`).
    weights : np.ndarray, optional
        (n,), the meshes' weights; equal without.
    """
    meshes = np.asarray(canonical)
    share = np.full(len(meshes), 1.0) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    mean = np.tensordot(share, meshes, axes=1)
    along = (meshes - mean).reshape(len(meshes), -1) @ head_model().expression.T
    single = float(share @ share)  # one over the number of meshes, for equal weights
    varied = share @ along**2 / max(1.0 - single, single)
    doubt = np.maximum(_ACTING, varied) * single + np.maximum(_ACTING - varied, 0.0) * (1.0 - single)
    return RestingShape(mean, doubt)


def shape_difference(own: RestingShape, other: RestingShape) -> np.ndarray:
    """Compute how the face `own` differs from the `other` one at rest, canonical float64 (478, 3).

    Along each direction of expression it is the most likely difference of two people in one that is known with doubt, by their
    variances (Wiener's filter): all of it for two people who were seen acting, little where one picture of a laugh is known.
    """
    directions = head_model().expression
    apart = (own.canonical - other.canonical).ravel()
    believed = 2 * _PEOPLE / (2 * _PEOPLE + own.doubt + other.doubt)
    return (apart - directions.T @ ((1.0 - believed) * (directions @ apart))).reshape(-1, 3)


def beside_expression(offset: np.ndarray) -> np.ndarray:
    """Return the part of a canonical offset (478, 3) that no direction of expression makes."""
    directions = head_model().expression
    return (offset.ravel() - directions.T @ (directions @ offset.ravel())).reshape(-1, 3)


def unsqueezed(points: np.ndarray, pixel_aspect: float) -> np.ndarray:
    """Convert a mesh (478, 3) of a plate with the given pixel aspect to square pixels of the same height.

    Depth is stored on the mean scale of both directions (`FaceFinder`).
    """
    return points * (pixel_aspect, 1.0, np.sqrt(pixel_aspect))


def normals(points: np.ndarray) -> np.ndarray:
    """Compute unit normals (478, 3) at points (478, 3) in square pixels; they point out of the face, z = -1 at the camera."""
    triangles = topology().closed
    a, b, c = (points[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    sums = np.zeros_like(points)
    for k in range(3):
        np.add.at(sums, triangles[:, k], across)
    outward = sums if _winding() < 0 else -sums  # independent of the triangles' winding
    unit = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
    # The irises belong to no triangle; they get the direction of the eye's corners.
    for iris, corners in ((slice(468, 473), (33, 133)), (slice(473, 478), (263, 362))):
        unit[iris] = unit[list(corners)].mean(axis=0)
    return unit


@cache
def _winding() -> float:
    """Compute the sense of the mesh's triangle winding, seen from in front with y down."""
    flat = head_model().reference[topology().closed][..., :2]
    u, v = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    return float(np.median(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]))


def away_from(those: np.ndarray) -> np.ndarray:
    """Compute the distance of each point from the nearest of `those` (n,) on the mean head, in its radii, float64 (478,)."""
    head = head_model().reference
    return np.linalg.norm(head[:, None] - head[those][None], axis=2).min(axis=1)


@cache
def bare_skin() -> np.ndarray:
    """Return 1 for points on bare skin, 0 on eyes, brows, lips and nostrils, float64 (478,)."""
    mesh = topology()
    features = (
        mesh.lips_loop,
        mesh.mouth_loop,
        mesh.right_eye_loop,
        mesh.left_eye_loop,
        mesh.right_brow,
        mesh.left_brow,
    )
    skin = np.where(away_from(np.concatenate(features)) < 0.09, 0.0, 1.0)
    skin[468:] = 0.0
    return skin


def light_orders(normal: np.ndarray) -> np.ndarray:
    """Evaluate the real spherical harmonics to the second order, not normalised, at unit normals (n, 3): float64 (n, 9).

    The normals are in camera space, where those that face the camera have z = -1; there all terms but the first are 0. Light on a
    smooth surface has hardly any others (R. Ramamoorthi and P. Hanrahan, "An efficient representation for irradiance environment
    maps", SIGGRAPH 2001).
    """
    x, y, z = normal[:, 0], normal[:, 1], -normal[:, 2]
    return np.column_stack([np.ones(len(x)), x, y, z - 1, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 3])
