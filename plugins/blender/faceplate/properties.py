# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of a node group: parameters that cannot be keyed, made from the parameter list, and the shot's paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from . import compat, parameter_sockets
from .faceplate_client import FORMER_NAMES

__all__ = ["Callbacks", "adopt_former_values", "register", "setting_values", "unregister"]

_CLASSES: list[type] = []
_GENERATORS = ("mesh", "null")
_TARGETS = ("auto", "largest", "leftmost", "rightmost")


@dataclass(frozen=True)
class Callbacks:
    """What other modules do for the properties, so that this module imports none of them.

    `changed` is called after every change, `folder_changed` with the node group when the node shows another folder.
    `generators` returns the names of the engine's networks, `people` the ids of the people in a group's track.
    """

    changed: Callable[[], None]
    folder_changed: Callable[[Any], None]
    generators: Callable[[], list[str]]
    people: Callable[[Any], list[str]]


_callbacks: Callbacks | None = None


def _changed(_self: Any, _context: Any) -> None:
    if _callbacks is not None:
        _callbacks.changed()


def _folder_changed(self: Any, context: Any) -> None:
    if _callbacks is not None:
        _callbacks.folder_changed(self.id_data)
    _changed(self, context)


def _generators(_self: Any, _context: Any, text: str) -> list[str]:
    names = [*_GENERATORS, *(_callbacks.generators() if _callbacks is not None else ())]
    return [name for name in dict.fromkeys(names) if text.lower() in name.lower()]


def _people(self: Any, _context: Any, text: str) -> list[str]:
    people = _callbacks.people(self.id_data) if _callbacks is not None else []
    return [name for name in (*_TARGETS, *people) if text.lower() in name.lower()]


_SEARCH = {"generator": _generators, "target": _people}


def _property(entry: dict[str, Any]) -> Any:
    """Return the bpy property of one parameter."""
    common = {"name": entry["label"], "description": entry["help"], "update": _changed, "options": set()}
    if entry["type"] == "choice":
        items = [(choice, choice.replace("_", " ").capitalize(), "") for choice in entry["choices"]]
        return bpy.props.EnumProperty(items=items, default=entry["default"], **common)
    if entry["type"] == "bool":
        return bpy.props.BoolProperty(default=entry["default"], **common)
    if entry["type"] in ("int", "float"):
        bounds = {"min": entry["minimum"], "max": entry["maximum"]}
        common |= {key: value for key, value in bounds.items() if value is not None}
        kind = bpy.props.IntProperty if entry["type"] == "int" else bpy.props.FloatProperty
        return kind(default=entry["default"], **common)
    if entry["type"] == "path":
        common["options"] = compat.path_options()
        return bpy.props.StringProperty(default=entry["default"], subtype="FILE_PATH", **common)
    if entry["name"] in _SEARCH:
        # Other names may be typed, such as that of a network added since.
        common |= {"search": _SEARCH[entry["name"]], "search_options": {"SUGGESTION"}}
    return bpy.props.StringProperty(default=entry["default"], **common)


def adopt_former_values(group: Any) -> None:
    """Move values that an older version stored under a parameter's former name to its name today."""
    held = group.faceplate.parameters
    # Since 5.0 the stored values are no longer items of the property group itself.
    stored = held.bl_system_properties_get() if hasattr(held, "bl_system_properties_get") else held
    for former, name in FORMER_NAMES.items():
        if stored is not None and former in stored.keys():  # noqa: SIM118  (a property group has no `in`)
            if not getattr(held, name):
                setattr(held, name, stored[former])
            del stored[former]


def setting_values(group: Any) -> dict[str, Any]:
    """Return the parameters that hold for the whole shot, by the engine's names; paths are absolute."""
    values = {}
    for entry in parameter_sockets.settings():
        value = getattr(group.faceplate.parameters, entry["name"])
        values[entry["name"]] = bpy.path.abspath(value) if entry["type"] == "path" and value else value
    return values


def _take_items() -> type:
    notes = {
        "number": bpy.props.IntProperty(name="Take"),
        "made": bpy.props.StringProperty(name="Made"),
        "frames": bpy.props.StringProperty(name="Frames"),
        "note": bpy.props.StringProperty(name="Note"),
        "sha256": bpy.props.StringProperty(name="Parameters"),
    }
    return type("FACEPLATE_PG_take", (bpy.types.PropertyGroup,), {"__annotations__": notes})


def _shot(parameters_class: type, take_class: type) -> type:
    text, path = (
        bpy.props.StringProperty,
        {"subtype": "FILE_PATH", "update": _changed, "options": compat.path_options()},
    )
    notes = {
        "uid": text(options={"HIDDEN"}),
        "shot_name": text(name="Shot", description="The shot's name in shot files", options=set()),
        "source": text(name="Source", description="A folder of pictures, or one picture, of the person put in", **path),
        "track": text(name="Track", description="The tracked face of every frame; written by Track", **path),
        "faces_file": text(
            name="Several faces",
            description="A shot file whose faces this node swaps, each with its own source, track and parameters",
            **path,
        ),
        "space": text(
            name="Plate space",
            description="The plate's colour space by the engine's name; empty: that of the Image node",
            update=_changed,
            options=set(),
        ),
        "allow_noncommercial": bpy.props.BoolProperty(
            name="Allow non-commercial weights",
            description="Use networks whose licence forbids commercial use",
            update=_changed,
            options=set(),
        ),
        "cache": text(
            name="Folder",
            description="Folder of this node's frames; empty: the folder 'faceplate' beside the .blend",
            subtype="DIR_PATH",
            update=_folder_changed,
            options=compat.path_options(),
        ),
        "take": bpy.props.IntProperty(
            name="Take", description="0: live", min=0, default=0, update=_folder_changed, options=set()
        ),
        "take_row": bpy.props.IntProperty(options=set()),
        "takes": bpy.props.CollectionProperty(type=take_class),
        "plate_signature": text(options={"HIDDEN"}),
        "parameters": bpy.props.PointerProperty(type=parameters_class),
    }
    return type("FACEPLATE_PG_shot", (bpy.types.PropertyGroup,), {"__annotations__": notes})


def register(callbacks: Callbacks) -> None:
    """Make the property classes from the parameter list and add them to node groups."""
    global _callbacks
    _callbacks = callbacks
    annotations = {entry["name"]: _property(entry) for entry in parameter_sockets.settings()}
    held = type("FACEPLATE_PG_parameters", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    take = _take_items()
    _CLASSES[:] = [held, take]
    for item in _CLASSES:
        bpy.utils.register_class(item)
    shot = _shot(held, take)
    bpy.utils.register_class(shot)
    _CLASSES.append(shot)
    # On every node group: some versions allow no properties on a subclass of an ID type.
    bpy.types.NodeTree.faceplate = bpy.props.PointerProperty(type=shot)  # pyright: ignore[reportAttributeAccessIssue]


def unregister() -> None:
    """Remove the property classes; the values stay in the file."""
    del bpy.types.NodeTree.faceplate  # pyright: ignore[reportAttributeAccessIssue]
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
    _CLASSES.clear()
