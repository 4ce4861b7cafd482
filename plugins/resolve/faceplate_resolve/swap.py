"""The tasks of the menu and the command line for one clip: swap it, render its next version."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from faceplate_client import Engine, HostError, new_id

from .clip import read_clip
from .dialog import ELEMENT, OVER, TAKE, SwapRequest
from .grades import copy_grade
from .host import Host
from .interface import UserInterface
from .plates import Plate, choose_mode, clip_below, make_plate, on_new_plate, same_plate
from .rollback import Rollback
from .shot_render import new_document, render_shot
from .swap_record import SwapRecord, folder_name, load_shot, record_of, take_name, take_of
from .timeline_edit import add_take, import_sequence, place_result, set_alpha, set_name, set_space

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, TimelineItem

__all__ = ["current_item", "next_version", "swap_clip"]


def current_item(host: Host) -> TimelineItem:
    """Return the clip under the playhead. Raises HostError `no-clip`."""
    item = host.timeline.GetCurrentVideoItem()
    if not item:
        raise HostError(
            "no-clip",
            "There is no clip under the playhead; Resolve does not report it on the Fusion page: use another page.",
        )
    return item


def swap_clip(
    host: Host, item: TimelineItem, request: SwapRequest, engine: Engine, interface: UserInterface
) -> TimelineItem:
    """Replace the face in one clip: render, import, place above it. Returns the new item.

    Raises HostError; the project is then unchanged. Finished frames stay on disk, and the message names their folder.
    """
    clip = read_clip(host, item)
    mode = choose_mode(clip, request.mode).mode
    if request.result == TAKE and mode == "render":
        raise HostError(
            "refused",
            f"'{clip.name}' is swapped on a render of its range, which cannot be a take of itself: choose {OVER}.",
        )
    ident = new_id()
    folder = os.path.join(
        request.folder, folder_name(str(host.project.GetName() or "")), f"{folder_name(clip.name)}_{ident[:8]}"
    )
    shot = os.path.join(folder, f"{folder_name(clip.name)}.shot.json")
    with Rollback() as rollback:
        rollback.step("making the folder")
        os.makedirs(folder)
        rollback.done("the folder of this swap", lambda: shutil.rmtree(folder))
        plate = make_plate(host, rollback, clip, mode, request, os.path.join(folder, "plate_v001"), interface, item)
        document = new_document(host, clip, plate, request, ident, folder)
        pattern = render_shot(rollback, shot, document, plate, request, engine, interface)
    record = SwapRecord(shot, ident, 1, mode, request.result)
    placed = replace(clip, sizing=clip.sizing if mode == "source" else {})
    host.restore_timeline()
    with _KeepsFrames(folder), Rollback() as rollback:
        media = _import(host, rollback, pattern, plate, record, interface)
        if request.result == TAKE:
            add_take(host, rollback, item, media, plate.placement, record)
            return item
        result = place_result(host, rollback, media, placed, plate.placement, record)
    if not (mode == "render" and request.burn_grade):
        _with_grade(host, item, result, interface)
    return result


def _with_grade(host: Host, original: TimelineItem, placed: TimelineItem, interface: UserInterface) -> None:
    """Give a result the grade of its clip, and save; where Resolve does not, say so: the result itself is whole."""
    said = copy_grade(original, placed)
    if said:
        interface.note(said)
    else:
        host.save()


def next_version(host: Host, item: TimelineItem, request: SwapRequest, engine: Engine, interface: UserInterface) -> int:
    """Render the shot of a placed result with new values and add it as a take. Returns the take's number.

    Raises HostError `no-memory` for a clip that is no result of ours, and as `swap_clip` does.
    """
    record = record_of(item)
    if record is None:
        raise HostError("no-memory", "This clip was not made by Faceplate: use Swap face in clip.")
    document = load_shot(record)
    clip = read_clip(host, item)
    number = take_of(document)
    folder = os.path.dirname(record.shot)
    with Rollback() as rollback:
        if record.mode == "render":
            below = clip_below(host, clip)
            plate_folder = os.path.join(folder, f"plate_v{number:03d}")
            rollback.done("this version's plate", lambda: shutil.rmtree(plate_folder, ignore_errors=True))
            clip = read_clip(host, below)
            plate = make_plate(host, rollback, clip, "render", request, plate_folder, interface, below)
            document = on_new_plate(document, plate.pattern)
        else:
            if record.result == TAKE and SwapRecord.on(item.GetMediaPoolItem()) is None:
                raise HostError("moved", "The clip shows its original: select the latest take of the face first.")
            plate = same_plate(clip, document, request)
        pattern = render_shot(rollback, record.shot, document, plate, request, engine, interface)
    host.restore_timeline()
    with _KeepsFrames(os.path.dirname(pattern)), Rollback() as rollback:
        record = replace(record, take=number)
        media = _import(host, rollback, pattern, plate, record, interface)
        return add_take(host, rollback, item, media, plate.placement, record)


class _KeepsFrames:
    """Context that adds the folder of the finished frames to the message of a later failure."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, HostError):
            error.message += f" The finished frames stay in {self._folder}."


def _import(
    host: Host, rollback: Rollback, pattern: str, plate: Plate, record: SwapRecord, interface: UserInterface
) -> MediaPoolItem:
    """Import a version's frames under a name with version and date; an element's alpha counts as premultiplied."""
    last = plate.frames[0] + plate.hold - 1 if plate.hold else plate.frames[-1]
    media = import_sequence(host, rollback, pattern, plate.frames[0], last, plate.rate)
    if plate.input_space:
        set_space(media, plate.input_space)
    set_name(media, take_name(os.path.basename(pattern).split(".%")[0], record.take))
    if record.result == ELEMENT and not set_alpha(media):
        interface.note("Set the result's Alpha mode to Premultiplied in its Clip Attributes: Resolve did not take it.")
    return media
