"""Callbacks at render time: every frame is rendered and current before a Write needs it, or the render fails.

Nuke calls these around every frame of every Write; `registration` registers them. An exception here aborts the render.
"""

from __future__ import annotations

import os

import nuke

from faceplate_client import ClientError, HostError

from . import names
from .engine_client import EngineClient
from .frame_status import LEDGER, knobs_name, ledger_key, note_frame, refresh
from .node_state import read_state, result_of
from .nodes import owner_of, reload_result, set_quietly
from .prerender import note_rendered, refuse_stale
from .render_request import render_request
from .sync import check_wiring, sync
from .upstream import faceswaps_before

__all__ = ["ENGINE", "after_frame", "after_render", "before_frame", "before_render"]

ENGINE = EngineClient()


def before_render() -> None:
    """Update the FaceSwaps before the first frame of a Write, and take the marks for the Viewer off."""
    for group in faceswaps_before(nuke.thisNode()):
        sync(group)
        if nuke.GUI and group.knob(names.RENDERING) is not None:
            set_quietly(group, names.RENDERING, True)


def before_frame() -> None:
    """Render the frame of every FaceSwap that a Write shows, before Nuke renders the frame. Raises RuntimeError."""
    frame = int(nuke.frame())
    for group in faceswaps_before(nuke.thisNode()):
        if group["disable"].value():
            continue
        try:
            ensure(group, frame)
        except ClientError as error:
            # Farm managers search a task's output for "Error:".
            message = f"Error: {group.fullName()} (frame {frame}): {error}"
            nuke.tprint(message)
            raise RuntimeError(message) from error


def after_frame() -> None:
    """Record a frame that an inner Write has rendered."""
    write = nuke.thisNode()
    group = owner_of(write, names.PLATE_OUT, names.MATTE_OUT)
    if group is not None:
        note_rendered(group, write.name(), int(nuke.frame()))


def after_render() -> None:
    """Update the status lines and the marks after the last frame of a Write, in a session."""
    for group in faceswaps_before(nuke.thisNode()):
        if group.knob(names.RENDERING) is not None:
            set_quietly(group, names.RENDERING, False)
        refresh(group, LEDGER)


def ensure(group: nuke.Group, frame: int) -> None:
    """Render `frame` unless its file has the right key. Raises ClientError."""
    check_wiring(group, result_of(group))
    request = render_request(read_state(group, [frame]), priority="batch")
    refuse_stale(group, frame)
    entry = ENGINE.render(request)[frame]
    if entry.get("error") or not os.path.isfile(request.frames[0].path):
        raise HostError(
            "no-frame", "The engine wrote no file for it: {}".format(entry.get("error") or "no reason was given.")
        )
    if not entry.get("cached"):
        reload_result(group)
    knobs = knobs_name(group)
    note_frame(request.frames[0].path, knobs)
    if nuke.GUI:
        LEDGER.rendered(ledger_key(group), frame, knobs)
