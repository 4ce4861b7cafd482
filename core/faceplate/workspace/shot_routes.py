"""Routes of a shot: its file, its parameters by frame, its edits, and its timeline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict

from faceplate.errors import FaceplateError
from faceplate.render import Renderer
from faceplate.render.issues import shot_issues
from faceplate.service.shot_info import describe, plate_space
from faceplate.service.shots import OpenShot
from faceplate.shot import explain
from faceplate.shot.document import plain_document
from faceplate.workspace.desk import Desk
from faceplate.workspace.frame_states import FrameStates, keys_on_timeline
from faceplate.workspace.notes import notes_path, read_notes
from faceplate.workspace.plate_facts import frame_rate, size_of
from faceplate.workspace.recent import remember_shot
from faceplate.workspace.shot_file import ShotFile, edit_shot_file, etag_of, read_shot_file
from faceplate.workspace.takes import output_of_take, takes_of
from faceplate_client import format_frames

__all__ = ["shot_router"]


class Edits(BaseModel):
    """Edits of a file, in their order."""

    model_config = ConfigDict(extra="forbid")

    edits: list[dict[str, Any]]


def shot_router(desk: Desk) -> APIRouter:
    """Return the routes of shots."""
    router = APIRouter()

    @router.get("/v1/ui/shot")
    def read(shot: str, response: Response, if_none_match: Annotated[str, Header()] = "", quick: bool = False) -> Any:
        """Return a shot file: its document, its etag, and what the engine knows of it; `quick` opens no source for that."""
        path = desk.path(shot)
        if if_none_match and if_none_match == etag_of(path):
            return Response(status_code=304, headers={"ETag": if_none_match})
        file = read_shot_file(path)
        remember_shot(path)
        return _answer(desk, file, response, quick)

    @router.patch("/v1/ui/shot")
    def change(shot: str, edits: Edits, response: Response, if_match: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Change a shot file by a list of edits, where it still has the etag of If-Match; also return how to undo them."""
        file, undo = edit_shot_file(desk.path(shot), edits.edits, if_match)
        return {**_answer(desk, file, response), "undo": undo}

    @router.get("/v1/ui/values")
    def values(shot: str, frame: int, face: str | None = None) -> dict[str, Any]:
        """Return the value of every parameter at a frame: curves and overrides applied."""
        renderer = desk.renderer(shot, face)
        return {"frame": frame, "values": renderer.shot.at(frame).model_dump(mode="json")}

    @router.get("/v1/ui/frames")
    def frames(shot: str, take: int | None = None) -> dict[str, Any]:
        """Return the timeline: the state of every frame, cuts, keys, issues and notes; `etag` names the shot file that it is of."""
        etag = etag_of(desk.path(shot))
        return {**_timeline(desk, desk.open(shot), take), "etag": etag}

    @router.get("/v1/ui/issues")
    def issues(shot: str) -> dict[str, Any]:
        """Return what is worth a look in a shot, by frame."""
        return {"issues": [issue.model_dump() for issue in shot_issues(desk.renderer(shot))]}

    return router


def _answer(desk: Desk, file: ShotFile, response: Response, quick: bool = False) -> dict[str, Any]:
    """Return what the page shows of a shot; where it cannot be opened, the document and the reason."""
    response.headers["ETag"] = file.etag
    answer: dict[str, Any] = {
        "path": str(file.path),
        "etag": file.etag,
        "document": plain_document(file.document),
        "writable": os.access(file.path, os.W_OK) and os.access(file.path.parent, os.W_OK),
        "takes": takes_of(file.document),
        "error": None,
        "warnings": [],
    }
    try:
        opened = desk.open(str(file.path))
        return answer | _facts(opened) | ({"release": None} if quick else _info(opened))
    except FaceplateError as error:
        return answer | {"error": {"code": error.code, "message": str(error)}}


def _info(opened: OpenShot) -> dict[str, Any]:
    """Return what needs the source and the networks; where they cannot be opened, the reason."""
    try:
        about = describe(opened)
    except FaceplateError as error:
        return {"release": None, "error": {"code": error.code, "message": str(error)}}
    return {"release": about["source_release"], "warnings": about["warnings"], "weights": about["weights"]}


