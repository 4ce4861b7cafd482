"""Typed access to Nuke's nodes and knobs for the rest of the adapter."""

from __future__ import annotations

import os
from typing import cast

import nuke

from faceplate_client import FORMER_NAMES, HostError, new_id

from . import names

__all__ = [
    "faceswaps",
    "file_pattern",
    "flag",
    "from_other_file",
    "inner",
    "is_faceswap",
    "nodes_inside",
    "owner_of",
    "parameter_knob",
    "reload_result",
    "script_identity",
    "script_path",
    "set_quietly",
    "text",
    "whole_group",
]


def is_faceswap(node: nuke.Node | None) -> bool:
    """Return whether `node` is a FaceSwap: it has the marker knob and nodes inside, whatever its class.

    The class is Group when it was made by the menu, LiveGroup when it was published, and the file's own name as a Gizmo.
    """
    return isinstance(node, nuke.Group) and node.knob(names.MARK) is not None


def whole_group(node: nuke.Node) -> nuke.Group:
    """Return `node` as a Group: Nuke's type hints say `Node` where a Group is returned."""
    return cast(nuke.Group, node)


def faceswaps() -> list[nuke.Group]:
    """Return every FaceSwap of the script, also inside groups, gizmos, LiveGroups and Precomps, sorted by full name."""
    found = [whole_group(node) for node in nodes_inside(nuke.root()) if is_faceswap(node)]
    return sorted(found, key=lambda node: node.fullName())


def nodes_inside(group: nuke.Group) -> list[nuke.Node]:
    """Return the nodes inside a group, at any depth."""
    found: list[nuke.Node] = []
    for node in group.nodes():
        found.append(node)
        if isinstance(node, nuke.Group):
            found += nodes_inside(node)
    return found


def from_other_file(group: nuke.Group) -> bool:
    """Return whether a node belongs to another file than the script: it lies inside a Precomp or LiveGroup."""
    here = group.parent()
    while here is not None and here.fullName() != nuke.root().fullName():
        if isinstance(here, nuke.Precomp):  # of which LiveGroup is a kind
            return True
        here = here.parent()
    return False


def script_identity() -> str:
    """Return the identity of the script, which a saved or copied file keeps; it is made when it is first asked for."""
    root = nuke.root()
    knob = root.knob(names.ROOT_SCRIPT)
    if knob is None:
        knob = nuke.String_Knob(names.ROOT_SCRIPT, "Faceplate script")
        knob.setFlag(nuke.INVISIBLE)
        root.addKnob(knob)
    if not knob.value():
        set_quietly(root, names.ROOT_SCRIPT, new_id())
    return text(root, names.ROOT_SCRIPT)


def inner(group: nuke.Group, name: str) -> nuke.Node:
    """Return an inner node of the group. Raises HostError `node-missing` when it was removed."""
    node = group.node(name)
    if node is None:
        raise HostError("node-missing", f"{group.name()} lacks its inner node {name}; make a new FaceSwap.")
    return node


def owner_of(node: nuke.Node, *inside: str) -> nuke.Group | None:
    """Return the FaceSwap of which `node` is an inner node with one of the names `inside`, or None."""
    parent = node.parent()
    if node.name() in inside and is_faceswap(parent):
        return parent
    return None


def text(node: nuke.Node, name: str) -> str:
    """Return a knob's value as text; empty without the knob."""
    knob = node.knob(name)
    value = "" if knob is None else knob.value()
    return "" if value is None else str(value)


def flag(node: nuke.Node, name: str) -> bool:
    """Return whether a check box is on."""
    knob = node.knob(name)
    return knob is not None and bool(knob.value())


def parameter_knob(group: nuke.Group, name: str) -> nuke.Knob | None:
    """Return the knob of a parameter, under its former name in an older script; None in a node without it."""
    former = next((old for old, new in FORMER_NAMES.items() if new == name), "")
    return group.knob(name) or (group.knob(former) if former else None)


def file_pattern(node: nuke.Node, name: str) -> str:
    """Return a file knob's pattern with its TCL evaluated and its frame number kept (`####`, `%04d`).

    A relative path begins at the project directory, or without one where Nuke was started, as in Nuke itself.
    """
    pattern = _evaluated(text(node, name).strip())
    if pattern and not os.path.isabs(pattern) and "://" not in pattern:
        pattern = os.path.join(_evaluated(text(nuke.root(), "project_directory")) or os.getcwd(), pattern)
    return pattern.replace("\\", "/")


def _evaluated(value: str) -> str:
    return nuke.tcl("subst", value) if "[" in value else value


def reload_result(group: nuke.Group) -> None:
    """Reload the result's files: Nuke caches what it has read of a frame, also that it was missing."""
    for read in (inner(group, names.RESULT_READ), group.node(names.PREVIEW_READ)):
        knob = None if read is None else read["reload"]
        if isinstance(knob, nuke.Script_Knob):
            knob.execute()


def script_path() -> str:
    """Return the script's file. Raises HostError `script-unsaved` while it has none."""
    path = text(nuke.root(), "name")
    if not path:
        raise HostError("script-unsaved", "Save the script first: FaceSwap writes its frames beside it.")
    return path


def set_quietly(node: nuke.Node, name: str, value: object) -> None:
    """Set a knob that the adapter manages, only when the value changes, and without an undo step."""
    knob = node[name]
    if not knob.isAnimated() and knob.value() == value:
        return
    nuke.Undo.disable()
    try:
        if knob.isAnimated():
            knob.clearAnimated()
        knob.setValue(value)
    finally:
        nuke.Undo.enable()
