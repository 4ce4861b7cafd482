"""Auto-update: the frame that the Viewer shows is rendered again whenever anything that it depends on has changed.

A change of a knob, an input, a node upstream, the track, the source, or the current frame asks for a picture. Quick changes
are collected for a moment, the latest one is rendered, and a render that is overtaken is cancelled. Where a full frame
takes long, a half-size one comes first.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import nuke

from faceplate_client import ClientError, HostError, Progress

from . import names
from .actions import TASKS, by_id, followers, record_frames, run_task
from .file_patterns import HALF, proxy_pattern
from .frame_status import LEDGER, PREVIEWS, knobs_name, ledger_key, refresh
from .node_state import read_state
from .nodes import flag, reload_result, set_quietly, text
from .prerender import render_missing
from .render_callbacks import ENGINE
from .render_request import RenderRequest, render_request
from .shot_state import ShotState

__all__ = ["LIVE", "LiveUpdates"]

PAUSE = 0.05
"""Seconds without another change before a picture is asked for."""

QUICK = 0.25
"""Seconds. Where the last full frame took no longer, no half-size one comes first."""


@dataclass(frozen=True)
class _Wanted:
    """A picture: the frame, and the digest of everything that it depends on."""

    frame: int
    knobs: str


class LiveUpdates:
    """The pictures that nodes with auto-update want, the latest one of each node."""

    def __init__(self) -> None:
        self._wanted: dict[str, _Wanted] = {}
        self._timers: dict[str, threading.Timer] = {}
        self._took: dict[str, float] = {}
        self._tried: dict[str, _Wanted] = {}

    def follow(self, group: nuke.Group) -> None:
        """Ask for the picture of `group` as it is now, if its auto-update is on and it has changed. Main thread only."""
        if not nuke.GUI or not flag(group, names.AUTO) or flag(group, "disable"):
            return
        shot, wanted = text(group, names.ID), _Wanted(int(nuke.frame()), knobs_name(group))
        if self._wanted.get(shot) == wanted:
            return
        self._wanted[shot] = wanted
        TASKS.cancel(shot, only_live=True)
        self._later(shot)

    def pending(self) -> bool:
        """Return whether a picture is about to be asked for."""
        return any(timer.is_alive() for timer in self._timers.values())

    def _later(self, shot: str) -> None:
        waiting = self._timers.get(shot)
        if waiting is not None:
            waiting.cancel()
        timer = threading.Timer(PAUSE, lambda: nuke.executeInMainThread(self._due, args=(shot,)))
        timer.daemon = True
        self._timers[shot] = timer
        timer.start()

    def _due(self, shot: str) -> None:
        """Start the render of the wanted picture, or wait for the task or the render that is in the way."""
        group = by_id(shot)
        if group is None or not flag(group, names.AUTO):
            self._wanted.pop(shot, None)
            return
        if nuke.executing():
            self._later(shot)
            return
        if TASKS.busy(shot):
            return  # `ended` comes back to it
        try:
            self._start(group, self._wanted[shot])
        except (ClientError, RuntimeError) as error:
            set_quietly(group, names.NOTES, str(error))

    def ended(self, group: nuke.Group) -> None:
        """Look again when a task of the node has ended: it may have changed what is wanted, or stood in the way.

        A picture that failed is not tried again before something changes.
        """
        self.follow(group)
        shot = text(group, names.ID)
        wanted = self._wanted.get(shot)
        if wanted is not None and wanted != self._tried.get(shot) and not self.pending():
            self._due(shot)

    def _start(self, group: nuke.Group, wanted: _Wanted) -> None:
        """Render the inner Writes where they are stale, then half size and full size in a thread."""
        shot = text(group, names.ID)
        self._tried[shot] = wanted
        if _is_there(group, wanted):
            refresh(group, LEDGER)
            return
        render_missing(group, [wanted.frame])
        state = read_state(group, [wanted.frame])
        full = render_request(state, supersede=shot)
        half = None if self._took.get(shot, 1.0) <= QUICK else _half_request(state, shot)

        def work(progress: Progress) -> float:
            if half is not None:
                ENGINE.render(half, progress)
                if not progress(0, 1):
                    raise HostError("cancelled", "Another picture is wanted.")
                nuke.executeInMainThread(_show_half, args=(shot, wanted))
            begun = time.monotonic()
            ENGINE.render(full, progress)
            return time.monotonic() - begun

        def finish(group: nuke.Group, took: float) -> None:
            self._took[shot] = took
            record_frames(group, full, wanted.knobs)

        run_task(group, f"Update {wanted.frame}", work, finish, live=True)


def _half_request(state: ShotState, shot: str) -> RenderRequest | None:
    """Return the request for a half-size preview; None where the plate has no proxy, or proxy mode is on already."""
    if state.read is None or state.proxy != 1:
        return None
    half = replace(state, proxy=HALF, result=proxy_pattern(state.result, HALF))
    return render_request(half, supersede=shot)


def _is_there(group: nuke.Group, wanted: _Wanted) -> bool:
    return LEDGER.of(ledger_key(group)).get(wanted.frame) == wanted.knobs


def _show_half(shot: str, wanted: _Wanted) -> None:
    """Show a half-size preview in the Viewer. Main thread only."""
    group = by_id(shot)
    if group is None:
        return
    PREVIEWS.rendered(ledger_key(group), wanted.frame, wanted.knobs)
    reload_result(group)
    refresh(group, LEDGER)


LIVE = LiveUpdates()
"""The live updates of this session."""

followers.append(LIVE.ended)
