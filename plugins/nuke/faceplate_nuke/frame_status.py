"""The status line of a node in a session: which frames are rendered, and which are stale.

This is for display only. Whether a frame is current is decided by the engine's key at each request.
"""

from __future__ import annotations

import nuke

from faceplate_client import ClientError, format_frames, frames_on_disk

from . import names
from .fingerprint import digest
from .node_state import knob_names, result_of
from .nodes import set_quietly, text
from .upstream import state_of

__all__ = ["LEDGER", "Ledger", "knobs_name", "refresh"]


class Ledger:
    """The frames of each shot that were rendered in this session, each with a digest of the knobs that it was rendered with."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[int, str]] = {}

    def rendered(self, shot: str, frame: int, knobs: str) -> None:
        """Record a rendered frame."""
        self._seen.setdefault(shot, {})[frame] = knobs

    def stale(self, shot: str, knobs: str) -> tuple[int, ...]:
        """Return the frames that were rendered with other knobs than `knobs`."""
        return tuple(sorted(frame for frame, name in self._seen.get(shot, {}).items() if name != knobs))

    def seen(self, shot: str) -> int:
        """Return how many frames are recorded."""
        return len(self._seen.get(shot, {}))


LEDGER = Ledger()
"""The ledger of this session."""


def knobs_name(group: nuke.Group) -> str:
    """Return a digest of all knobs and nodes that the frames depend on, with their curves and expressions."""
    own = {name: group[name].toScript() for name in knob_names(group)}
    return digest([own, [state_of(group.input(number)) for number in range(len(names.INPUTS))]])


def refresh(group: nuke.Group, ledger: Ledger, working: str = "") -> None:
    """Set the node's status line and colour. `working` names the running task."""
    shot = text(group, names.ID)
    stale = ledger.stale(shot, knobs_name(group)) if ledger.seen(shot) else ()
    set_quietly(group, names.STATUS, working or _status_line(group, ledger.seen(shot), stale))
    set_quietly(group, "tile_color", names.STALE_COLOR if stale else 0)


def _status_line(group: nuke.Group, seen: int, stale: tuple[int, ...]) -> str:
    if stale:
        return f"stale: {format_frames(stale)}"
    try:
        there = frames_on_disk(result_of(group))
    except ClientError:
        there = ()
    if not there:
        return "no frames"
    return format_frames(there) + ("" if seen else " (not checked)")
