"""Expression: the 52 ARKit-style blendshape coefficients, and the openness of mouth and eyes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from faceplate.face.face import RestingShape, topology
from faceplate.face.shape import pose_of, resting_shape
from faceplate.image.soft_steps import smoothstep
from faceplate.models import Network, embedded_store, open_network

__all__ = [
    "BLENDSHAPES",
    "BLENDSHAPE_NETWORK",
    "BLENDSHAPE_POINTS",
    "EYE_CORNERS",
    "IRISES",
    "LID_PAIRS",
    "LIP_PAIRS",
    "RestingFace",
    "blendshapes",
    "brow_heights",
    "expression_of",
    "eye_openness",
    "gaze_of",
    "mouth_openness",
]

BLENDSHAPE_NETWORK = "face_blendshapes"
"""Card of the network that ships."""

# The 52 blendshapes in the network's order (MediaPipe, face_blendshapes_graph.cc) with ARKit's names; right and left are
# the person's own.
BLENDSHAPES: tuple[str, ...] = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
# The 146 of the 478 points that the blendshape network reads, in its order (MediaPipe, face_blendshapes_graph.cc).
BLENDSHAPE_POINTS = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
])  # fmt: skip

# Upper and lower points that face each other across an opening: mouth, the person's right eye, the left one.
LIP_PAIRS = ((191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324))
LID_PAIRS = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382)),
)

# Points of the right and left iris; the corners of the eyes, left to right in the picture of a face seen from in front.
IRISES = (slice(468, 473), slice(473, 478))
EYE_CORNERS = ((33, 133), (362, 263))

# Share of a person's frames whose eyes are less open than the resting face's.
_RESTING_EYES = 0.8
# Shares of a person's frames whose eyes, as their pixels show them, are less open than shut and than open ones.
_SHUT_EYES, _OPEN_EYES = 0.04, 0.9
# Share of the open eyes' opening up to which shut ones have shut, and from which the person has not shut them; the same in widths.
_SHUT_SHARE, _SHUT_WIDTH = (0.5, 0.7), (0.06, 0.1)
# Openness at rest up to which eyes are narrow, and from which they are not.
_NARROW_EYES = (0.13, 0.2)

_UPPER_LIP, _LOWER_LIP = np.array([81, 82, 13, 312, 311]), np.array([178, 87, 14, 317, 402])
_LIP_CORNERS = (78, 308)
# Upper lid, lower lid, corners; the person's right eye, then the left.
_EYES = (
    (np.array([160, 159, 158]), np.array([144, 145, 153]), (33, 133)),
    (np.array([387, 386, 385]), np.array([373, 374, 380]), (263, 362)),
)


def blendshapes(network: Network, points: np.ndarray) -> np.ndarray:
    """Compute the 52 coefficients of `BLENDSHAPES`, float32 (52,), 0..1, for `points` (478, 2 or 3) in square pixels."""
    chosen = points[BLENDSHAPE_POINTS, :2]
    return next(iter(network.run(chosen[None].astype(np.float32)).values())).reshape(52)


def expression_of(points: np.ndarray) -> np.ndarray:
    """Compute `blendshapes` with the network that ships, on one thread: float32 (52,)."""
    return blendshapes(_embedded(), points)


@cache
def _embedded() -> Network:
    return open_network(embedded_store(), BLENDSHAPE_NETWORK, threads=1)


def mouth_openness(points: np.ndarray) -> float:
    """Measure the gap between the inner lips over the inner mouth's width: 0 closed, about 0.7 wide open."""
    return _openness(points, _UPPER_LIP, _LOWER_LIP, _LIP_CORNERS)


def eye_openness(points: np.ndarray) -> tuple[float, float]:
    """Measure the gap between the lids over the eye's width, right and left eye: 0 closed, about 0.35 open."""
    right, left = (_openness(points, *eye) for eye in _EYES)
    return right, left


