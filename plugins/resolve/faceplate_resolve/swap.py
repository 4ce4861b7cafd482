"""The tasks of the menu and the command line: swap a clip, render its next version, swap all marked clips."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from faceplate_client import Engine, HostError, Job, completed_job, frame_path, new_id, shot_document

from .clip import Clip, Judgement, judge, read_clip
from .color_spaces import delivered_space, is_managed, ocio_space
from .deliver import deliver
from .dialog import SwapRequest
from .host import Host
from .interface import UserInterface
from .rollback import Rollback
from .swap_record import SwapRecord, folder_name, load_shot, record_of, save_shot, take_of
from .timeline_edit import TRACK, add_take, import_sequence, place_result, set_space
from .timing import Placement, Rate

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, TimelineItem

__all__ = [
    "Outcome",
    "batch",
    "choose_mode",
    "current_item",
    "marked_items",
    "next_version",
    "plate_space",
    "swap_clip",
]

_PAUSE = 0.1


@dataclass(frozen=True)
class Plate:
    """The plate for the engine and the placement of the result.

    `pattern` with `frames` to render, in OCIO's `space` and Resolve's `input_space`. The result has the rate `rate` and
    is placed by `placement`. `hold` is how often a still's one frame is repeated.
    """

    pattern: str
    frames: range
    space: str | None
    input_space: str
    rate: Rate
    placement: Placement
    hold: int = 0


@dataclass(frozen=True)
class Outcome:
    """The outcome of one clip of a batch."""

    name: str
    done: bool
    text: str


def current_item(host: Host) -> TimelineItem:
    """Return the clip under the playhead. Raises HostError `no-clip`."""
    item = host.timeline.GetCurrentVideoItem()
    if not item:
        raise HostError(
            "no-clip",
            "There is no clip under the playhead; Resolve does not report it on the Fusion page: use another page.",
        )
    return item


def choose_mode(clip: Clip, wanted: str) -> Judgement:
    """Return how to swap a clip: `wanted` (auto, source or render) if possible. Raises HostError `refused`."""
    found = judge(clip)
    if found.mode == "refuse":
        raise HostError("refused", f"'{clip.name}' cannot be swapped: {found.reason}.")
    if wanted == "source" and found.mode == "render":
        raise HostError("refused", f"'{clip.name}' cannot be swapped on its own media: {found.reason}. Choose render.")
    return Judgement("render", found.reason or "it was asked for") if wanted == "render" else found


def plate_space(host: Host, clip: Clip, mode: str, said: str) -> tuple[str | None, str]:
    """Return OCIO's space of the plate (None where the file states it), and Resolve's input space for the result.

    The latter is empty in a project that does not manage colour. Raises HostError `space-needed`.
    """
    managed = is_managed(host.setting)
    if mode == "source":
        own = clip.input_space if managed and ocio_space(clip.input_space) else ""
        return said or ocio_space(own), clip.input_space if managed else ""
    name, known = delivered_space(host.setting)
    if not said and known is None:
        raise HostError(
            "space-needed",
            f"Resolve renders in '{name or 'a space it does not name'}': say which OCIO colour space that is.",
        )
    return said or known, name if managed else ""


def swap_clip(
    host: Host, item: TimelineItem, request: SwapRequest, engine: Engine, interface: UserInterface
) -> TimelineItem:
    """Replace the face in one clip: render, import, place above it. Returns the new item.

    Raises HostError; the project is then unchanged. Finished frames stay on disk, and the message names their folder.
    """
    clip = read_clip(host, item)
    mode = choose_mode(clip, request.mode).mode
    ident = new_id()
    folder = os.path.join(
        request.folder, folder_name(str(host.project.GetName() or "")), f"{folder_name(clip.name)}_{ident[:8]}"
    )
    shot = os.path.join(folder, f"{folder_name(clip.name)}.shot.json")
    with Rollback() as rollback:
        rollback.step("making the folder")
        os.makedirs(folder)
        rollback.done("the folder of this swap", lambda: shutil.rmtree(folder))
        plate = _plate(host, rollback, clip, mode, request, os.path.join(folder, "plate_v001"), interface)
        document = _new_document(host, clip, plate, request, ident, folder)
        pattern = _render(rollback, shot, document, plate, request, engine, interface)
    record = SwapRecord(shot, ident, 1, mode)
    placed = replace(clip, sizing=clip.sizing if mode == "source" else {})
    host.restore_timeline()
    with _KeepsFrames(folder), Rollback() as rollback:
        media = _import(host, rollback, pattern, plate)
        return place_result(host, rollback, media, placed, plate.placement, record)


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
            below = _clip_below(host, clip)
            plate_folder = os.path.join(folder, f"plate_v{number:03d}")
            rollback.done("this version's plate", lambda: shutil.rmtree(plate_folder, ignore_errors=True))
            plate = _plate(host, rollback, below, "render", request, plate_folder, interface)
            document = _on_new_plate(document, plate.pattern)
        else:
            plate = _same_plate(clip, document, request)
        pattern = _render(rollback, record.shot, document, plate, request, engine, interface)
    host.restore_timeline()
    with _KeepsFrames(os.path.dirname(pattern)), Rollback() as rollback:
        media = _import(host, rollback, pattern, plate)
        return add_take(host, rollback, item, media, plate.placement, replace(record, take=number))


def marked_items(host: Host, color: str) -> list[TimelineItem]:
    """Return the video items with a marker, a flag or the clip colour `color`, by track and time.

    Items on Face Swap tracks, and items that have a result above them already, are left out.
    """
    timeline = host.timeline
    tracks = range(1, timeline.GetTrackCount("video") + 1)
    ours = [index for index in tracks if str(timeline.GetTrackName("video", index)).startswith(TRACK)]
    items = {index: timeline.GetItemListInTrack("video", index) or [] for index in tracks}
    swapped = {(item.GetStart(False), item.GetEnd(False)) for index in ours for item in items[index] if record_of(item)}
    found = []
    for index in tracks:
        for item in items[index] if index not in ours else ():
            colors = [marker.get("color") for marker in (item.GetMarkers() or {}).values()]
            marked = color in (*colors, *(item.GetFlagList() or []), item.GetClipColor())
            if marked and (item.GetStart(False), item.GetEnd(False)) not in swapped:
                found.append(item)
    return found


def batch(
    host: Host, items: list[TimelineItem], request: SwapRequest, engine: Engine, interface: UserInterface
) -> list[Outcome]:
    """Swap clip after clip. A failure does not stop the others, unless the user stopped or the disk is full."""
    outcomes = []
    for item in items:
        name = str(item.GetName())
        try:
            placed = swap_clip(host, item, request, engine, interface)
            outcomes.append(Outcome(name, True, f"{placed.GetStart(False)}-{placed.GetEnd(False)}"))
        except HostError as error:
            outcomes.append(Outcome(name, False, str(error)))
            if error.code in ("cancelled", "disk-full", "disk", "output-unwritable", "no-resolve"):
                break
    return outcomes


class _KeepsFrames:
    """Context that adds the folder of the finished frames to the message of a later failure."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, HostError):
            error.message += f" The finished frames stay in {self._folder}."