def _facts(opened: OpenShot) -> dict[str, Any]:
    """Return what a shot says without its source or a network."""
    shot, renderer = opened.shot, opened.renderer(opened.shot.output)
    frames = shot.frames or opened.plate.declared or opened.plate.on_disk()
    return {
        "name": shot.name,
        "faces": [face.name for face in shot.faces],
        "frames": format_frames(frames),
        "first": min(frames, default=None),
        "last": max(frames, default=None),
        "rate": frame_rate(renderer),
        "plate": shot.plate,
        **size_of(renderer, tuple(frames)),
        "space": plate_space(renderer, tuple(frames)),
        "source": None if shot.source is None else str(shot.source),
        "track": None if shot.track is None else str(shot.track),
        "tracked": shot.track is not None and opened.tracked,
        "output": shot.output,
        "mode": shot.mode,
        "purpose": shot.purpose,
        "parameters": _set_parameters(Path(opened.request.path or "")),
    }


def _set_parameters(path: Path) -> dict[str, Any]:
    """Return the parameters that a file sets, with the file: the shot's or a show's."""
    found: dict[str, Any] = {}
    for key, value, where in explain(path):
        if key.startswith("parameters.") and where != "built in":
            place = "shot" if where == str(path) else where
            found[key.removeprefix("parameters.")] = {"set": value, "where": place}
    return found


def _timeline(desk: Desk, opened: OpenShot, take: int | None) -> dict[str, Any]:
    renderer = opened.renderer(opened.shot.output)
    frames = opened.shot.frames or opened.plate.declared or opened.plate.on_disk()
    output = ""
    if take is not None or opened.shot.output:
        output = str(output_of_take(opened, take))
    states = FrameStates(renderer, desk.keys).all(frames)
    if take is not None:
        present = set(output_of_take(opened, take).on_disk())
        states = {str(frame): "rendered" if frame in present else "missing" for frame in frames}
    marks, errors = _marks(desk, opened, renderer)
    states |= {frame: "failed" for frame in errors if states.get(frame) in ("missing", "stale")}
    notes = read_notes(notes_path(Path(opened.request.path or ""))).notes
    return {
        "frames": format_frames(frames),
        "rate": frame_rate(renderer),
        "states": states,
        "errors": errors,
        "cuts": _cuts(renderer),
        "keys": keys_on_timeline(renderer),
        "issues": marks,
        "notes": sorted({note.frame for note in notes if note.frame is not None}),
        "output": output,
    }


def _marks(desk: Desk, opened: OpenShot, renderer: Renderer) -> tuple[dict[str, list[str]], dict[str, dict[str, str]]]:
    """Return the kinds of issues by frame, and the errors of frames that failed in a render of this shot."""
    marks: dict[str, list[str]] = {}
    errors: dict[str, dict[str, str]] = {}
    try:
        for issue in shot_issues(renderer):
            for frame in range(issue.first, issue.last + 1):
                kinds = marks.setdefault(str(frame), [])
                if issue.kind not in kinds:
                    kinds.append(issue.kind)
                if issue.kind == "failed":
                    errors[str(frame)] = {"code": "failed", "message": issue.text}
    except FaceplateError:  # the track or the list cannot be read; opening the shot reports it
        pass
    for frame, error in _failed_in_jobs(desk, opened):
        errors[str(frame)] = error
    return marks, errors


def _failed_in_jobs(desk: Desk, opened: OpenShot) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the frames that failed in the newest job that has rendered them."""
    latest: dict[int, dict[str, Any]] = {}
    for job in desk.service.queue.known():
        if job.kind == "render" and job.shot == opened.request.path:
            latest |= {frame: entry for frame, entry in tuple(job.frames.items()) if entry["state"] != "waiting"}
    for frame, entry in latest.items():
        if entry["state"] == "failed":
            yield frame, dict(entry["error"])


def _cuts(renderer: Renderer) -> list[int]:
    """Return the frames that begin a new view, as the track says; none without a track."""
    try:
        tracks = [face.resources.given_track for face in renderer.faces or (renderer,)]
    except FaceplateError:
        return []
    return sorted({cut for track in tracks if track is not None for cut in track.sidecar.cuts})
