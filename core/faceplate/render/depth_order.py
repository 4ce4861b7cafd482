"""The order of several faces in depth: the one whose head is larger in the picture is nearer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.face.shape import pose_of, unsqueezed
from faceplate.render.resources import RenderResources
from faceplate.render.result import LocatedFrame

__all__ = ["depth_order"]

# Frames on either side over which a tracked head's size is averaged. Two heads at nearly one distance keep their order in
# neighbouring frames: the track's size of a head that keeps its distance varies by some thousandths from frame to frame.
_STEADY = 6


def depth_order(
    resources: Sequence[RenderResources], located: Sequence[LocatedFrame], head_sizes: Sequence[float]
) -> tuple[int, ...]:
    """Return the indices of the faces that the frame shows, the farthest first; of equals the later one is nearer.

    A head's distance is `head_sizes` (its size relative to the other people's) over its size in the picture. With a track
    that is the mean over some frames around this one, so that the order is steady; it depends on the track and the frame
    alone.
    """
    distances = {
        index: head_sizes[index] / _size(resources[index], frame)
        for index, frame in enumerate(located)
        if frame.face is not None
    }
    return tuple(sorted(distances, key=lambda index: -distances[index]))


def _size(resources: RenderResources, located: LocatedFrame) -> float:
    """Return the size of the head in plate pixels, however it is turned."""
    face, request = located.target.face, located.request
    assert face is not None
    aspect = request.file.pixel_aspect
    track = resources.track
    if track is None or located.is_face_given:
        return pose_of(unsqueezed(face.points, aspect)).scale
    person = resources.person(request.parameters)

    def measured(frame: int) -> float | None:
        tracked = track.face(person, frame)
        return None if tracked is None else pose_of(unsqueezed(tracked.face.points, aspect)).scale

    around = range(request.plate_frame - _STEADY, request.plate_frame + _STEADY + 1)
    name = ("head size", track.path, person)
    sizes = [resources.pool.get((*name, frame), lambda frame=frame: measured(frame)) for frame in around]
    return float(np.exp(np.mean(np.log([size for size in sizes if size is not None]))))