def _plate(
    host: Host, rollback: Rollback, clip: Clip, mode: str, request: SwapRequest, folder: str, interface: UserInterface
) -> Plate:
    space, input_space = plate_space(host, clip, mode, request.space)
    whole = Placement(range(clip.duration), 0, clip.duration, Fraction(1))
    if mode == "render":
        name = folder_name(clip.name)
        pattern, first, last = deliver(host, rollback, clip, folder, f"{name}.", interface.follow)
        return Plate(pattern, range(first, last + 1), space, input_space, host.rate, whole)
    if clip.files.kind == "still":
        only = clip.files.first
        return Plate(clip.files.pattern, range(only, only + 1), space, input_space, host.rate, whole, clip.duration)
    placement = clip.placement(request.handles)
    assert placement is not None and clip.media_rate is not None  # checked by `judge`
    return Plate(clip.files.pattern, _numbers(clip, placement), space, input_space, clip.media_rate, placement)


def _numbers(clip: Clip, placement: Placement) -> range:
    first = clip.files.first if clip.files.kind == "sequence" else 0
    return range(first + placement.render[0], first + placement.render[-1] + 1)


def _same_plate(clip: Clip, document: dict[str, Any], request: SwapRequest) -> Plate:
    """Return the plate of a placed result, for the part that the item shows now. Raises HostError `moved`."""
    first, last = (int(number) for number in str(document["frames"]).split("-"))
    took = document["takes"][-1] if document.get("takes") else {}
    hold = int((took.get("note") or "").partition("hold ")[2] or 0)
    placement = clip.placement(0)
    if clip.speed.kind != "normal" or placement is None or clip.media_rate is None:
        raise HostError("moved", "The clip was retimed since it was placed; swap the original again.")
    count = hold or last - first + 1
    start = placement.render[0] + placement.start
    whole = Placement(range(count), start, clip.duration, clip.ratio)
    return Plate(
        document["plate"],
        range(first, last + 1),
        request.space or document.get("space"),
        clip.input_space,
        clip.media_rate,
        whole,
        hold,
    )


