"""Places a finished sequence on the timeline: bin, import, track, item, markers; or adds it as a take.

Resolve's return values are not reliable: every change is read back, the last time after the project was saved.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING

from faceplate_client import HostError

from .clip import Clip
from .host import Host, has
from .rollback import Rollback
from .swap_record import SwapRecord, write_record
from .timing import Placement, Rate, end_candidates, parse_rate

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPoolItem, TimelineItem

__all__ = ["BIN", "TRACK", "add_take", "import_sequence", "place_result", "set_alpha", "set_name", "set_space"]

BIN = "Faceplate"
TRACK = "Face Swap"


def import_sequence(host: Host, rollback: Rollback, pattern: str, first: int, last: int, rate: Rate) -> MediaPoolItem:
    """Import frames `first` to `last` of `pattern` (`…/name.%04d.exr`) into the Faceplate bin, at `rate`.

    Raises HostError `not-imported`, `bad-rate`.
    """
    rollback.step("importing the frames")
    before = host.pool.GetCurrentFolder()
    try:
        folder = _bin(host, rollback)
        if not host.pool.SetCurrentFolder(folder):  # imports go to the current folder
            raise HostError("not-imported", f"Resolve does not open the bin {BIN}.")
        host.pool.ImportMedia([{"FilePath": pattern, "StartIndex": first, "EndIndex": last}])
    finally:
        if before:
            host.pool.SetCurrentFolder(before)
    name = os.path.basename(pattern)
    media = _imported(folder, pattern, first)
    if media is None:
        raise HostError("not-imported", f"Resolve did not import {name}.")
    rollback.done("the import", lambda: host.pool.DeleteClips([media]))
    frames = str(media.GetClipProperty("Frames") or "")
    if frames != str(last - first + 1):
        raise HostError(
            "not-imported", f"Resolve imported {frames or 'no'} frames of {name} instead of {last - first + 1}."
        )
    _set_rate(media, rate)
    return media


def _bin(host: Host, rollback: Rollback) -> Folder:
    root = host.pool.GetRootFolder()
    folder = _subfolder(root)
    if folder is None:
        host.pool.AddSubFolder(root, BIN)
        folder = _subfolder(root)
        if folder is None:
            raise HostError("no-bin", f"Resolve did not make the bin {BIN}.")
        made = folder
        rollback.done(f"the bin {BIN}", lambda: host.pool.DeleteFolders([made]))
    return folder


def _subfolder(root: Folder) -> Folder | None:
    return next((folder for folder in root.GetSubFolderList() or [] if folder.GetName() == BIN), None)


def _imported(folder: Folder, pattern: str, first: int) -> MediaPoolItem | None:
    """Return the clip of the bin whose first file is the pattern's; Resolve formats paths differently."""
    start = _prefix(pattern)
    for media in reversed(folder.GetClipList() or []):
        path = str(media.GetClipProperty("File Path") or "")
        if os.path.dirname(path) == os.path.dirname(pattern) and os.path.basename(path).startswith(start):
            return media
    return None


def _prefix(pattern: str) -> str:
    return re.split(r"%0?\d*d", os.path.basename(pattern), maxsplit=1)[0]


def _set_rate(media: MediaPoolItem, rate: Rate) -> None:
    """Set the rate of a sequence, which otherwise gets the project's rate. Raises HostError `bad-rate`."""
    wanted = str(Rate(rate.exact))
    if not _runs_at(media, rate):
        media.SetClipProperty("FPS", wanted)
    if not _runs_at(media, rate):
        raise HostError(
            "bad-rate", f"Resolve keeps the new clip at {media.GetClipProperty('FPS')} instead of {wanted} fps."
        )


def _runs_at(media: MediaPoolItem, rate: Rate) -> bool:
    try:
        return parse_rate(media.GetClipProperty("FPS")).exact == rate.exact
    except ValueError:
        return False


def set_space(media: MediaPoolItem, name: str) -> None:
    """Set the input colour space of the new clip in a colour-managed project. Raises HostError `bad-space`."""
    media.SetClipProperty("Input Color Space", name)
    if str(media.GetClipProperty("Input Color Space") or "") != name:
        raise HostError("bad-space", f"Resolve does not take '{name}' as the new clip's input colour space.")


def set_name(media: MediaPoolItem, name: str) -> None:
    """Name a clip of the pool, where this Resolve can: from version 20 on; else it keeps its files' name."""
    if has(media, "SetName"):
        media.SetName(name)


def set_alpha(media: MediaPoolItem) -> bool:
    """Make an element's alpha count as premultiplied; return whether Resolve took it."""
    media.SetClipProperty("Alpha mode", "Premultiplied")
    return str(media.GetClipProperty("Alpha mode") or "") == "Premultiplied"


def place_result(
    host: Host, rollback: Rollback, media: MediaPoolItem, clip: Clip, placement: Placement, record: SwapRecord
) -> TimelineItem:
    """Place the result above `clip` on a Face Swap track, and save the project. Raises HostError."""
    rollback.step("placing the clip")
    track = _free_track(host, rollback, clip)
    item = _append(host, rollback, media, clip, placement, track)
    for name, value in clip.sizing.items():
        item.SetProperty(name, value)
        if item.GetProperty(name) != value:
            raise HostError("bad-sizing", f"Resolve does not give the new clip the {name} of the old one.")
    rollback.step("marking the clip")
    write_record(media, placement.start, record)
    write_record(item, placement.start if placement.start < clip.duration else 0, record)
    rollback.step("saving the project")
    host.save()
    kept = _found(host, track, clip.start, clip.end)
    if kept is None or not _is_of(kept, media):
        raise HostError("not-kept", "After saving, the new clip is not on the timeline any more.")
    _check_offset(kept, placement)
    return kept


