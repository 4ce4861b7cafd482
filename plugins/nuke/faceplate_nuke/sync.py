"""Updates the inner nodes of a FaceSwap from its inputs and knobs: paths, colour, disabled nodes, render order."""

from __future__ import annotations

import os

import nuke

from faceplate_client import ClientError, new_id

from . import names
from .file_patterns import proxy_pattern, sibling_pattern
from .fingerprint import digest
from .node_state import Plan, plan_of, proxy_factor, result_of
from .nodes import faceswaps, file_pattern, flag, inner, is_faceswap, set_quietly, text
from .upstream import faceswaps_before, plain_read

__all__ = ["adopt", "follow_script", "order_renders", "separate_copies", "sync"]


def adopt(group: nuke.Group) -> None:
    """Update a FaceSwap that was just created, loaded, pasted or restored by undo.

    A node with another node's shot id is a copy: it gets an id and frames of its own.
    """
    twins = [other for other in faceswaps() if other.fullName() != group.fullName()]
    if text(group, names.ID) in {text(other, names.ID) for other in twins}:
        set_quietly(group, names.ID, new_id())
        taken = {file_pattern(other, names.RESULT) for other in twins}
        if file_pattern(group, names.RESULT) in taken:
            set_quietly(group, names.RESULT, "")
    sync(group)


def separate_copies() -> None:
    """Give copies that `adopt` saw before they were complete an id of their own.

    The node whose frames are named after it keeps the id.
    """
    known: dict[str, nuke.Group] = {}
    for group in sorted(
        faceswaps(), key=lambda one: (f"/{one.name()}_" not in text(one, names.RESULT), one.fullName())
    ):
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


def order_renders() -> None:
    """Set the render order of `nuke -x`, so that inner Writes come before the Writes that need them.

    1 for a FaceSwap with none before it, 2 for the next one, and the script's own Writes after them.
    """
    for group in faceswaps():
        place = 1 + len(faceswaps_before(group))
        for name in (names.PLATE_OUT, names.MATTE_OUT):
            set_quietly(inner(group, name), "render_order", place)
    for write in nuke.allNodes("Write", nuke.root(), recurseGroups=True):
        before = faceswaps_before(write)
        if is_faceswap(write.parent()) or not before:
            continue
        latest = max(1 + len(faceswaps_before(group)) for group in before)
        if write["render_order"].value() <= latest:
            set_quietly(write, "render_order", latest + 1)


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
        set_quietly(group, names.TRACK, os.path.dirname(result) + "/shot.track.json")
    set_quietly(inner(group, names.PLATE_OUT), "file", sibling_pattern(result, "plate"))
    set_quietly(inner(group, names.MATTE_OUT), "file", sibling_pattern(result, "matte"))
    read = inner(group, names.RESULT_READ)
    set_quietly(read, "file", result)
    factor = proxy_factor()
    if factor != 1:
        set_quietly(read, "proxy", proxy_pattern(result, factor))


def _colour(group: nuke.Group, plan: Plan) -> None:
    """Set the element's colour space to the plate's: that of the plate's Read, or the working space."""
    read = inner(group, names.RESULT_READ)
    source = plain_read(group.input(names.PLATE_INPUT)) if plan.read is not None else None
    if source is None:
        set_quietly(read, "raw", True)
        return
    set_quietly(read, "raw", flag(source, "raw"))
    if not flag(source, "raw"):
        set_quietly(read, "colorspace", text(source, "colorspace"))