def _on_new_plate(document: dict[str, Any], pattern: str) -> dict[str, Any]:
    """Return the document with another plate, without the tracks of the plate before, those of its faces too."""
    moved = {**document, "plate": pattern, "track": None}
    if document.get("faces"):
        moved["faces"] = [{key: value for key, value in face.items() if key != "track"} for face in document["faces"]]
    return moved


def _clip_below(host: Host, clip: Clip) -> Clip:
    """Return the clip below a result: the next lower one at the same record frames. Raises HostError `no-clip`."""
    for index in range(clip.track - 1, 0, -1):
        for item in host.timeline.GetItemListInTrack("video", index) or []:
            if (item.GetStart(False), item.GetEnd(False)) == (clip.start, clip.end):
                return read_clip(host, item)
    raise HostError("no-clip", "Below the result no clip lies at the same place any more; swap the original again.")


def _new_document(
    host: Host, clip: Clip, plate: Plate, request: SwapRequest, ident: str, folder: str
) -> dict[str, Any]:
    return shot_document(
        plate.pattern,
        None,
        id=ident,
        name=folder_name(clip.name),
        source=request.source,
        purpose=request.purpose,
        mode="over",
        space=plate.space,
        notes=f"{clip.name}, track {clip.track}, record frames {clip.start}-{clip.end} of {host.timeline.GetName()}",
        host={"app": "resolve", "version": str(host.resolve.GetVersionString()), "script": str(host.project.GetName())},
    )


def _render(
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
    document = save_shot(
        shot, document, dict(request.values), output, frames, f"hold {plate.hold}" if plate.hold else ""
    )
    rollback.done("this version's frames", lambda: shutil.rmtree(folder, ignore_errors=True))
    opened = engine.open_shot(shot)
    if (opened.info.get("movie") or {}).get("steady") is False:
        raise HostError(
            "variable-rate", "the movie's frame rate varies, so that its frames cannot be counted; choose render."
        )
    if document.get("track") and not os.path.exists(document["track"]):
        rollback.step("tracking the face")
        _follow(engine.track(opened, frames=plate.frames), interface, "tracking the face")
        opened = engine.open_shot(shot)
    release = opened.info.get("source_release") or {}
    if release.get("slate"):
        interface.note(f"The pictures carry a slate, '{release['slate']}': {release.get('text', '')}")
    rollback.step("replacing the face")
    _follow(engine.render(opened, plate.frames, priority="batch"), interface, "replacing the face")
    rollback.step("reading the frames back")
    _complete(output, plate)
    return os.path.join(folder, f"{document['name']}.%0{digits}d.exr")


def _follow(job: Job, interface: UserInterface, title: str) -> None:
    """Show a job's progress until it ends. Raises HostError `cancelled`, and EngineError for the first failed frame."""

    def ask() -> tuple[int, int, bool]:
        time.sleep(_PAUSE)
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


def _import(host: Host, rollback: Rollback, pattern: str, plate: Plate) -> MediaPoolItem:
    last = plate.frames[0] + plate.hold - 1 if plate.hold else plate.frames[-1]
    media = import_sequence(host, rollback, pattern, plate.frames[0], last, plate.rate)
    if plate.input_space:
        set_space(media, plate.input_space)
    return media


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
