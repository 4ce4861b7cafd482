"""The nodes before a node: the Read that can be read directly, the FaceSwaps, and a digest of all of them."""

from __future__ import annotations

from collections.abc import Iterator

import nuke

from faceplate_client import frame_key, frame_path

from . import names
from .fingerprint import digest, file_identity
from .nodes import file_pattern, flag, is_faceswap, whole_group

__all__ = ["faceswaps_before", "plain_read", "state_of"]

_PASSES_ON = ("Dot", "NoOp", "PostageStamp")
_FILE_READERS = ("Read", "DeepRead", "ReadGeo", "ReadGeo2")

_NO_PICTURE = frozenset(
    ("name", "xpos", "ypos", "selected", "label", "tile_color", "gl_color", "note_font", "note_font_size", "note_font_color",
     "hide_input", "icon", "panel", "bookmark", "dope_sheet", "postage_stamp", "postage_stamp_frame", "cached", "indicators",
     "help", "onCreate", "onDestroy", "knobChanged", "updateUI", "autolabel", "lifetimeStart", "lifetimeEnd",
     "lock_connections", "mapsize", "window", "reload", "cacheLocal", "localizationPolicy", "updateLocalization",
     names.STATUS, names.LICENCES, names.NOTES, names.ID, names.RESULT_MADE, names.SCRIPT, names.STATE, names.SHOW_MARKS,
     names.RENDERING, names.AUTO, names.ENGINE_STATE, names.VERSION)
)  # fmt: skip
"""Knobs that do not change pixels."""


def plain_read(node: nuke.Node | None) -> nuke.Node | None:
    """Return the Read whose picture arrives unchanged at `node`'s output, or None."""
    seen = 0
    while node is not None and seen < 1000:
        seen += 1
        if node.Class() == "Read":
            return None if _switched_off(node) else node
        if node.Class() == "Input":
            node = _outside(node)
        elif node.Class() in _PASSES_ON or _switched_off(node):
            node = node.input(0)
        else:
            return None
    return None


def faceswaps_before(node: nuke.Node) -> list[nuke.Group]:
    """Return the FaceSwaps before `node`, in the order in which the picture passes them."""
    found = [whole_group(other) for other in _before(node) if is_faceswap(other)]
    return sorted(found, key=lambda group: sum(is_faceswap(other) for other in _before(group)))


def state_of(node: nuke.Node | None, frame: int | None = None) -> str:
    """Return a digest of everything that `node`'s picture depends on.

    That is the knobs of all nodes before it and, with `frame`, the files that are read for that frame. The digest is equal
    on every machine that has the script and the files.
    """
    if node is None:
        return ""
    facts = []
    for other in sorted(
        {one.fullName(): one for one in [node, *_before(node)]}.values(), key=lambda one: one.fullName()
    ):
        feeds = [source.fullName() if source is not None else "" for source in map(other.input, range(other.inputs()))]
        facts.append([other.fullName(), other.Class(), _changed_knobs(other), feeds, _file_of(other, frame)])
    return digest(facts)


def _changed_knobs(node: nuke.Node) -> dict[str, str]:
    """Return the knobs that a saved script contains; defaults may differ between a session and a terminal."""
    changed = node.writeKnobs(nuke.WRITE_NON_DEFAULT_ONLY).split()
    knobs = {name: node.knob(name) for name in changed if name not in _NO_PICTURE}
    return {name: knob.toScript() for name, knob in sorted(knobs.items()) if knob is not None}


def _file_of(node: nuke.Node, frame: int | None) -> str:
    if frame is None or node.Class() not in _FILE_READERS:
        return ""
    path = frame_path(file_pattern(node, "file"), frame)
    # A frame of another FaceSwap is identified by its key, however often it is rendered.
    return frame_key(path) or file_identity(path)


def _switched_off(node: nuke.Node) -> bool:
    knob = node.knob("disable")
    return knob is not None and not knob.isAnimated() and flag(node, "disable")


def _before(node: nuke.Node) -> Iterator[nuke.Node]:
    """Yield every node that `node` depends on, once, the nearest first; through groups, and along expressions."""
    waiting, seen = [node], {node.fullName()}
    while waiting:
        current = waiting.pop(0)
        for other in _feeds(current):
            if other.fullName() not in seen:
                seen.add(other.fullName())
                waiting.append(other)
                yield other


def _feeds(node: nuke.Node) -> list[nuke.Node]:
    found = list(node.dependencies(nuke.INPUTS | nuke.HIDDEN_INPUTS | nuke.EXPRESSIONS))
    if node.Class() == "Input":
        outside = _outside(node)
        found += [outside] if outside is not None else []
    elif isinstance(node, nuke.Group) and node.Class() != "Root":
        # A Precomp may show another of its nodes than an Output: then each of them counts.
        inside = node.nodes()
        found += [other for other in inside if other.Class() == "Output"] or inside
    # Every expression on frames depends on the root, whose knobs change with the frame.
    return [other for other in found if other.Class() not in ("Root", "Viewer")]


def _outside(node: nuke.Node) -> nuke.Node | None:
    """Return the node that is connected to the group's input of the Input node `node`."""
    return node.parent().input(int(node["number"].value()))
