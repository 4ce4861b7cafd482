"""What a node keeps beside its sockets: properties of its group, made from the parameter list where they are parameters."""

from __future__ import annotations

from typing import Any

import bpy

from . import parameter_sockets

__all__ = ["register", "setting_values", "unregister"]

_CLASSES: list[type] = []
_GENERATORS = ("mesh", "null")


def _changed(self: Any, _context: Any) -> None:
    from . import live_update

    live_update.mark()


def _take_changed(self: Any, context: Any) -> None:
    from . import node_group

    node_group.place(self.id_data)
    node_group.reload(self.id_data)
    _changed(self, context)


def _generators(_self: Any, _context: Any, text: str) -> list[str]:
    from . import connection

    names = [*_GENERATORS, *(card["name"] for card in connection.models() if card.get("present", True))]
    return [name for name in dict.fromkeys(names) if text.lower() in name.lower()]


def _people(_self: Any, _context: Any, text: str) -> list[str]:
    from . import connection

    shot = connection.known(_self.id_data if hasattr(_self, "id_data") else None)
    people = [str(person["id"]) for person in (shot or {}).get("people", ())]
    names = ["auto", "largest", "leftmost", "rightmost", *people]
    return [name for name in names if text.lower() in name.lower()]


_SEARCH = {"generator": _generators, "target": _people}


def _property(entry: dict[str, Any]) -> Any:
    """The bpy property of one parameter."""
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
        return bpy.props.StringProperty(default=entry["default"], subtype="FILE_PATH", **common)
    if entry["name"] in _SEARCH:
        # Names that the list does not know yet (a network added since) may be typed.
        common |= {"search": _SEARCH[entry["name"]], "search_options": {"SUGGESTION"}}
    return bpy.props.StringProperty(default=entry["default"], **common)


def setting_values(group: Any) -> dict[str, Any]:
    """The parameters that hold for the whole shot, by the engine's names; paths absolute."""
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
    text, path = bpy.props.StringProperty, {"subtype": "FILE_PATH", "update": _changed, "options": set()}
    notes = {
        "uid": text(options={"HIDDEN"}),
        "shot_name": text(name="Shot", description="The shot's name in shot files", options=set()),
        "source": text(name="Source", description="A folder of pictures (or one picture) of the person put in", **path),
        "track": text(name="Track", description="Where the face is in every frame; made by Track", **path),
        "space": text(
            name="Plate space",
            description="The plate's colour space by the engine's name; empty takes that of the Image node",
            update=_changed,
            options=set(),
        ),
        "allow_noncommercial": bpy.props.BoolProperty(
            name="Allow non-commercial weights",
            description="Use networks whose licence forbids commercial work",
            update=_changed,
            options=set(),
        ),
        "cache": text(
            name="Folder",
            description="Where this node's frames lie; empty: a folder 'faceplate' beside the .blend",
            subtype="DIR_PATH",
            update=_take_changed,
            options=set(),
        ),
        "take": bpy.props.IntProperty(
            name="Take", description="0: live", min=0, default=0, update=_take_changed, options=set()
        ),
        "take_row": bpy.props.IntProperty(options=set()),
        "takes": bpy.props.CollectionProperty(type=take_class),
        "plate_signature": text(options={"HIDDEN"}),
        "parameters": bpy.props.PointerProperty(type=parameters_class),
    }
    return type("FACEPLATE_PG_shot", (bpy.types.PropertyGroup,), {"__annotations__": notes})


def register() -> None:
    """Makes the classes from the list and hangs them on compositor groups."""
    annotations = {entry["name"]: _property(entry) for entry in parameter_sockets.settings()}
    held = type("FACEPLATE_PG_parameters", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    take = _take_items()
    _CLASSES[:] = [held, take]
    for item in _CLASSES:
        bpy.utils.register_class(item)
    shot = _shot(held, take)
    bpy.utils.register_class(shot)
    _CLASSES.append(shot)
    # On every node group: a subclass of an ID type cannot carry properties of its own in all versions.
    bpy.types.NodeTree.faceplate = bpy.props.PointerProperty(type=shot)


def unregister() -> None:
    """The values stay in the file."""
    del bpy.types.NodeTree.faceplate
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
    _CLASSES.clear()
