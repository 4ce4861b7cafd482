"""Updates the inner nodes of a FaceSwap from its inputs and knobs: paths, colour, disabled nodes."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

import nuke

from faceplate_client import ClientError, HostError, new_id

from . import names
from .file_patterns import HALF, proxy_pattern, sibling_pattern
from .fingerprint import digest
from .node_state import Plan, plan_of, proxy_factor, result_of
from .nodes import faceswaps, file_pattern, flag, from_other_file, inner, script_identity, set_quietly, text
from .upstream import plain_read

__all__ = ["adopt", "check_wiring", "follow_script", "separate_copies", "sync"]


def adopt(group: nuke.Group) -> None:
    """Update a FaceSwap that was just created, loaded, pasted or restored by undo.

    A node with another node's shot id is a copy: it gets an id and frames of its own. So does a node that was copied from
    another script, because both scripts would write the same frames. A node inside a Precomp or LiveGroup belongs to that
    file, whose frames it keeps.
    """
    if from_other_file(group):
        sync(group)
        return
    if group.knob(names.SCRIPT) is not None and text(group, names.SCRIPT) != script_identity():
        _move_in(group)
    twins = [other for other in faceswaps() if other.fullName() != group.fullName() and not from_other_file(other)]
    if text(group, names.ID) in {text(other, names.ID) for other in twins}:
        set_quietly(group, names.ID, new_id())
        taken = {file_pattern(other, names.RESULT) for other in twins}
        if file_pattern(group, names.RESULT) in taken:
            set_quietly(group, names.RESULT, "")
    sync(group)


def _move_in(group: nuke.Group) -> None:
    """Make a node that was copied from another script a shot of this one, with frames and a copy of the track of its own."""
    set_quietly(group, names.SCRIPT, script_identity())
    if digest(text(group, names.RESULT)) != text(group, names.RESULT_MADE):
        return  # the user typed the path
    before, track = text(group, names.RESULT), file_pattern(group, names.TRACK)
    set_quietly(group, names.ID, new_id())
    set_quietly(group, names.RESULT, "")
    if track != _track_beside(before):
        return
    set_quietly(group, names.TRACK, "")
    with suppress(ClientError, OSError):  # an unsaved script has no place for it yet; then the shot is tracked again
        own = _track_beside(result_of(group))
        if os.path.isfile(track) and not os.path.exists(own):
            os.makedirs(os.path.dirname(own), exist_ok=True)
            shutil.copyfile(track, own)


def _track_beside(result: str) -> str:
    return os.path.dirname(result) + "/shot.track.json"


def separate_copies() -> None:
    """Give copies that `adopt` saw before they were complete an id of their own.

    The node whose frames are named after it keeps the id.
    """
    known: dict[str, nuke.Group] = {}
    own = [group for group in faceswaps() if not from_other_file(group)]
    for group in sorted(own, key=lambda one: (f"/{one.name()}_" not in text(one, names.RESULT), one.fullName())):
        if known.setdefault(text(group, names.ID), group) is not group:
            adopt(group)


def sync(group: nuke.Group) -> None:
    """Update the inner nodes, without an undo step, and only where something differs."""
    plan = _plan(group)
    _layers(group)
    _search(group)
    _writes(group, plan)
    try:
        result = result_of(group)
    except ClientError:
        # The script has no file yet; paths are set when it is saved.
        return
    _paths(group, result)
    _colour(group, plan)


def follow_script(group: nuke.Group) -> None:
    """Choose new frame paths when the script is saved under another name.

    A render of the old version that still runs then writes to other files. A path that the user typed is kept.
    """
    if digest(text(group, names.RESULT)) == text(group, names.RESULT_MADE):
        set_quietly(group, names.RESULT, "")
    sync(group)


def check_wiring(group: nuke.Group, pattern: str) -> None:
    """Raise HostError `wiring` where the inner Read does not show the frames that the engine writes.

    A locked LiveGroup, or a Gizmo that was edited, may refuse to have its inner nodes set.
    """
    shown = text(inner(group, names.RESULT_READ), "file")
    if shown != pattern:
        raise HostError(
            "wiring",
            f"The inner Read of {group.fullName()} shows {shown or 'no file'} instead of {pattern}; if the node is locked "
            "(a published LiveGroup), make it local, or make a new FaceSwap.",
        )


def _plan(group: nuke.Group) -> Plan:
    try:
        return plan_of(group)
    except ClientError as error:
        return Plan(None, str(error), False)


def _layers(group: nuke.Group) -> None:
    wanted = [word.strip() for word in text(group, "layers").split(",")]
    for layer, _, _ in names.LAYERS:
        set_quietly(inner(group, "Layer_" + layer), "disable", not (layer in wanted or "all" in wanted))


def _search(group: nuke.Group) -> None:
    crop = inner(group, names.PLATE_CROP)
    used = flag(group, names.USE_SEARCH)
    set_quietly(crop, "disable", not used)
    if used:
        box = [float(group[names.SEARCH].getValue(channel)) for channel in range(4)]
        if [float(crop["box"].getValue(channel)) for channel in range(4)] != box:
            set_quietly(crop, "box", box)


def _writes(group: nuke.Group, plan: Plan) -> None:
    connected = group.input(names.PLATE_INPUT) is not None
    set_quietly(inner(group, names.PLATE_OUT), "disable", plan.read is not None or not connected)
    set_quietly(inner(group, names.MATTE_OUT), "disable", not plan.matte)


def _paths(group: nuke.Group, result: str) -> None:
    if not text(group, names.RESULT):
        set_quietly(group, names.RESULT, result)
        set_quietly(group, names.RESULT_MADE, digest(result))
    if not text(group, names.TRACK):
        set_quietly(group, names.TRACK, _track_beside(result))
    set_quietly(inner(group, names.PLATE_OUT), "file", sibling_pattern(result, "plate"))
    set_quietly(inner(group, names.MATTE_OUT), "file", sibling_pattern(result, "matte"))
    read = inner(group, names.RESULT_READ)
    set_quietly(read, "file", result)
    preview = group.node(names.PREVIEW_READ)
    if preview is not None:
        set_quietly(preview, "file", proxy_pattern(result, HALF))
    factor = proxy_factor()
    if factor != 1:
        set_quietly(read, "proxy", proxy_pattern(result, factor))


def _colour(group: nuke.Group, plan: Plan) -> None:
    """Set the element's colour space to the plate's: that of the plate's Read, or the working space."""
    source = plain_read(group.input(names.PLATE_INPUT)) if plan.read is not None else None
    for read in (inner(group, names.RESULT_READ), group.node(names.PREVIEW_READ)):
        if read is None:
            continue
        set_quietly(read, "raw", source is None or flag(source, "raw"))
        if source is not None and not flag(source, "raw"):
            set_quietly(read, "colorspace", text(source, "colorspace"))
