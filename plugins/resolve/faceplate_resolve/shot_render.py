"""Renders a shot with the engine: shot file, track, frames, each step undone when a later one fails."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

from faceplate_client import Engine, HostError, Job, completed_job, frame_path, shot_document

from .clip import Clip
from .dialog import ELEMENT, SwapRequest
from .host import Host
from .interface import UserInterface
from .plates import Plate
from .rollback import Rollback
from .swap_record import folder_name, save_shot, take_of

__all__ = ["follow", "new_document", "render_shot"]

_PAUSE = 0.1


def new_document(host: Host, clip: Clip, plate: Plate, request: SwapRequest, ident: str, folder: str) -> dict[str, Any]:
    return shot_document(
        plate.pattern,
        None,
        id=ident,
        name=folder_name(clip.name),
        source=request.source,
        purpose=request.purpose,
        mode="element" if request.result == ELEMENT else "over",
        space=plate.space,
        notes=f"{clip.name}, track {clip.track}, record frames {clip.start}-{clip.end} of {host.timeline.GetName()}",
        host={"app": "resolve", "version": str(host.resolve.GetVersionString()), "script": str(host.project.GetName())},
    )


def render_shot(
    rollback: Rollback,
    shot: str,
    document: dict[str, Any],
    plate: Plate,
    request: SwapRequest,
    engine: Engine,
    interface: UserInterface,
) -> str:
    """Write the shot file, track and render. Returns the result's pattern as Resolve imports it."""
    take = take_of(document)
    folder = os.path.join(os.path.dirname(shot), f"v{take:03d}")
    digits = max(4, len(str(plate.frames[-1])))
    output = os.path.join(folder, f"{document['name']}.{'#' * digits}.exr")
    frames = f"{plate.frames[0]}-{plate.frames[-1]}"
    rollback.step("writing the shot file")
    before = _text(shot)
    rollback.done("the shot file", lambda: _put_back(shot, before))
    if document.get("space") != plate.space and plate.space:
        document = {**document, "space": plate.space}
    document = {
        key: value
        for key, value in {**document, "source": request.source, "purpose": request.purpose}.items()
        if value is not None
    }
    if not request.track or plate.hold:
        document.pop("track", None)
    elif not os.path.exists(str(document.get("track", ""))):
        document["track"] = os.path.join(os.path.dirname(shot), f"{document['name']}.v{take:03d}.track.json")
    # Resolve composites pictures of one size: the element comes on the plate's whole window.
    values = {**request.values, "window": "plate"} if document.get("mode") == "element" else dict(request.values)
    document = save_shot(shot, document, values, output, frames, f"hold {plate.hold}" if plate.hold else "")
    rollback.done("this version's frames", lambda: shutil.rmtree(folder, ignore_errors=True))
    opened = engine.open_shot(shot)
    if (opened.info.get("movie") or {}).get("steady") is False:
        raise HostError(
            "variable-rate", "the movie's frame rate varies, so that its frames cannot be counted; choose render."
        )
    if document.get("track") and not os.path.exists(document["track"]):
        rollback.step("tracking the face")
        follow(engine.track(opened, frames=plate.frames), interface, "tracking the face")
        opened = engine.open_shot(shot)
    release = opened.info.get("source_release") or {}
    if release.get("slate"):
        interface.note(f"The pictures carry a slate, '{release['slate']}': {release.get('text', '')}")
    rollback.step("replacing the face")
    follow(engine.render(opened, plate.frames, priority="batch"), interface, "replacing the face")
    rollback.step("reading the frames back")
    _complete(output, plate)
    return os.path.join(folder, f"{document['name']}.%0{digits}d.exr")


def follow(job: Job, interface: UserInterface, title: str, pause: float = _PAUSE) -> None:
    """Show a job's progress until it ends. Raises HostError `cancelled`, and EngineError for the first failed frame."""

    def ask() -> tuple[int, int, bool]:
        time.sleep(pause)
        document = job.poll()
        return document["done"], document["total"], job.finished

    interface.follow(ask, job.cancel, title)
    completed_job(job)


def _complete(output: str, plate: Plate) -> None:
    """Check that every frame is written; repeat a still's one frame over its length, as links or copies."""
    missing = [frame for frame in plate.frames if not os.path.exists(frame_path(output, frame))]
    if missing:
        raise HostError(
            "not-rendered", f"{len(missing)} frames are not there, the first is {frame_path(output, missing[0])}."
        )
    for number in range(plate.frames[0] + 1, plate.frames[0] + plate.hold):
        target = frame_path(output, number)
        try:
            os.link(frame_path(output, plate.frames[0]), target)
        except OSError:
            shutil.copyfile(frame_path(output, plate.frames[0]), target)


def _text(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _put_back(path: str, before: bytes | None) -> bool:
    if before is None:
        if os.path.exists(path):
            os.remove(path)
        return True
    with open(path, "wb") as file:
        file.write(before)
    return True
