"""MediaPipe's face landmarker: 478 landmarks, and the square region that it expects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.face.align import similarity
from faceplate.models import Network

__all__ = ["SIDE", "Region", "landmarks"]

SIDE = 256
"""Side of the landmarker's crop in pixels."""

# The landmarker expects the detector's box, squared, half as large again, and rotated until the eyes are level. The box
# of the 478 points is larger than that of the detector used in training (by 1.08 on the demo people), and the points grow
# and shrink a little with the region, so it is enlarged by less.
_ENLARGE = 1.5 / 1.08


@dataclass(frozen=True)
class Region:
    """A rotated square on the (unsqueezed) picture: centre (2,), side in pixels, angle of the eye line in radians."""

    centre: np.ndarray
    side: float
    angle: float

    @classmethod
    def of(cls, low: np.ndarray, high: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray) -> Region:
        """Return the region of a face with the box from `low` to `high` and these eyes."""
        line = left_eye - right_eye
        return cls((low + high) / 2, _ENLARGE * float(np.max(high - low)), float(np.arctan2(line[1], line[0])))

    def nudged(self, scale: float, turn: float, across: float, down: float) -> Region:
        """Return a region near this one: scaled by `scale`, rotated by `turn` radians, shifted by fractions of its side."""
        offset = self.side * np.array([across, down])
        return Region(self.centre + offset, self.side * scale, self.angle + turn)

    def matrix(self) -> np.ndarray:
        """Compute the matrix (2, 3) from the picture to the landmarker's 256-pixel crop."""
        along = 0.5 * self.side * np.array([np.cos(self.angle), np.sin(self.angle)])
        ends = np.stack([self.centre - along, self.centre + along])
        return similarity(ends, np.array([[0, SIDE / 2], [SIDE, SIDE / 2]], np.float64))


def landmarks(network: Network, crop: np.ndarray) -> tuple[np.ndarray, float]:
    """Compute the landmarks of a crop.

    Parameters
    ----------
    network : Network
        The landmarker.
    crop : np.ndarray
        float32 (256, 256, 3), RGB, display-referred 0..1.

    Returns
    -------
    points : np.ndarray
        float64 (478, 3) in pixels of the crop; z is on the scale of x, smaller is nearer.
    presence : float
        Confidence 0..1 that there is a face.
    """
    out = list(network.run(np.ascontiguousarray(crop[None], np.float32)).values())
    points = next(array for array in out if array.size == 1434).reshape(478, 3).astype(np.float64)
    logit = float(next(array for array in out if array.ndim == 4 and array.size == 1).item())
    return points, 1.0 / (1.0 + float(np.exp(-logit)))
