# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shot documents made from a node: for the engine, and for *Write Shot File*."""

from __future__ import annotations

from typing import Any

import bpy

from . import animation, parameter_sockets, plate_input, prerender, result_files
from .faceplate_client import HostError, changed_values, faces_of_shot_file, shot_document, simplified_keys
from .properties import setting_values

__all__ = ["base_folder", "exported_document", "frame_values", "plate_of_node", "shot_of_node"]


def base_folder() -> str | None:
    """Return the folder at which a document's relative paths begin; None for an unsaved file."""
    return bpy.path.abspath("//") if bpy.data.filepath else None


def plate_of_node(tree: Any, node: Any) -> plate_input.Plate:
    """Return the plate of a node: image files, or the files rendered from the nodes before it.

    Raises `HostError('no-plate')`, `HostError('plate-missing')`.
    """
    made = plate_input.linked_output(node.inputs["Image"])
    if made is None:
        raise HostError("no-plate", f"Nothing is linked to the Image input of '{node.name}': link the plate to it.")
    return plate_input.file_plate(made, node.node_tree.faceplate.space) or prerender.as_plate(node.node_tree)


def shot_of_node(node: Any, plate: plate_input.Plate) -> dict[str, Any]:
    """Return the shot document of a node, without the parameters that can be keyed. Paths are absolute."""
    group = node.node_tree
    shot = group.faceplate
    return shot_document(
        plate.pattern,
        {**setting_values(group), **parameter_sockets.FIXED},
        id=shot.uid,
        name=shot.shot_name or node.name,
        layer=plate.layer,
        space=plate.space,
        source=bpy.path.abspath(shot.source) if shot.source else None,
        track=bpy.path.abspath(shot.track) if shot.track else None,
        allow_noncommercial=shot.allow_noncommercial or None,
        faces=faces_of_shot_file(bpy.path.abspath(shot.faces_file)) if shot.faces_file else None,
        output=result_files.rendered_pattern(group),
        mode="element",
        host={"app": "blender", "version": bpy.app.version_string, "script": bpy.data.filepath},
    )


def frame_values(tree: Any, node: Any, frame: float) -> dict[str, Any]:
    """Return the keyable parameters at a scene frame, by the engine's names."""
    found = {}
    for label, entry in parameter_sockets.by_label().items():
        socket = node.inputs[label]
        value = _in_range(animation.socket_value(tree, socket, frame), entry)
        # A value at its default is left out, so that the show's defaults apply.
        if value != entry["default"] or animation.is_animated(tree, socket):
            found[entry["name"]] = value
    return found


def _in_range(value: float, entry: dict[str, Any]) -> float:
    """Limit a value to its range, as curves may overshoot, and round it to what a 32-bit float can hold.

    0.05 stored as a 32-bit float is returned as 0.05, not as 0.05000000074505806.
    """
    if entry["type"] == "int":
        return round(value)
    low = entry["minimum"] if entry["minimum"] is not None else value
    high = entry["maximum"] if entry["maximum"] is not None else value
    return min(max(float(f"{value:.7g}"), low), high)


def exported_document(scene: Any, tree: Any, node: Any) -> dict[str, Any]:
    """Return the shot for the command line or a farm, with every keyed socket as a curve over the scene's range."""
    plate = plate_of_node(tree, node)
    written = shot_of_node(node, plate)
    frames = range(scene.frame_start, scene.frame_end + 1)
    numbers = [plate.mapping.file_number(frame) for frame in frames]
    if len(set(numbers)) < len(numbers):
        raise HostError(
            "held-frames", "The plate is held or repeated inside the scene's range, which a shot file cannot express."
        )
    constants = frame_values(tree, node, scene.frame_start)
    at_frames = [frame_values(tree, node, frame) for frame in frames]
    held: dict[str, Any] = dict(constants)
    for name, first in constants.items():
        curve = {number: at[name] for number, at in zip(numbers, at_frames, strict=True)}
        if any(value != first for value in curve.values()):
            held[name] = {"keys": simplified_keys(curve)}
    written["parameters"] = {**changed_values(setting_values(node.node_tree)), **held}
    written["frames"] = f"{min(numbers)}-{max(numbers)}"
    written["takes"] = [
        {
            "take": take.number,
            "made": take.made,
            "frames": take.frames,
            "note": take.note,
            "parameters_sha256": take.sha256,
        }
        for take in node.node_tree.faceplate.takes
    ]
    holdout = node.inputs["Hold-out"]
    if holdout.is_linked:
        written["parameters"]["holdout_matte"] = _holdout_file(holdout, plate)
    return written


def _holdout_file(socket: Any, plate: plate_input.Plate) -> str:
    """Return the file pattern of the Hold-out input. Raises HostError when nodes compute it."""
    made = plate_input.linked_output(socket)
    found = plate_input.file_plate(made) if made is not None else None
    if found is None or (not found.mapping.still and found.mapping != plate.mapping):
        raise HostError(
            "hold-out-nodes",
            "The holdout matte is made by nodes, or its numbers differ from the plate's: write it to files like the plate's "
            "and link these, or apply the matte after the farm.",
        )
    return found.pattern
