"""The source's own shape on the plate's performance: where the plate's points go when the head becomes the source's."""

from __future__ import annotations

from functools import cache

import numpy as np

from faceplate.face import topology
from faceplate.face.align import apply
from faceplate.face.expression import eye_openness
from faceplate.face.shape import Pose, head_model, own_shape, pose_of, turn_between

__all__ = ["shape_offset"]

# A view whose head is turned this much further from the plate's (radians) counts e times less for the source's shape.
_LIKE = np.radians(12.0)
# Up to the first angle between head and camera (degrees) all of the shape is taken, beyond the second none.
_SHOWN, _LOST = 45.0, 65.0
# An eye that is this open, as its gap over its width, takes all of the source's own opening; a closed one stays closed.
_OPEN_EYE = 0.2
# How far around lips and lids the points go with them, in radii of the mean head.
_SPREAD = 0.12
# Upper and lower points that face each other across the opening: mouth, the person's right eye, the left one.
_MOUTH = ((191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324))
_EYES = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382)),
)


def shape_offset(points: np.ndarray, poses: tuple[Pose, ...]) -> np.ndarray:
    """What moves the plate's `points` (478, 3), square pixels, to the shape of the source whose views stand as `poses`.

    A shape is what is left of a mesh without turn and expression. The source's is the mean over its views, those whose head
    stands like the plate's before the others: what the landmarks get wrong about a turned head, they get wrong about
    both. The performance stays: the mouth stays as open as it was, a closed eye stays closed, and the irises go where the
    eyes go and look where they looked. A head turned so far that the oval is no outline any more keeps its shape.
    """
    pose = pose_of(points)
    weights = np.exp(-np.array([turn_between(other, pose) for other in poses]) / _LIKE)
    wanted = np.average([own_shape(other.canonical) for other in poses], axis=0, weights=weights)
    offset = wanted - own_shape(pose.canonical)
    offset = offset + _closing(offset, _MOUTH)
    for pairs, openness in zip(_EYES, eye_openness(points), strict=True):
        offset = offset + (1 - _ramp(openness / _OPEN_EYE)) * _closing(offset, pairs)
    moved = _shown(pose) * pose.place(offset)
    mesh = topology()
    for iris, loop in ((slice(468, 473), mesh.right_eye_loop), (slice(473, 478), mesh.left_eye_loop)):
        moved[iris, :2] = _along(points[loop, :2], moved[loop, :2], points[iris, :2])
    return moved


def _closing(offset: np.ndarray, pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> np.ndarray:
    """What to add to `offset` (478, 3) so that the two sides of an opening move alike, and what is near moves with its side."""
    upper, lower = (offset[list(side)] for side in pairs)
    correction = np.concatenate([lower - upper, upper - lower]) / 2
    return _nearest_shares(pairs) @ correction


@cache
def _nearest_shares(pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> np.ndarray:
    """How far each of the 478 points goes with each point of an opening, float64 (478, n): by distance on the mean head."""
    head = head_model().reference
    edge = np.concatenate([np.array(side) for side in pairs])
    apart = np.linalg.norm(head[:, None] - head[edge][None], axis=2)
    shares = np.exp(-apart / (0.2 * _SPREAD))
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    shares *= np.exp(-((apart.min(axis=1) / _SPREAD) ** 2))[:, None]
    shares[edge] = np.eye(len(edge))
    return shares


def _along(loop: np.ndarray, moved: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How the affine map that moves `loop` (n, 2) by `moved` moves the points `inside` (m, 2) of it."""
    solution, *_ = np.linalg.lstsq(np.column_stack([loop, np.ones(len(loop))]), moved, rcond=None)
    return apply(solution.T, inside)


def _shown(pose: Pose) -> float:
    """1 while the head faces the camera enough for its oval to be its outline, falling to 0."""
    towards = float(np.degrees(np.arccos(np.clip(pose.rotation[2, 2], -1, 1))))
    return _ramp((_LOST - towards) / (_LOST - _SHOWN))


def _ramp(t: float) -> float:
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)
