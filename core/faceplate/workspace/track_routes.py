"""Routes of a shot's track: plots, meshes, corrections, the mesh's topology."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header

from faceplate.errors import UsageError
from faceplate.face import topology
from faceplate.render import Renderer
from faceplate.system.user_paths import exists
from faceplate.track import REGIONS, Track, auto_track_path
from faceplate.track.corrections import region_weight
from faceplate.workspace.desk import Desk
from faceplate.workspace.shot_file import etag_of
from faceplate.workspace.shot_routes import Edits
from faceplate.workspace.track_view import edited_track, track_answer

__all__ = ["track_router"]

_WRITING = threading.Lock()
_CONTOURS = {
    "oval": "oval",
    "lips": "lips_loop",
    "mouth": "mouth_loop",
    "right_eye": "right_eye_loop",
    "left_eye": "left_eye_loop",
    "right_brow": "right_brow",
    "left_brow": "left_brow",
}


def track_router(desk: Desk) -> APIRouter:
    """Return the routes of tracks."""
    router = APIRouter()

    router.get("/v1/ui/topology")(mesh_topology)

    @router.get("/v1/ui/track")
    def read(shot: str, face: str | None = None) -> dict[str, Any]:
        """Return a shot's track: people, plots, views, corrections, and its etag."""
        renderer, path = _track_of(desk, shot, face)
        etag = etag_of(path)
        return {"path": str(path), "etag": etag, **track_answer(renderer, Track.load(path))}

    @router.get("/v1/ui/track/mesh")
    def mesh(shot: str, person: str, frame: int, face: str | None = None) -> dict[str, Any]:
        """Return the mesh of a person in a frame, in plate pixels."""
        renderer, path = _track_of(desk, shot, face)
        track = renderer.resources.given_track or Track.load(path)
        found = track.face(person, frame)
        if found is None:
            raise UsageError("no-face", f"The track has no face of {person} in frame {frame}.")
        return {
            "frame": frame,
            "person": person,
            "points": [[round(float(value), 2) for value in point] for point in found.face.points],
            "box": [round(value, 2) for value in found.face.box],
            "confidence": round(found.confidence, 4),
            "weight": round(found.weight, 4),
        }

    @router.post("/v1/ui/track")
    def change(
        shot: str, edits: Edits, face: str | None = None, if_match: Annotated[str, Header()] = ""
    ) -> dict[str, Any]:
        """Correct a track by a list of edits, where it still has the etag of If-Match."""
        _, path = _track_of(desk, shot, face)
        with _WRITING:
            if etag_of(path) != if_match:
                raise UsageError(
                    "track-changed", f"{path.name} was changed by somebody else; it is shown as it is now."
                )
            track = Track.load(path)
            for edit in edits.edits:
                track = edited_track(track, edit)
            track.save()
        renderer, path = _track_of(desk, shot, face)
        return {"path": str(path), "etag": etag_of(path), **track_answer(renderer, Track.load(path))}

    return router


def mesh_topology() -> dict[str, Any]:
    """Return the mesh's triangles, its contours, and the regions that can be dragged."""
    mesh = topology()
    return {
        "triangles": mesh.closed.tolist(),
        "contours": {name: getattr(mesh, field).tolist() for name, field in _CONTOURS.items()},
        "regions": list(REGIONS),
        "region_points": {
            region: [index for index, weight in enumerate(region_weight(region)) if weight >= 1.0] for region in REGIONS
        },
    }


def _track_of(desk: Desk, shot: str, face: str | None) -> tuple[Renderer, Path]:
    """Return a shot's renderer, or a face's, and its track file. Raises `UsageError('no-track')`."""
    renderer = desk.renderer(shot, face)
    own = renderer if not renderer.faces else renderer.faces[0]
    path = own.shot.track or (auto_track_path(own.output) if own.shot.output else None)
    if path is None or not exists(path):
        raise UsageError("no-track", "The shot has no track yet; track it first.")
    desk.service.roots.check(path)
    return own, path