def _free_track(host: Host, rollback: Rollback, clip: Clip) -> int:
    """Return a Face Swap track above the clip with room for it: Resolve silently drops items that would overlap."""
    timeline = host.timeline
    count = timeline.GetTrackCount("video")
    names = {index: str(timeline.GetTrackName("video", index)) for index in range(1, count + 1)}
    for index, name in names.items():
        ours = re.fullmatch(rf"{TRACK}( \d+)?", name)
        if ours and index > clip.track and not timeline.GetIsTrackLocked("video", index) and _room(host, index, clip):
            return index
    name = TRACK
    while name in names.values():
        name = f"{TRACK} {int(name[len(TRACK) :] or 1) + 1}"
    # Without options the track goes on top; the stub asks for options that only audio has.
    timeline.AddTrack("video")  # pyright: ignore[reportCallIssue]
    index = count + 1
    if timeline.GetTrackCount("video") != index:
        raise HostError("no-track", "Resolve did not add a video track.")
    rollback.done(f"the track {name}", lambda: timeline.DeleteTrack("video", index))
    timeline.SetTrackName("video", index, name)
    if timeline.GetTrackName("video", index) != name:
        raise HostError("no-track", f"Resolve did not name the new track {name}.")
    return index


def _room(host: Host, track: int, clip: Clip) -> bool:
    items = host.timeline.GetItemListInTrack("video", track) or []
    return all(item.GetEnd(False) <= clip.start or item.GetStart(False) >= clip.end for item in items)


def _append(
    host: Host, rollback: Rollback, media: MediaPoolItem, clip: Clip, placement: Placement, track: int
) -> TimelineItem:
    """Append the item at the clip's record frames, trying each meaning of an end frame and reading the result back."""
    seen = []
    for end in end_candidates(placement):
        host.pool.AppendToTimeline(
            [
                {
                    "mediaPoolItem": media,
                    "startFrame": placement.start,
                    "endFrame": end,
                    "mediaType": 1,
                    "trackIndex": track,
                    "recordFrame": clip.start,
                }
            ]
        )
        placed = [item for item in host.timeline.GetItemListInTrack("video", track) or [] if _is_of(item, media)]
        right = [item for item in placed if (item.GetStart(False), item.GetEnd(False)) == (clip.start, clip.end)]
        if len(placed) == 1 and right:
            rollback.done("the clip on the timeline", partial(host.timeline.DeleteClips, right, False))
            _check_offset(right[0], placement)
            return right[0]
        seen += [f"{item.GetStart(False)}-{item.GetEnd(False)}" for item in placed]
        if placed and not host.timeline.DeleteClips(placed, False):
            raise HostError("not-placed", f"Resolve put the clip at {seen[-1]} and does not take it away again.")
    where = f"put it at {', '.join(seen)}" if seen else "put it nowhere"
    raise HostError("not-placed", f"The clip belongs at {clip.start}-{clip.end}; Resolve {where}.")


def _is_of(item: TimelineItem, media: MediaPoolItem) -> bool:
    own = item.GetMediaPoolItem()
    return bool(own) and own.GetUniqueId() == media.GetUniqueId()


def _check_offset(item: TimelineItem, placement: Placement) -> None:
    """Check where the item begins in its media, by the left offset, which Resolve reports exactly."""
    wanted = float(placement.start / placement.ratio)
    if abs(float(item.GetLeftOffset(True) or 0) - wanted) > 0.01:
        raise HostError(
            "not-placed", f"The new clip begins {item.GetLeftOffset(True)} frames into its media instead of {wanted:g}."
        )


def _found(host: Host, track: int, start: int, end: int) -> TimelineItem | None:
    items = host.timeline.GetItemListInTrack("video", track) or []
    return next((item for item in items if (item.GetStart(False), item.GetEnd(False)) == (start, end)), None)


def add_take(
    host: Host, rollback: Rollback, item: TimelineItem, media: MediaPoolItem, placement: Placement, record: SwapRecord
) -> int:
    """Add `media` as a take of `item`, select it and save. Returns its number. Raises HostError."""
    rollback.step("adding the take")
    start, end = item.GetStart(False), item.GetEnd(False)
    before = item.GetSelectedTakeIndex()
    count = item.GetTakesCount()
    for last in end_candidates(placement):
        item.AddTake(media, placement.start, last)
        number = item.GetTakesCount()
        if number <= max(count, 1):
            raise HostError("no-take", "Resolve did not add the take.")
        item.SelectTakeByIndex(number)
        if (item.GetStart(False), item.GetEnd(False)) == (start, end) and _is_of(item, media):
            break
        _drop_take(item, number, before)
    else:
        raise HostError("no-take", "The take would change where the clip lies on the timeline.")
    rollback.done("the take", lambda: _drop_take(item, number, before))
    _check_offset(item, placement)
    rollback.step("marking the take")
    write_record(media, placement.start, record)
    before_record = SwapRecord.on(item)
    at = placement.start if placement.start < placement.duration else 0
    rollback.done("the marker", lambda: _mark_as_before(item, at, before_record))
    write_record(item, at, record)
    rollback.step("saving the project")
    host.save()
    if item.GetTakesCount() != number or item.GetSelectedTakeIndex() != number or not _is_of(item, media):
        raise HostError("not-kept", "After saving, the new take is not there any more.")
    return number


def _mark_as_before(item: TimelineItem, at: int, before: SwapRecord | None) -> bool:
    if before is None:
        own = SwapRecord.on(item)
        return own is None or bool(item.DeleteMarkerAtFrame(at))
    write_record(item, at, before)
    return True


def _drop_take(item: TimelineItem, number: int, before: int) -> bool:
    item.SelectTakeByIndex(max(before, 1))
    return bool(item.DeleteTakeByIndex(number))