def brow_heights(canonical: np.ndarray) -> np.ndarray:
    """Measure how high the right and left brow lie above their eye's corners on a canonical mesh, float64 (2,)."""
    mesh = topology()
    sides = ((mesh.right_brow, _EYES[0][2]), (mesh.left_brow, _EYES[1][2]))
    return np.array([canonical[list(corners), 1].mean() - canonical[brow, 1].mean() for brow, corners in sides])


def gaze_of(points: np.ndarray) -> np.ndarray:
    """Measure each iris from the middle between its eye's corners, float64 (2, 2): along the corners and across, in widths."""
    found = []
    for iris, (first, second) in zip(IRISES, EYE_CORNERS, strict=True):
        axis = points[second, :2] - points[first, :2]
        width = max(float(np.linalg.norm(axis)), 1e-9)
        offset = (points[iris, :2].mean(axis=0) - points[[first, second], :2].mean(axis=0)) / width
        along = axis / width
        found.append([offset @ along, offset @ np.array([-along[1], along[0]])])
    return np.array(found)


@dataclass(frozen=True)
class RestingFace:
    """A person's face at rest, against which an expression is measured.

    Attributes
    ----------
    eyes : np.ndarray
        float64 (2,), `eye_openness` of the open right and left eye.
    brows : np.ndarray
        float64 (2,), `brow_heights`.
    irises : np.ndarray
        float64 (2,), how far each iris lies below its eye's corners, in widths: a trait of the eye's shape.
    shape : RestingShape
        The mesh at rest.
    lids : np.ndarray, optional
        float64 (2, 2), what is read of the pixels of shut and of open eyes (`eyelids.lids_seen`), right and left; None where that
        is unknown.
    """

    eyes: np.ndarray
    brows: np.ndarray
    irises: np.ndarray
    shape: RestingShape
    lids: np.ndarray | None = None

    @classmethod
    def of(cls, meshes: Iterable[np.ndarray], lids: np.ndarray | None = None) -> RestingFace:
        """Measure a person's meshes, (478, 3) each, in square pixels: eyes that most frames do not exceed, medians else.

        `lids` (n, 2) is what was read of the pixels of the right and left eye in all frames.
        """
        known = list(meshes)
        canonical = [pose_of(points).canonical for points in known]
        eyes, irises = np.array([eye_openness(p) for p in known]), np.array([gaze_of(p)[:, 1] for p in known])
        brows = np.array([brow_heights(mesh) for mesh in canonical])
        resting = np.quantile(eyes, _RESTING_EYES, axis=0)
        return cls(
            resting,
            np.median(brows, axis=0),
            np.median(irises, axis=0),
            resting_shape(canonical),
            None if lids is None or not len(lids) else _lid_range(lids, resting),
        )


def _lid_range(lids: np.ndarray, resting: np.ndarray) -> np.ndarray:
    """Return what is read of shut and of open eyes, float64 (2, 2), from readings (n, 2) and the landmarks' `resting` eyes (2,).

    Narrow eyes are read as a little open when they are shut, and as less open than the landmarks have them when they are open, each
    person's by as much as their lids, lashes and glasses tell. Wide eyes are open as the landmarks have them, and eyes that never
    shut in the shot are read without an offset.
    """
    low, high = np.quantile(lids, (_SHUT_EYES, _OPEN_EYES), axis=0)
    has_shut = (1 - smoothstep(low / np.maximum(high, 1e-6), *_SHUT_SHARE)) * (1 - smoothstep(low, *_SHUT_WIDTH))
    narrow = (1 - smoothstep(resting, *_NARROW_EYES)) * has_shut
    return np.stack([has_shut * low, resting + narrow * np.minimum(high - resting, 0.0)])


def _openness(points: np.ndarray, upper: np.ndarray, lower: np.ndarray, corners: tuple[int, int]) -> float:
    gap = np.linalg.norm(points[upper] - points[lower], axis=1).mean()
    return float(gap / max(float(np.linalg.norm(points[corners[0]] - points[corners[1]])), 1e-9))
