"""Batches: the clips that a person has marked, and one bar for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from faceplate_client import Engine, HostError

from .dialog import Panel, SwapRequest
from .host import Host
from .interface import Ask, UserInterface
from .swap import swap_clip
from .swap_record import record_of
from .timeline_edit import TRACK

if TYPE_CHECKING:
    from fusionscript import TimelineItem

__all__ = ["Outcome", "batch", "marked_items"]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one clip of a batch."""

    name: str
    done: bool
    text: str


def marked_items(host: Host, color: str) -> list[TimelineItem]:
    """Return the video items with a marker, a flag or the clip colour `color`, by track and time.

    Items on Face Swap tracks, and items that have a result above them already, are left out.
    """
    timeline = host.timeline
    tracks = range(1, timeline.GetTrackCount("video") + 1)
    ours = [index for index in tracks if str(timeline.GetTrackName("video", index)).startswith(TRACK)]
    items: dict[int, list[TimelineItem]] = {
        index: timeline.GetItemListInTrack("video", index) or [] for index in tracks
    }
    swapped = {(item.GetStart(False), item.GetEnd(False)) for index in ours for item in items[index] if record_of(item)}
    found = []
    for index in tracks:
        for item in items[index] if index not in ours else ():
            colors = [marker.get("color") for marker in (item.GetMarkers() or {}).values()]
            marked = color in (*colors, *(item.GetFlagList() or []), item.GetClipColor())
            above = (item.GetStart(False), item.GetEnd(False)) in swapped
            if marked and not above and record_of(item) is None:
                found.append(item)
    return found


def batch(
    host: Host, items: list[TimelineItem], request: SwapRequest, engine: Engine, interface: UserInterface
) -> list[Outcome]:
    """Swap clip after clip. A failure does not stop the others, unless the user stopped or the disk is full."""
    outcomes = []
    bar = _OneBar(interface, items)
    for index, item in enumerate(items):
        name = str(item.GetName())
        bar.begin(index, name)
        try:
            placed = swap_clip(host, item, request, engine, bar)
            outcomes.append(Outcome(name, True, f"{placed.GetStart(False)}-{placed.GetEnd(False)}"))
        except HostError as error:
            outcomes.append(Outcome(name, False, str(error)))
            if error.code in ("cancelled", "disk-full", "disk", "output-unwritable", "no-resolve"):
                break
    return outcomes


_SHARES = {"rendering the clip": (0.0, 0.2), "tracking the face": (0.2, 0.3)}
"""Where each step of a clip begins and how much of the clip it is; replacing the face is the second half."""


class _OneBar(UserInterface):
    """Shows all steps of all clips as one bar, in record frames of all clips."""

    def __init__(self, inner: UserInterface, items: list[TimelineItem]) -> None:
        super().__init__()
        self.notes = inner.notes
        self._inner = inner
        self._lengths = [max(1, int(item.GetDuration(False) or 1)) for item in items]
        self._index, self._name = 0, ""

    def begin(self, index: int, name: str) -> None:
        """Go on to a clip; those before it count as done, also where one failed."""
        self._index, self._name = index, name

    def ask(self, panel: Panel) -> Mapping[str, Any] | None:
        return self._inner.ask(panel)

    def say(self, text: str) -> None:
        self._inner.say(text)

    def follow(self, ask: Ask, cancel: Callable[[], object], title: str) -> None:
        first, share = _SHARES.get(title, (0.5, 0.5))
        before, whole = sum(self._lengths[: self._index]), sum(self._lengths)

        def of_all() -> tuple[int, int, bool]:
            done, total, finished = ask()
            part = first + share * (done / total if total else 0.0)
            return before + int(part * self._lengths[self._index]), whole, finished

        place = f"clip {self._index + 1} of {len(self._lengths)}, {self._name}, {title}"
        self._inner.follow(of_all, cancel, place)
