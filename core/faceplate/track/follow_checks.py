"""Checks and small geometry for following a face from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from faceplate.face import Face
from faceplate.face.align import apply, invert, scale_of
from faceplate.face.landmark import Region
from faceplate.image.window import Window
from faceplate.track.observation import FaceObservation, FrameObservation
from faceplate.track.optical_flow import Flow
from faceplate.track.plate_reader import Proxy

__all__ = [
    "NEAR_OVERLAP",
    "as_stored",
    "faces_on_plate",
    "flow_agrees",
    "is_plausible",
    "key_frame_expired",
    "limited_region",
    "mesh_size",
    "moved_region",
    "overlap",
    "projected",
    "reversed_trail",
    "same_place",
    "window_around",
    "with_face",
    "without_collisions",
]


NEAR_OVERLAP = 0.1
"""From this common area of two faces' boxes (relative to the smaller) the landmarker may jump from one to the other."""


# A key frame is replaced when the face has grown or rotated this much since (log of scale, radians), when it is this many
# frames old, or when a smaller share of its points is found again.
_KEY_GROWN, _KEY_TURNED, _KEY_AGE, _KEY_SHARE = 0.05, 0.08, 24, 0.75

# How far the landmarker's own region may differ from the followed one before that is corrected: fractions of its side,
# and radians. Inside this band the region moves with the skin alone, which keeps the landmarker's jitter white.
_BAND_POSITION, _BAND_SIZE, _BAND_ANGLE = 0.03, 0.05, 0.05


def reversed_trail(trail: list[FaceObservation]) -> list[FaceObservation]:
    """Convert observations that were followed backwards to ones that were followed forwards: the earliest is the new one."""
    if len(trail) < 2:
        return []
    found, anchor = trail[0], trail[0].anchor
    turned = []
    for k, seen in enumerate(trail):
        earlier = trail[k + 1].flow if k + 1 < len(trail) else None
        flow = None if earlier is None else replace(earlier, matrix=invert(earlier.matrix))
        first = k + 1 == len(trail)
        # The same crop, locked to the same skin, has the same bias, so the correction from several passes applies here too.
        own = seen.points + (anchor - found.points) if first and anchor is not None else None
        turned.append(replace(seen, new=first, flow=flow, anchor=None if own is None else as_stored(own)))
    return turned


def with_face(observed: FrameObservation, face: FaceObservation) -> FrameObservation:
    """Return the observation with `face` in place of the one with the same number, with `near` updated for all faces."""
    faces = sorted([*(other for other in observed.faces if other.number != face.number), face], key=lambda f: f.number)
    near = [any(overlap(a.points, b.points) > NEAR_OVERLAP for b in faces if b is not a) for a in faces]
    return replace(observed, faces=tuple(replace(a, near=is_near) for a, is_near in zip(faces, near, strict=True)))


def projected(points: np.ndarray, aspect: float) -> np.ndarray:
    """Unsqueeze points (n, 3) from plate pixels to projected pixels."""
    return points * np.array([aspect, 1.0, 1.0])


def as_stored(points: np.ndarray) -> np.ndarray:
    """Round points to float32 as the checkpoint stores them, so that resuming gives the same result as an unbroken run."""
    return points.astype(np.float32).astype(np.float64)


def faces_on_plate(proxy: Proxy, faces: Iterable[Face]) -> list[Face]:
    """Convert faces from a proxy to plate pixels."""
    return [face.moved(proxy.to_plate(face.points)) for face in faces]


def window_around(region: Region, aspect: float, grow: float) -> Window:
    """Return the plate pixels around `region`, grown by the factor `grow`."""
    reach = region.side * grow * math.sqrt(0.5)
    ends = np.stack([region.centre - reach, region.centre + reach]) / np.array([aspect, 1.0])
    return Window.around(ends, 2)


def moved_region(region: Region, matrix: np.ndarray) -> Region:
    """Move a region by a similarity (2, 3)."""
    turn = math.atan2(matrix[1, 0], matrix[0, 0])
    return Region(apply(matrix, region.centre[None])[0], region.side * scale_of(matrix), region.angle + turn)


def key_frame_expired(carried: np.ndarray, flow: Flow, age: int) -> bool:
    """Check whether the key frame differs too much from the present frame."""
    grown = abs(math.log(scale_of(carried)))
    turned = abs(math.atan2(carried[1, 0], carried[0, 0]))
    return grown > _KEY_GROWN or turned > _KEY_TURNED or age >= _KEY_AGE or flow.share < _KEY_SHARE


def limited_region(region: Region, wanted: Region) -> Region:
    """Move `region` just far enough that `wanted` lies inside the band around it."""
    gap = wanted.centre - region.centre
    distance, allowed = float(np.linalg.norm(gap)), _BAND_POSITION * region.side
    centre = region.centre + gap * max(distance - allowed, 0.0) / max(distance, 1e-9)
    grown = math.log(wanted.side / region.side)
    side = region.side * math.exp(math.copysign(max(abs(grown) - _BAND_SIZE, 0.0), grown))
    turn = math.remainder(wanted.angle - region.angle, math.tau)
    return Region(centre, side, region.angle + math.copysign(max(abs(turn) - _BAND_ANGLE, 0.0), turn))


def mesh_size(points: np.ndarray) -> float:
    """Return the longer side of the mesh's box."""
    return float(np.ptp(points[:, :2], axis=0).max())


def is_plausible(before: np.ndarray, after: np.ndarray) -> bool:
    """Check that the face neither grew by a third nor jumped by half its size between two frames."""
    a, b = mesh_size(before), mesh_size(after)
    jump = float(np.linalg.norm(after[:, :2].mean(axis=0) - before[:, :2].mean(axis=0)))
    return 0.7 < b / max(a, 1e-9) < 1.43 and jump < 0.5 * a


def flow_agrees(flow: Flow, before: np.ndarray, after: np.ndarray) -> bool:
    """Check that the flow and the landmarker show the same motion, within a tenth of the face."""
    moved = apply(flow.matrix, before[:, :2]).mean(axis=0)
    return float(np.linalg.norm(moved - after[:, :2].mean(axis=0))) < 0.1 * mesh_size(before)


def same_place(a: np.ndarray, b: np.ndarray) -> bool:
    """Check whether two meshes lie on the same face: centres closer than a third of the larger size."""
    gap = np.linalg.norm(a[:, :2].mean(axis=0) - b[:, :2].mean(axis=0))
    return bool(gap < max(mesh_size(a), mesh_size(b)) / 3)


def without_collisions(faces: list[FaceObservation]) -> tuple[FaceObservation, ...]:
    """Keep one of two faces that ended at the same place: the one with the more reliable flow."""
    kept: list[FaceObservation] = []

    def trust(face: FaceObservation) -> tuple[float, float]:
        return (face.flow.share if face.flow else 0.0, face.presence)

    for face in sorted(faces, key=trust, reverse=True):
        if not any(same_place(face.points, other.points) for other in kept):
            kept.append(face)
    return tuple(sorted(kept, key=lambda face: face.number))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the common area of two meshes' boxes, relative to the smaller one."""
    low = np.maximum(a[:, :2].min(axis=0), b[:, :2].min(axis=0))
    high = np.minimum(a[:, :2].max(axis=0), b[:, :2].max(axis=0))
    common = float(np.prod(np.maximum(high - low, 0)))
    smaller = min(float(np.prod(np.ptp(p[:, :2], axis=0))) for p in (a, b))
    return common / max(smaller, 1e-9)
