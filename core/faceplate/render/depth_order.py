"""The order of several faces in depth: the one whose head is larger in the picture is nearer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.face import Face
from faceplate.face.shape import pose_of, unsqueezed
from faceplate.render.request import FrameRequest
from faceplate.render.resources import RenderResources

__all__ = ["depth_order", "tracked_size"]

# Frames on either side over which a tracked head's size is averaged. Two heads at nearly one distance keep their order in
# neighbouring frames: the track's size of a head that keeps its distance varies by some thousandths from frame to frame.
_STEADY = 6


def depth_order(
    resources: Sequence[RenderResources],
    requests: Sequence[FrameRequest],
    faces: Sequence[Face | None],
    head_sizes: Sequence[float],
) -> tuple[int, ...]:
    """Return the indices of the faces that the frame shows, the farthest first; of equals the later one is nearer.

    A head's distance is its relative size (`head_sizes`) over its size in the picture: that of the track, where there is one.
    `faces` are in pixels of the full plate.
    """
    distances: dict[int, float] = {}
    for index, face in enumerate(faces):
        if face is not None:
            size = tracked_size(resources[index], requests[index])
            distances[index] = head_sizes[index] / (size or _size(face, requests[index].file.pixel_aspect))
    return tuple(sorted(distances, key=lambda index: -distances[index]))


def tracked_size(resources: RenderResources, request: FrameRequest) -> float | None:
    """Return the size of the tracked head in plate pixels, the mean over some frames around this one.

    It depends on the track and the frame alone. None without a track, and where the track does not show the person.
    """
    track = resources.track
    if track is None:
        return None
    person, aspect = resources.person(request.parameters), request.file.pixel_aspect

    def measured(frame: int) -> float | None:
        tracked = track.face(person, frame)
        return None if tracked is None else _size(tracked.face, aspect)

    around = range(request.plate_frame - _STEADY, request.plate_frame + _STEADY + 1)
    name = ("head size", track.path, person)
    sizes = [resources.pool.get((*name, frame), lambda frame=frame: measured(frame)) for frame in around]
    known = [size for size in sizes if size is not None]
    return float(np.exp(np.mean(np.log(known)))) if known else None


def _size(face: Face, pixel_aspect: float) -> float:
    """Return the size of a head in plate pixels, however it is turned."""
    return pose_of(unsqueezed(face.points, pixel_aspect)).scale
