"""The plate of a swap: which pictures are used, in which colour space, and how the result is placed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from faceplate_client import HostError

from .clip import Clip, Judgement, judge
from .color_spaces import delivered_space, is_managed, ocio_space
from .deliver import deliver
from .dialog import SwapRequest
from .host import Host
from .interface import UserInterface
from .rollback import Rollback
from .swap_record import folder_name
from .timing import Placement, Rate

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["Plate", "choose_mode", "clip_below", "make_plate", "on_new_plate", "plate_space", "same_plate"]


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


def make_plate(
    host: Host,
    rollback: Rollback,
    clip: Clip,
    mode: str,
    request: SwapRequest,
    folder: str,
    interface: UserInterface,
    item: TimelineItem,
) -> Plate:
    """Return the plate of a clip; in the mode render its range is rendered, without the grade of `item` unless asked."""
    space, input_space = plate_space(host, clip, mode, request.space)
    whole = Placement(range(clip.duration), 0, clip.duration, Fraction(1))
    if mode == "render":
        name = folder_name(clip.name)
        ungraded = None if request.burn_grade else item
        pattern, first, last = deliver(host, rollback, clip, folder, f"{name}.", interface.follow, ungraded)
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


def same_plate(clip: Clip, document: dict[str, Any], request: SwapRequest) -> Plate:
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


def on_new_plate(document: dict[str, Any], pattern: str) -> dict[str, Any]:
    """Return the document with another plate, without the tracks of the plate before, those of its faces too."""
    moved = {**document, "plate": pattern, "track": None}
    if document.get("faces"):
        moved["faces"] = [{key: value for key, value in face.items() if key != "track"} for face in document["faces"]]
    return moved


def clip_below(host: Host, clip: Clip) -> TimelineItem:
    """Return the item below a result: the next lower one at the same record frames. Raises HostError `no-clip`."""
    for index in range(clip.track - 1, 0, -1):
        for item in host.timeline.GetItemListInTrack("video", index) or []:
            if (item.GetStart(False), item.GetEnd(False)) == (clip.start, clip.end):
                return item
    raise HostError("no-clip", "Below the result no clip lies at the same place any more; swap the original again.")
