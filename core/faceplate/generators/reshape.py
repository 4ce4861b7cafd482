"""Transfer of the source's own shape to the plate's performance: the displacement of the plate's points."""

from __future__ import annotations

from functools import cache

import numpy as np

from faceplate.face import RestingShape, topology
from faceplate.face.align import apply
from faceplate.face.expression import LID_PAIRS, LIP_PAIRS, eye_openness
from faceplate.face.shape import (
    Pose,
    beside_expression,
    head_model,
    pose_of,
    resting_shape,
    shape_difference,
    turn_between,
)
from faceplate.image.soft_steps import smoothstep

__all__ = ["shape_offset"]

# A difference in head rotation of this much (radians) divides a view's weight in the source's shape by e.
_LIKE = np.radians(12.0)
# Up to the first angle between head and camera (degrees) the full shape is used, beyond the second none.
_SHOWN, _LOST = 45.0, 65.0
# An eye that is this open (gap over width) gets the source's full eye shape; a closed eye stays closed.
_OPEN_EYE = 0.2
# Distance around lips and lids within which points move with them, in radii of the mean head.
_SPREAD = 0.12


def shape_offset(points: np.ndarray, poses: tuple[Pose, ...], rest: RestingShape | None = None) -> np.ndarray:
    """Compute the displacement of the plate's `points` (478, 3), square pixels, to the shape of the source.

    It is the difference of the two people's shapes at rest. The source's is the weighted mean over its views (`poses`); views
    with a pose similar to the plate's weigh more, because errors of the landmarks for a rotated head are then alike and cancel.
    The performer's is `rest`, from the frames of the track. Without it nothing is moved along the directions of expression: one
    frame does not tell a long chin from a dropped jaw, and what it seems to tell changes with its light and noise. Beside those
    directions the difference is taken against these points, whose errors then cancel.

    The performance is preserved: the mouth keeps its openness, a closed eye stays closed, and the irises move with the eyes and
    keep their gaze. A head rotated so far that the oval is no longer its outline keeps its shape.
    """
    pose = pose_of(points)
    weights = np.exp(-np.array([turn_between(other, pose) for other in poses]) / _LIKE)
    own = resting_shape([other.canonical for other in poses], weights)
    if rest is None:
        offset = beside_expression(own.canonical - pose.canonical)
    else:
        offset = shape_difference(own, rest) + beside_expression(rest.canonical - pose.canonical)
    offset = offset + _closing(offset, LIP_PAIRS)
    for pairs, openness in zip(LID_PAIRS, eye_openness(points), strict=True):
        offset = offset + (1 - smoothstep(openness / _OPEN_EYE)) * _closing(offset, pairs)
    moved = _shown(pose) * pose.place(offset)
    mesh = topology()
    for iris, loop in ((slice(468, 473), mesh.right_eye_loop), (slice(473, 478), mesh.left_eye_loop)):
        moved[iris, :2] = _along(points[loop, :2], moved[loop, :2], points[iris, :2])
    return moved


def _closing(offset: np.ndarray, pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> np.ndarray:
    """Compute a correction of `offset` (478, 3) that moves both sides of an opening alike, with the points near each side."""
    upper, lower = (offset[list(side)] for side in pairs)
    correction = np.concatenate([lower - upper, upper - lower]) / 2
    return _nearest_shares(pairs) @ correction


@cache
def _nearest_shares(pairs: tuple[tuple[int, ...], tuple[int, ...]]) -> np.ndarray:
    """Compute how far each point moves with each point of an opening, float64 (478, n), by distance on the mean head."""
    head = head_model().reference
    edge = np.concatenate([np.array(side) for side in pairs])
    apart = np.linalg.norm(head[:, None] - head[edge][None], axis=2)
    shares = np.exp(-apart / (0.2 * _SPREAD))
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    shares *= np.exp(-((apart.min(axis=1) / _SPREAD) ** 2))[:, None]
    shares[edge] = np.eye(len(edge))
    return shares


def _along(loop: np.ndarray, moved: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Apply to the points `inside` (m, 2) the affine map that displaces `loop` (n, 2) by `moved`."""
    solution, *_ = np.linalg.lstsq(np.column_stack([loop, np.ones(len(loop))]), moved, rcond=None)
    return apply(solution.T, inside)


def _shown(pose: Pose) -> float:
    """Return 1 while the head faces the camera enough for its oval to be its outline, falling to 0."""
    towards = float(np.degrees(np.arccos(np.clip(pose.rotation[2, 2], -1, 1))))
    return float(smoothstep((_LOST - towards) / (_LOST - _SHOWN)))
