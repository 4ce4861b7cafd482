"""The state of a node's frames in a session: rendered and current, stale, half size, or not checked.

This is for display only. Whether a frame is current is decided by the engine's key at each request. Beside each frame lies
a small file with the digest of the knobs and nodes that it was rendered with, so that a script that is opened again, or
frames that a farm has rendered, are judged without asking the engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import nuke

from faceplate_client import ClientError, HostError, format_frames, frame_path, frames_on_disk, read_text, write_text

from . import names
from .file_patterns import proxy_pattern
from .fingerprint import digest, file_content, folder_content
from .marks import show_states
from .node_state import color_settings, knob_names, proxy_factor, result_of
from .nodes import file_pattern, flag, set_quietly, text
from .upstream import state_of

__all__ = ["LEDGER", "PREVIEWS", "Ledger", "knobs_name", "ledger_key", "note_frame", "refresh"]

_NOTE = ".state"


class Ledger:
    """The rendered frames of each shot, each with a digest of the knobs that it was rendered with."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[int, str]] = {}

    def rendered(self, shot: str, frame: int, knobs: str) -> None:
        """Record a rendered frame."""
        self._seen.setdefault(shot, {})[frame] = knobs

    def learn(self, shot: str, pattern: str, frames: Iterable[int]) -> None:
        """Record frames by the notes that lie beside their files."""
        for frame in frames:
            note = read_text(frame_path(pattern, frame) + _NOTE)
            if note:
                self.rendered(shot, frame, note)

    def of(self, shot: str) -> dict[int, str]:
        """Return the digest of each recorded frame."""
        return dict(self._seen.get(shot, {}))

    def stale(self, shot: str, knobs: str) -> tuple[int, ...]:
        """Return the frames that were rendered with other knobs than `knobs`."""
        return tuple(sorted(frame for frame, name in self._seen.get(shot, {}).items() if name != knobs))

    def seen(self, shot: str) -> int:
        """Return how many frames are recorded."""
        return len(self._seen.get(shot, {}))


LEDGER = Ledger()
"""The ledger of this session."""

PREVIEWS = Ledger()
"""The same for half-size previews."""


def ledger_key(group: nuke.Group) -> str:
    """Return the name of the node's frames in a ledger: a project in proxy mode has frames of its own."""
    factor = proxy_factor()
    return text(group, names.ID) + (f"@{factor}" if factor != 1 else "")


def knobs_name(group: nuke.Group) -> str:
    """Return a digest of all that the frames depend on: knobs with their curves, inputs, colour, track and source."""
    own = {name: group[name].toScript() for name in knob_names(group)}
    files = [file_content(file_pattern(group, names.TRACK)), folder_content(file_pattern(group, names.SOURCE))]
    inputs = [state_of(group.input(number)) for number in range(len(names.INPUTS))]
    color = color_settings()
    managed = [color.management, color.config, color.custom_path, color.working, color.environment]
    return digest([own, files, inputs, managed])


def note_frame(path: str, knobs: str) -> None:
    """Leave the digest beside a rendered frame; only a convenience, so a disk that refuses it is no error."""
    if read_text(path + _NOTE) != knobs:
        with suppress(HostError):
            write_text(path + _NOTE, knobs)


def refresh(group: nuke.Group, ledger: Ledger, working: str = "") -> None:
    """Set the node's status line and colour, and the marks in the picture. `working` names the running task."""
    shot = ledger_key(group)
    if flag(group, names.RENDERING) and not nuke.executing():
        set_quietly(group, names.RENDERING, False)  # a render that failed calls no afterRender
    pattern, there = _on_disk(group)
    known = ledger.of(shot)
    ledger.learn(shot, pattern, (frame for frame in there if frame not in known or frame == int(nuke.frame())))
    knobs = knobs_name(group)
    stale = ledger.stale(shot, knobs) if ledger.seen(shot) else ()
    set_quietly(group, names.STATUS, working or _status_line(there, ledger.seen(shot), stale))
    set_quietly(group, "tile_color", names.STALE_COLOR if stale else 0)
    show_states(group, _states(group, ledger, there, knobs))


def _states(group: nuke.Group, ledger: Ledger, there: tuple[int, ...], knobs: str) -> dict[int, int]:
    """Return the state of each frame that has a file, or a half-size one."""
    shot = ledger_key(group)
    known = ledger.of(shot)
    states = {frame: _state(known.get(frame), knobs) for frame in there}
    for frame, drawn in PREVIEWS.of(shot).items():
        if drawn == knobs and states.get(frame) != names.CURRENT:
            states[frame] = names.HALF_SIZE
    return states


def _state(rendered: str | None, knobs: str) -> int:
    if rendered is None:
        return names.NOT_CHECKED
    return names.CURRENT if rendered == knobs else names.STALE


def _on_disk(group: nuke.Group) -> tuple[str, tuple[int, ...]]:
    """Return the pattern of the node's frames, and those that are there; nothing while the script has no file."""
    try:
        pattern = proxy_pattern(result_of(group), proxy_factor())
    except ClientError:
        return "", ()
    return pattern, tuple(frames_on_disk(pattern)) if os.path.isdir(os.path.dirname(pattern)) else ()


def _status_line(there: tuple[int, ...], seen: int, stale: tuple[int, ...]) -> str:
    if stale:
        return f"stale: {format_frames(stale)}"
    if not there:
        return "no frames"
    return format_frames(there) + ("" if seen else " (not checked)")
