"""Landmarkers beside the 478-point mesh, for alignment only: 2DFAN's 68 points and InsightFace's 106.

Everything after alignment needs the mesh, so these do not replace it: `aligned` moves a face's mesh so that its five
points are theirs, wholly or in part. A second landmarker stabilises an alignment that one landmarker gets wrong. These
networks are not shipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceplate.color import Exposure
from faceplate.errors import UsageError
from faceplate.face.align import apply, compose, invert, similarity
from faceplate.face.face import Face
from faceplate.face.view import view
from faceplate.image.frame import Frame
from faceplate.models import Network

__all__ = ["LANDMARKERS", "Landmarker", "aligned", "landmarks"]


@dataclass(frozen=True)
class Landmarker:
    """How a landmarker is fed and how its points are read.

    Attributes
    ----------
    side : int
        Side of the crop in pixels.
    fill : float
        Length of the face box's longer side in the crop, in pixels.
    bgr : bool
        Whether the channels are in the order BGR.
    factor : float
        Multiplies values in 0..1.
    five : tuple
        The five alignment points as groups of point numbers to average (right eye first).
    """

    name: str
    side: int
    fill: float
    bgr: bool
    factor: float
    five: tuple[tuple[int, ...], ...]


LANDMARKERS: dict[str, Landmarker] = {
    item.name: item
    for item in (
        Landmarker("2dfan4", 256, 195.0, True, 1.0, (tuple(range(36, 42)), tuple(range(42, 48)), (30,), (48,), (54,))),
        Landmarker("2d106det", 192, 128.0, False, 255.0, ((38,), (88,), (86,), (52,), (61,))),
    )
}
"""The supported landmarkers by name."""


def landmarks(network: Network, frame: Frame, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Compute a landmarker's points of a face in the plate.

    The crop is upright to the face's eyes and frames its box as in the network's training.

    Returns
    -------
    points : np.ndarray
        float64 (n, 2), the network's own points in plate pixels.
    five : np.ndarray
        float64 (5, 2), the alignment points in plate pixels.

    Raises
    ------
    UsageError
        `not-a-landmarker`.
    """
    recipe = LANDMARKERS.get(network.card.kind)
    if recipe is None:
        raise UsageError("not-a-landmarker", f"'{network.card.name}' is none of: {', '.join(LANDMARKERS)}.")
    matrix = _matrix(face, frame.pixel_aspect, recipe)
    crop, _ = view(frame, matrix, recipe.side, Exposure.of_level(face.level).gain)
    points = apply(invert(matrix), points_in(network, crop, recipe))
    return points, five_of(points, recipe)


def points_in(network: Network, crop: np.ndarray, recipe: Landmarker) -> np.ndarray:
    """Points float64 (n, 2) in pixels of `crop`, float32 (side, side, 3), RGB, display-referred 0..1.

    2DFAN gives places on its 64-wide heat maps; the 106-point network -1..1 across the crop.
    """
    channels = crop[..., ::-1] if recipe.bgr else crop
    blob = np.ascontiguousarray(channels.transpose(2, 0, 1)[None], np.float32) * np.float32(recipe.factor)
    out = network.run(blob)
    if recipe.name == "2dfan4":
        raw = next(array for array in out.values() if array.shape[-2:] == (68, 3))
        return raw.reshape(68, 3)[:, :2].astype(np.float64) * (recipe.side / 64.0)
    return (next(iter(out.values())).reshape(106, 2).astype(np.float64) + 1.0) * (recipe.side / 2.0)


def five_of(points: np.ndarray, recipe: Landmarker) -> np.ndarray:
    """Compute the five alignment points (5, 2) from `points` (n, 2)."""
    return np.stack([points[list(group)].mean(axis=0) for group in recipe.five])


def aligned(face: Face, five: np.ndarray, amount: float = 1.0) -> Face:
    """Move a mesh by the similarity that brings the face's own five points to `five` (5, 2), by `amount` 0..1."""
    own = face.five
    wanted = own + amount * (five - own)
    move = similarity(own, wanted)
    growth = float(np.hypot(move[0, 0], move[1, 0]))
    return face.moved(np.column_stack([apply(move, face.points[:, :2]), face.points[:, 2] * growth]))


def _matrix(face: Face, pixel_aspect: float, recipe: Landmarker) -> np.ndarray:
    """Compute plate to crop: the face's box, measured along the eye line, centred and scaled to `fill` of the crop's pixels."""
    unsqueeze = np.array([[pixel_aspect, 0, 0], [0, 1, 0]], np.float64)
    points, five = apply(unsqueeze, face.points[:, :2]), apply(unsqueeze, face.five)
    along = (five[1] - five[0]) / max(float(np.linalg.norm(five[1] - five[0])), 1e-9)
    upright = np.array([[along[0], along[1]], [-along[1], along[0]]])
    turned = points @ upright.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    scale = recipe.fill / max(float(np.max(high - low)), 1e-9)
    centre = (low + high) / 2
    matrix = np.column_stack([scale * upright, recipe.side / 2 - scale * centre])
    return compose(matrix, unsqueeze)
