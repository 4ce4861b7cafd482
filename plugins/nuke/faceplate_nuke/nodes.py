"""Nodes and knobs by kind: what the rest of the adapter asks Nuke for."""

from __future__ import annotations

import os
from typing import cast

import nuke

from faceplate_client import FORMER_NAMES, HostError

from . import names

__all__ = [
    "faceswaps",
    "file_pattern",
    "flag",
    "inner",
    "is_faceswap",
    "owner_of",
    "parameter_knob",
    "reload_result",
    "script_path",
    "set_quietly",
    "text",
    "whole_group",
]


def is_faceswap(node: nuke.Node | None) -> bool:
    """Whether `node` is one of ours."""
    return node is not None and node.Class() == "Group" and node.knob(names.MARK) is not None


def whole_group(node: nuke.Node) -> nuke.Group:
    """`node`, which is a Group. Nuke answers `Node` where a Group is meant."""
    return cast(nuke.Group, node)


def faceswaps() -> list[nuke.Group]:
    """Every FaceSwap of the script, also inside other groups, by full name."""
    groups = nuke.allNodes("Group", nuke.root(), recurseGroups=True)
    return sorted((whole_group(node) for node in groups if is_faceswap(node)), key=lambda node: node.fullName())


def inner(group: nuke.Group, name: str) -> nuke.Node:
    """A node of the group's inside. Raises HostError when somebody has removed it."""
    node = group.node(name)
    if node is None:
        raise HostError("node-missing", f"The inside of {group.name()} lacks its node {name}; make a new FaceSwap.")
    return node


def owner_of(node: nuke.Node, *inside: str) -> nuke.Group | None:
    """The FaceSwap whose inner node (one of the names `inside`) `node` is, or None."""
    parent = node.parent()
    if node.name() in inside and is_faceswap(parent):
        return parent
    return None


def text(node: nuke.Node, name: str) -> str:
    """A knob's value as text, empty without the knob."""
    knob = node.knob(name)
    value = "" if knob is None else knob.value()
    return "" if value is None else str(value)


def flag(node: nuke.Node, name: str) -> bool:
    """Whether a check box is on."""
    knob = node.knob(name)
    return knob is not None and bool(knob.value())


def parameter_knob(group: nuke.Group, name: str) -> nuke.Knob | None:
    """Return the knob of a parameter, under its former name in an older script; None in a node without it."""
    former = next((old for old, new in FORMER_NAMES.items() if new == name), "")
    return group.knob(name) or (group.knob(former) if former else None)


def file_pattern(node: nuke.Node, name: str) -> str:
    """A file knob's pattern with its TCL carried out and its frame number kept (`####`, `%04d`). A relative one begins
    at the project directory, and without one where Nuke was started, as Nuke has it."""
    pattern = _carried_out(text(node, name).strip())
    if pattern and not os.path.isabs(pattern) and "://" not in pattern:
        pattern = os.path.join(_carried_out(text(nuke.root(), "project_directory")) or os.getcwd(), pattern)
    return pattern.replace("\\", "/")


def _carried_out(value: str) -> str:
    return nuke.tcl("subst", value) if "[" in value else value


def reload_result(group: nuke.Group) -> None:
    """Has Nuke look at the frames' files again: what it has read, or not found, of a frame it keeps."""
    knob = inner(group, names.RESULT_READ)["reload"]
    if isinstance(knob, nuke.Script_Knob):
        knob.execute()


def script_path() -> str:
    """The script's file. Raises HostError while it has none."""
    path = text(nuke.root(), "name")
    if not path:
        raise HostError("script-unsaved", "Save the script first: the frames of FaceSwap lie beside it.")
    return path


def set_quietly(node: nuke.Node, name: str, value: object) -> None:
    """Sets a knob that is the adapter's own business, only when it changes, and without a step of undo."""
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
