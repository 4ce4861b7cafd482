"""The mesh of a view as a source of texture: which parts of the face it saw and how well, its pose and expression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from faceplate.face import Face, topology
from faceplate.face.expression import BLENDSHAPES, expression_of, eye_openness, mouth_openness
from faceplate.face.raster import rasterise
from faceplate.face.shape import Pose, away_from, head_model, normals, pose_of, unsqueezed
from faceplate.image.window import Window

__all__ = ["Geometry", "Regions", "regions"]


@dataclass(frozen=True)
class Regions:
    """Membership of each of the 478 points in the parts that expression moves: float64 (478,) each, 0..1.

    Right and left are the person's own.
    """

    mouth: np.ndarray
    right_eye: np.ndarray
    left_eye: np.ndarray


@cache
def regions() -> Regions:
    """Compute soft regions on the mean head: 1 on lips and lids, fading over a fraction of the head's radius."""
    mesh = topology()

    def near(loop: np.ndarray, reach: float) -> np.ndarray:
        return np.clip(1.0 - away_from(loop) / reach, 0.0, 1.0)

    inside = (np.arange(468, 473), np.arange(473, 478))
    right, left = near(mesh.right_eye_loop, 0.22), near(mesh.left_eye_loop, 0.22)
    right[inside[0]], left[inside[1]] = 1.0, 1.0
    lips = np.concatenate([mesh.lips_loop, mesh.mouth_loop])
    return Regions(near(lips, 0.35), right, left)


@dataclass(frozen=True)
class Geometry:
    """A view's mesh as a source of texture.

    Attributes
    ----------
    points : np.ndarray
        (478, 3), in the view's own pixels.
    mirrored : bool
        Whether the points have changed sides.
    pixel_aspect : float
        Width of a pixel over its height.
    coefficients : np.ndarray, optional
        (52,), the expression's coefficients where they are known.
    """

    points: np.ndarray
    mirrored: bool = False
    pixel_aspect: float = 1.0
    coefficients: np.ndarray | None = None

    @classmethod
    def of(cls, face: Face, pixel_aspect: float = 1.0) -> Geometry:
        """Return the geometry of a face."""
        return cls(face.points, pixel_aspect=pixel_aspect)

    def mirror(self) -> Geometry:
        """Return the same picture used for the other half of the face: the points change sides, the pixels stay."""
        return Geometry(
            self.points[head_model().mirror],
            not self.mirrored,
            self.pixel_aspect,
            self.expression[_mirrored_blendshapes()],
        )

    @cached_property
    def square(self) -> np.ndarray:
        """The points in square pixels."""
        return unsqueezed(self.points, self.pixel_aspect)

    @cached_property
    def pose(self) -> Pose:
        """The head's pose; of a mirrored view that of the mirrored head."""
        return pose_of(self.square * (-1.0, 1.0, 1.0) if self.mirrored else self.square)

    @cached_property
    def expression(self) -> np.ndarray:
        """The 52 blendshape coefficients, float32 (52,), 0..1; of a mirrored view those of the mirrored head."""
        if self.coefficients is not None:
            return self.coefficients
        return expression_of(self.square * (-1.0, 1.0, 1.0) if self.mirrored else self.square)

    @cached_property
    def mouth(self) -> float:
        """Openness of the mouth."""
        return mouth_openness(self.square)

    @cached_property
    def eyes(self) -> tuple[float, float]:
        """Openness of the person's right and left eye."""
        return eye_openness(self.square)

    @cached_property
    def seen(self) -> np.ndarray:
        """How well each point was seen, float64 (478,): the cosine of its surface's angle to the view, 0 where it was hidden."""
        points = self.square
        facing = normals(points)[:, 2] * (1.0 if self.mirrored else -1.0)
        size = float(np.ptp(points[:, :2], axis=0).max())
        window = Window.around(points[:, :2], 2.0)
        raster = rasterise(points, topology().closed, window, size * 2.0)
        depth = raster.interpolate(points[:, 2:3])[..., 0]
        rows, columns = depth.shape
        at = (points[:, :2] - (window.x, window.y)) * (columns / window.width, rows / window.height)
        x = np.clip(at[:, 0].astype(int), 0, columns - 1)
        y = np.clip(at[:, 1].astype(int), 0, rows - 1)
        hidden = raster.covered[y, x] & (points[:, 2] > depth[y, x] + 0.04 * size)
        return np.where(hidden, 0.0, np.clip(facing, 0.0, 1.0))


@cache
def _mirrored_blendshapes() -> np.ndarray:
    """Return for each of the 52 blendshapes the index of its mirrored counterpart."""
    swapped = [
        name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
        if name.endswith(("Left", "Right"))
        else name
        for name in BLENDSHAPES
    ]
    return np.array([BLENDSHAPES.index(name) for name in swapped])
