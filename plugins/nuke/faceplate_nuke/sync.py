"""Keeps the inside of a FaceSwap in step with its inputs and knobs: paths, colour, what is switched off, render order."""

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

__all__ = ["adopt", "follow_script", "order_renders", "part_twins", "sync"]


def adopt(group: nuke.Group) -> None:
    """A FaceSwap that has just come to be: made, loaded, pasted or brought back by undo. One that has another's
    identity is a copy, and becomes a shot of its own with frames of its own."""
    twins = [other for other in faceswaps() if other.fullName() != group.fullName()]
    if text(group, names.ID) in {text(other, names.ID) for other in twins}:
        set_quietly(group, names.ID, new_id())
        taken = {file_pattern(other, names.RESULT) for other in twins}
        if file_pattern(group, names.RESULT) in taken:
            set_quietly(group, names.RESULT, "")
    sync(group)


def part_twins() -> None:
    """Gives copies that `adopt` has not seen whole an identity of their own. The one whose frames bear its name is the
    first."""
    known: dict[str, nuke.Group] = {}
    for group in sorted(
        faceswaps(), key=lambda one: (f"/{one.name()}_" not in text(one, names.RESULT), one.fullName())
    ):
        if known.setdefault(text(group, names.ID), group) is not group:
            adopt(group)


def sync(group: nuke.Group) -> None:
    """Does nothing that shows as a step of undo, and nothing at all where all is in step."""
    plan = _plan(group)
    _layers(group)
    _search(group)
    _writes(group, plan)
    try:
        result = result_of(group)
    except ClientError:
        # A script without a file: paths come when it is saved.
        return
    _paths(group, result)
    _colour(group, plan)


def follow_script(group: nuke.Group) -> None:
    """The script is saved: under another name its frames are others, so that a render of the old version that still
    runs meets none of the new. Only where the path is the adapter's own."""
    if digest(text(group, names.RESULT)) == text(group, names.RESULT_MADE):
        set_quietly(group, names.RESULT, "")
    sync(group)


def order_renders() -> None:
    """Gives every inner Write an earlier place in the render order than what is rendered from it, as `nuke -x` goes
    by it: 1 for a FaceSwap with none before it, 2 for the next, and the script's own Writes after them."""
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
    """The element is in the plate's space: that of the plate's Read, or what flows between Nuke's nodes."""
    read = inner(group, names.RESULT_READ)
    source = plain_read(group.input(names.PLATE_INPUT)) if plan.read is not None else None
    if source is None:
        set_quietly(read, "raw", True)
        return
    set_quietly(read, "raw", flag(source, "raw"))
    if not flag(source, "raw"):
        set_quietly(read, "colorspace", text(source, "colorspace"))
