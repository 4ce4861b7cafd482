"""The target: the face in a frame that is replaced, from the track or searched in the frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from faceplate.cache import StageCache
from faceplate.comp.grain import Grain
from faceplate.errors import RenderError, UsageError
from faceplate.face import Face, choose_face, parse_target
from faceplate.face.choose import Point
from faceplate.image.frame import Frame
from faceplate.image.inpaint import heal
from faceplate.plate import PlateFile
from faceplate.render.cache_keys import CacheKeys
from faceplate.render.request import FrameRequest
from faceplate.render.resources import RenderResources
from faceplate.shot.parameters import Parameters
from faceplate.track import Track
from faceplate.track.look import Look
from faceplate.track.view_plan import Views

__all__ = ["Target", "find_target", "search_face"]


@dataclass(frozen=True)
class Target:
    """The face to replace, in pixels of the full plate; None where the frame shows no face and that is allowed.

    `weight` 0..1 is the track's fade and `grain` the plate's grain where the track knows it. `searched` is the picture in
    which the face was searched, as it was read. `views` are the source's views that lead in the frame, by the shot's view
    plan where it has a track; None where the generator has no use for them. `look` is what the track knows of the face's
    pixels, smoothed over time. `movement` (478, 2) is how far each point moves from frame to frame, and `shutter` the part of that
    time for which the plate's shutter is open, where the track knows them.
    """

    face: Face | None
    weight: float = 1.0
    grain: Grain | None = None
    searched: Frame | None = None
    views: Views | None = None
    look: Look | None = None
    movement: np.ndarray | None = None
    shutter: float | None = None


def find_target(resources: RenderResources, request: FrameRequest, keys: CacheKeys, cache: StageCache) -> Target:
    """Return the target of a frame, from the shot's track if it has one, else searched in the frame.

    Raises `RenderError` with code `not-tracked` or `no-face`, and the errors of `choose_face`.
    """
    if resources.track is not None:
        return _tracked_target(resources, resources.track, request)

    def search() -> tuple[Face | None, Frame]:
        return search_face(resources, request.file, request.parameters, request.frame)

    if not cache.active:
        face, searched = search()
        return Target(face, searched=searched, views=resources.views_alone(request, face))
    # A cache keeps the face alone, in a tuple: None is a result too.
    found = cache.make("find", keys.find_key(), lambda: search()[:1], keep=True)
    return Target(found[0], views=resources.views_alone(request, found[0]))


def search_face(
    resources: RenderResources, file: PlateFile, parameters: Parameters, frame: int | None
) -> tuple[Face | None, Frame]:
    """Return the target's face searched in one plate file, and the picture in which it was searched, as it was read.

    None when the picture shows no face and `no_face` allows that. `frame` is the shot's number, for a target that is a point
    of one frame.
    """
    finder = resources.finder(parameters)
    searched = resources.read_plate(file, resources.search_region(file))
    picture = searched.with_pixels(heal(searched.pixels)[0])
    faces = finder.find(picture)
    if not faces and parameters.no_face == "pass":
        return None, searched
    target = parse_target(parameters.target)
    if isinstance(target, Point) and target.frame not in (None, frame):
        raise UsageError(
            "bad-target",
            f"The target {parameters.target} is a point in another frame. To follow that person to "
            f"{file.path.name}, give a track with --track.",
        )
    try:
        wanted = resources.wanted_identity(parameters)
        return choose_face(faces, target, lambda face: finder.embed(picture, face), wanted), searched
    except RenderError as error:
        raise RenderError(error.code, f"{file.path.name}: {error}") from error


def _tracked_target(resources: RenderResources, track: Track, request: FrameRequest) -> Target:
    """Return the target as the track has it in the plate frame that is read."""
    number = request.plate_frame
    if not track.holds(number):
        raise RenderError(
            "not-tracked", f"Frame {number} is not in the track ({track.range_text}); track it, or leave the frame out."
        )
    person = resources.person(request.parameters)
    tracked = track.face(person, number)
    if tracked is not None:
        grain, look = track.grain(number), tracked.look
        if not _is_measured_here(resources, track):
            grain, look = None, None if look is None else replace(look, tones=None, features=None)
        return Target(
            tracked.face,
            tracked.weight,
            grain,
            views=resources.planned_views(request),
            look=look,
            movement=track.movement(person, number),
            shutter=track.shutter(number),
        )
    # A track that the shot names has been reviewed: where it has no face, none is meant to be replaced.
    is_reviewed = resources.given_track is not None or track.left_out(person, number)
    if not is_reviewed and request.parameters.no_face == "fail":
        raise RenderError("no-face", f"{request.file.path.name}: No face was found in the frame.")
    return Target(None, 0.0)


def _is_measured_here(resources: RenderResources, track: Track) -> bool:
    """Return whether the track's grain and tones were measured in the working space of this render."""
    wanted, color = resources.shot.space, resources.color
    if track.sidecar.plate.working != color.working_space:
        return False
    read = track.sidecar.plate.space
    return bool(read == wanted or (read and wanted and color.resolve(read) == color.resolve(wanted)))
