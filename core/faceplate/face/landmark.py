"""478 landmarks with MediaPipe's face landmarker, and the square region that it wants to see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.face.align import similarity
from faceplate.models import Network

__all__ = ["SIDE", "Region", "landmarks"]

SIDE = 256
# The landmarker wants the detector's box, squared, half as large again, and rolled until the eyes are level. The box of
# the 478 points is larger than the detector's that it was trained behind (by 1.08 on the demo people), and the points
# grow and shrink a little with the region, so it is enlarged by less.
_ENLARGE = 1.5 / 1.08


@dataclass(frozen=True)
class Region:
    """A rolled square on the (unsqueezed) picture: centre (2,), side in pixels, angle of the eye line in radians."""

    centre: np.ndarray
    side: float
    angle: float

    @classmethod
    def of(cls, low: np.ndarray, high: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray) -> Region:
        """The region for a face whose box runs from `low` to `high`, seen with these eyes."""
        line = left_eye - right_eye
        return cls((low + high) / 2, _ENLARGE * float(np.max(high - low)), float(np.arctan2(line[1], line[0])))

    def nudged(self, scale: float, turn: float, across: float, down: float) -> Region:
        """A region near this one: `scale` times as large, turned by `turn` radians, moved by parts of its side."""
        offset = self.side * np.array([across, down])
        return Region(self.centre + offset, self.side * scale, self.angle + turn)

    def matrix(self) -> np.ndarray:
        """The (2, 3) matrix from the picture to the landmarker's 256-pixel crop."""
        along = 0.5 * self.side * np.array([np.cos(self.angle), np.sin(self.angle)])
        ends = np.stack([self.centre - along, self.centre + along])
        return similarity(ends, np.array([[0, SIDE / 2], [SIDE, SIDE / 2]], np.float64))


def landmarks(network: Network, crop: np.ndarray) -> tuple[np.ndarray, float]:
    """Points float64 (478, 3) in pixels of the crop, and the presence 0..1 of a face.

    `crop` is float32 (256, 256, 3), RGB, display-referred 0..1. z is on the scale of x; smaller is nearer.
    """
    out = list(network.run(np.ascontiguousarray(crop[None], np.float32)).values())
    points = next(array for array in out if array.size == 1434).reshape(478, 3).astype(np.float64)
    logit = float(next(array for array in out if array.ndim == 4 and array.size == 1).item())
    return points, 1.0 / (1.0 + float(np.exp(-logit)))
