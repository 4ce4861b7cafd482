"""Callbacks at render time: every frame is rendered and current before a Write needs it, or the render fails.

Nuke calls these around every frame of every Write; `registration` registers them. An exception here aborts the render.
"""

from __future__ import annotations

import os

import nuke

from faceplate_client import ClientError, HostError

from . import names
from .engine_client import EngineClient
from .frame_status import LEDGER, knobs_name, refresh
from .node_state import read_state
from .nodes import owner_of, reload_result, text
from .prerender import note_rendered, refuse_stale
from .render_request import render_request
from .sync import sync
from .upstream import faceswaps_before

__all__ = ["ENGINE", "after_frame", "after_render", "before_frame", "before_render"]

ENGINE = EngineClient()


def before_render() -> None:
    """Update the FaceSwaps before the first frame of a Write."""
    for group in faceswaps_before(nuke.thisNode()):
        sync(group)


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
    """Update the status lines after the last frame of a Write, in a session."""
    for group in faceswaps_before(nuke.thisNode()):
        refresh(group, LEDGER)


def ensure(group: nuke.Group, frame: int) -> None:
    """Render `frame` unless its file has the right key. Raises ClientError."""
    request = render_request(read_state(group, [frame]), priority="batch")
    refuse_stale(group, frame)
    entry = ENGINE.render(request)[frame]
    if entry.get("error") or not os.path.isfile(request.frames[0].path):
        raise HostError(
            "no-frame", "The engine wrote no file for it: {}".format(entry.get("error") or "no reason was given.")
        )
    if not entry.get("cached"):
        reload_result(group)
    if nuke.GUI:
        LEDGER.rendered(text(group, names.ID), frame, knobs_name(group))
