"""A face in one frame, and the 478-point mesh that describes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from faceplate.image.window import Window

__all__ = ["Face", "RestingShape", "Topology", "proxy_face", "topology"]

# The five alignment points among the 478: the mean of each iris's five points, nose tip, mouth corners (left to right in
# the picture, which is the person's right to left).
_RIGHT_IRIS, _LEFT_IRIS = slice(468, 473), slice(473, 478)
_NOSE_TIP, _MOUTH_RIGHT, _MOUTH_LEFT = 1, 61, 291


@dataclass(frozen=True)
class RestingShape:
    """The shape of a person's face at rest (`face/shape.py`).

    Attributes
    ----------
    canonical : np.ndarray
        float64 (478, 3), the mean of the person's meshes without pose, as `Pose.canonical`.
    doubt : np.ndarray
        float64 (k,), variance of its error along each direction of expression: what the person was doing on average.
    """

    canonical: np.ndarray
    doubt: np.ndarray


@dataclass(frozen=True)
class Face:
    """One face in one frame.

    Attributes
    ----------
    points : np.ndarray
        float64 (478, 3): x and y in plate pixels (continuous, pixel centre at +0.5), z in the same unit, smaller is nearer
        to the camera.
    score, presence : float
        Confidence of the detector and of the landmarker, 0..1.
    level : float
        Log average of the face's luminance in the working space; exposures are derived from it.
    rest : RestingShape, optional
        The person's shape at rest, where other frames show it; None where this frame alone is known.
    """

    points: np.ndarray
    score: float
    presence: float
    level: float
    rest: RestingShape | None = None

    @property
    def five(self) -> np.ndarray:
        """Alignment points (5, 2) in plate pixels: right and left iris, nose tip, right and left mouth corner."""
        xy = self.points[:, :2]
        eyes = [xy[_RIGHT_IRIS].mean(axis=0), xy[_LEFT_IRIS].mean(axis=0)]
        return np.stack([*eyes, xy[_NOSE_TIP], xy[_MOUTH_RIGHT], xy[_MOUTH_LEFT]])

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Bounding box of the mesh in plate pixels: x, y, width, height."""
        low, high = self.points[:, :2].min(axis=0), self.points[:, :2].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])

    @cached_property
    def size(self) -> float:
        """The unit of every face-relative length: the longer side of the mesh's box, in plate pixels."""
        return max(self.box[2:])

    def window(self, margin: float = 0.0) -> Window:
        """Return the pixels that the mesh covers, grown by `margin` (a fraction of the face's size)."""
        return Window.around(self.points[:, :2], margin * self.size)

    def moved(self, points: np.ndarray) -> Face:
        """Return the same face with other points."""
        return replace(self, points=points)


@dataclass(frozen=True)
class Topology:
    """The triangles and the named loops of the 478-point mesh.

    Triangle arrays are int32 (n, 3); `skin` has three holes, closed by `mouth`, `right_eye` and `left_eye`. Loops are int32
    (n,) closed polygons. Left and right are the person's own. Origin: see `mesh478.json`.
    """

    skin: np.ndarray
    mouth: np.ndarray
    right_eye: np.ndarray
    left_eye: np.ndarray
    oval: np.ndarray
    mouth_loop: np.ndarray
    lips_loop: np.ndarray
    right_eye_loop: np.ndarray
    left_eye_loop: np.ndarray
    right_brow: np.ndarray
    left_brow: np.ndarray
    nose: np.ndarray

    @property
    def closed(self) -> np.ndarray:
        """Every triangle: the skin with its holes filled, int32 (n, 3)."""
        return np.concatenate([self.skin, self.mouth, self.right_eye, self.left_eye])


@cache
def topology() -> Topology:
    """Load the mesh's triangles and loops, once."""
    table = json.loads((Path(__file__).parent / "mesh478.json").read_text(encoding="utf-8"))
    return Topology(**{name: np.array(rows, np.int32) for name, rows in table.items() if name != "about"})


def proxy_face(face: Face, proxy: int) -> Face:
    """Convert a face from plate pixels to the pixels of a proxy that is `proxy` times smaller."""
    return face if proxy == 1 else face.moved(face.points / proxy)
