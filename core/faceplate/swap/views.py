"""What each view of the source is good for: which parts of the face it saw, how well, and how near its expression is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from faceplate.face import Face, topology
from faceplate.face.expression import eye_openness, mouth_openness
from faceplate.face.raster import rasterise
from faceplate.face.shape import Pose, head_model, pose_of, turn_between
from faceplate.window import Window

__all__ = ["Geometry", "Regions", "regions", "suitability"]

# One step of each of these away from the target makes a view e times less wanted.
_TURN, _MOUTH, _EYE = np.radians(9.0), 0.05, 0.06
# A mirrored view shows asymmetries on the wrong side, so a real one is preferred by this factor.
_MIRRORED = 0.02
_NEVER = 1e-6


@dataclass(frozen=True)
class Regions:
    """How far each of the 478 points belongs to the mouth, the person's right eye and the left one: float64 (478,), 0..1."""

    mouth: np.ndarray
    right_eye: np.ndarray
    left_eye: np.ndarray


@cache
def regions() -> Regions:
    """Soft regions on the mean head: whole on lips and lids, fading over a tenth of the head's radius or two."""
    mesh, head = topology(), head_model().reference

    def near(loop: np.ndarray, reach: float) -> np.ndarray:
        away = np.linalg.norm(head[:, None] - head[loop][None], axis=2).min(axis=1)
        return np.clip(1.0 - away / reach, 0.0, 1.0)

    inside = (np.arange(468, 473), np.arange(473, 478))
    right, left = near(mesh.right_eye_loop, 0.22), near(mesh.left_eye_loop, 0.22)
    right[inside[0]], left[inside[1]] = 1.0, 1.0
    return Regions(near(np.concatenate([mesh.lips_loop, mesh.mouth_loop]), 0.35), right, left)


@dataclass(frozen=True)
class Geometry:
    """A view's mesh, seen as something to take texture from. `points` (478, 3) are in the view's own pixels."""

    points: np.ndarray
    mirrored: bool = False

    @classmethod
    def of(cls, face: Face) -> Geometry:
        return cls(face.points)

    def mirror(self) -> Geometry:
        """The same picture looked at as the other half of the face: the points change sides, the pixels stay."""
        return Geometry(self.points[head_model().mirror], not self.mirrored)

    @cached_property
    def pose(self) -> Pose:
        """The head's pose; of a mirrored view that of the head in the mirror."""
        points = self.points * (-1.0, 1.0, 1.0) if self.mirrored else self.points
        return pose_of(points)

    @cached_property
    def mouth(self) -> float:
        return mouth_openness(self.points)

    @cached_property
    def eyes(self) -> tuple[float, float]:
        return eye_openness(self.points)

    @cached_property
    def seen(self) -> np.ndarray:
        """How well each point was seen, float64 (478,): the cosine of its surface's angle, 0 where it was hidden."""
        facing = _facing(self.points, self.mirrored)
        size = float(np.ptp(self.points[:, :2], axis=0).max())
        window = Window.around(self.points[:, :2], 2.0)
        raster = rasterise(self.points, topology().closed, window, size * 2.0)
        depth = raster.interpolate(self.points[:, 2:3])[..., 0]
        rows, columns = depth.shape
        at = (self.points[:, :2] - (window.x, window.y)) * (columns / window.width, rows / window.height)
        x = np.clip(at[:, 0].astype(int), 0, columns - 1)
        y = np.clip(at[:, 1].astype(int), 0, rows - 1)
        hidden = raster.covered[y, x] & (self.points[:, 2] > depth[y, x] + 0.04 * size)
        return np.where(hidden, 0.0, np.clip(facing, 0.0, 1.0))


def suitability(view: Geometry, target: Geometry) -> np.ndarray:
    """How much each point of the target wants this view, float64 (478,), above 0, without an upper bound that matters.

    A product of how near the head's turn is, how near mouth and eyes are in the regions where they show, and how well the
    view saw the point. Continuous in the target, so that over a shot the choice changes smoothly.
    """
    turn = turn_between(view.pose, target.pose) / _TURN
    mouth = abs(view.mouth - target.mouth) / _MOUTH
    eyes = [abs(mine - wanted) / _EYE for mine, wanted in zip(view.eyes, target.eyes, strict=True)]
    area = regions()
    apart = turn + area.mouth * mouth + area.right_eye * eyes[0] + area.left_eye * eyes[1]
    # The cube prefers the view that looked straight at a place over one that grazed it.
    wanted = np.exp(-apart) * (view.seen**3 + _NEVER)
    return wanted * (_MIRRORED if view.mirrored else 1.0)


def _facing(points: np.ndarray, mirrored: bool) -> np.ndarray:
    """The z component, towards the camera positive, of every point's unit normal, float64 (478,)."""
    triangles = topology().closed
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, triangles[:, k], normal)
    facing = total[:, 2] / np.maximum(np.linalg.norm(total, axis=1), 1e-12)
    facing = facing * _orientation() * (-1.0 if mirrored else 1.0)
    # The irises belong to no triangle; they look where the eye's corners do.
    for iris, corners in ((slice(468, 473), (33, 133)), (slice(473, 478), (263, 362))):
        facing[iris] = facing[list(corners)].mean()
    return facing


@cache
def _orientation() -> float:
    """+1 or -1: the sign that makes the mean head's nose face the camera."""
    triangles, head = topology().skin, head_model().reference
    at_nose = triangles[(triangles == 1).any(axis=1)]
    a, b, c = (head[at_nose[:, k]] for k in range(3))
    return float(np.sign(np.cross(b - a, c - a)[:, 2].sum()))
