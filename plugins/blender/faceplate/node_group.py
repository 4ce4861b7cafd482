# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face swap node: a node group that also shows the rendered frames where this extension is not installed.

Image ──────────────────────────────┬─ over ── mix ── Image
element.####.exr ───────────────────┘   │       │
                 × Mix × (1 − Hold-out) ┘       └ tinted where present.####.png is missing
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from . import compat, parameter_sockets, plate_input, properties, result_files
from .faceplate_client import new_id

__all__ = [
    "active_node",
    "add",
    "add_new_sockets",
    "face_swap_nodes",
    "force_update",
    "make_single_user",
    "set_paths",
    "show_warning",
    "update_scene_nodes",
]

_ELEMENT = "Element"
_PRESENT = "Present"
_LAST = 1048574  # Blender's last frame
_TINT = (1.0, 0.0, 1.0, 1.0)
_COLUMN = 220
_WARNING = "faceplate_warning"


def face_swap_nodes(scene: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (tree, node) for every face swap node of the scene's compositing nodes, also muted ones."""
    tree = compat.compositor_tree(scene)
    if tree is not None:
        yield from ((tree, node) for node in tree.nodes if plate_input.is_face_swap(node))


def nested_groups(scene: Any) -> list[str]:
    """Return the names of groups in the scene's tree that contain a face swap node, which is not supported."""
    tree = compat.compositor_tree(scene)
    groups = [node.node_tree for node in tree.nodes if node.type == "GROUP" and node.node_tree] if tree else []
    found, seen = [], set()
    while groups:
        group = groups.pop()
        if group.name in seen or group.get(plate_input.MARKER) is not None:
            continue
        seen.add(group.name)
        found += [group.name for node in group.nodes if plate_input.is_face_swap(node)]
        groups += [node.node_tree for node in group.nodes if node.type == "GROUP" and node.node_tree]
    return found


def active_node(context: bpy.types.Context) -> Any:
    """Return the active face swap node of the context's scene, or its only one; None when there is no such node."""
    found = [node for _, node in face_swap_nodes(compat.current_scene(context))]
    tree = compat.compositor_tree(compat.current_scene(context))
    chosen = tree.nodes.active if tree else None
    if chosen is not None and plate_input.is_face_swap(chosen):
        return chosen
    return found[0] if len(found) == 1 else None


def add(scene: Any) -> Any:
    """Add a face swap node behind the active (or only) image node, and insert it into that node's links."""
    tree = compat.make_compositor_tree(scene)
    node = tree.nodes.new("CompositorNodeGroup")
    node.node_tree = _new_group()
    node.name = node.label = "Face Swap"
    node.width = 220
    source = _picture_node(tree, node)
    output = compat.output_input(tree)
    if source is not None:
        made = source.outputs[0]
        behind = [link.to_socket for link in made.links]
        tree.links.new(made, node.inputs["Image"])
        for socket in behind:
            tree.links.new(node.outputs["Image"], socket)
        node.location = (source.location.x + source.width + 80, source.location.y)
    if output is not None and not output.is_linked:
        tree.links.new(node.outputs["Image"], output)
    for other in tree.nodes:
        other.select = other == node
    tree.nodes.active = node
    return node


def set_paths(group: Any) -> bool:
    """Set the group's images to its folder. Returns whether anything changed."""
    folder = result_files.shown_folder(group)
    result_files.move_unsaved(group)
    changed = False
    for name, path in (
        (_ELEMENT, result_files.result_path(folder, 1)),
        (_PRESENT, result_files.present_path(folder, 1)),
    ):
        image = group.nodes[name].image
        wanted = stored_path(path)
        if image.filepath != wanted:
            image.filepath = wanted
            changed = True
    return changed


def set_element_space(group: Any, space: str) -> None:
    """Set the colour space of the element's image: the element is in the plate's space."""
    settings = group.nodes[_ELEMENT].image.colorspace_settings
    if settings.name != space:
        settings.name = space


def element_space(group: Any) -> str:
    """Return the colour space of the element's image."""
    return group.nodes[_ELEMENT].image.colorspace_settings.name


def has_old_paths(group: Any) -> bool:
    """Return whether the group's images lie in another folder than the current one."""
    wanted = stored_path(result_files.result_path(result_files.shown_folder(group), 1))
    return group.nodes[_ELEMENT].image.filepath != wanted


def reset_images(group: Any) -> None:
    """Restore the settings of the group's images."""
    for name in (_ELEMENT, _PRESENT):
        node = group.nodes[name]
        node.image.source, node.image.alpha_mode = "SEQUENCE", "PREMUL"
        _number_by_scene(node)
    compat.tag_data(group.nodes[_PRESENT].image)


def reload(group: Any) -> None:
    """Reload the group's images from disk."""
    for name in (_ELEMENT, _PRESENT):
        group.nodes[name].image.reload()


def force_update(node: Any) -> None:
    """Make the viewer composite again; reloading an image alone does not."""
    mix = node.inputs["Mix"]
    mix.default_value = mix.default_value


def show_warning(node: Any, words: str) -> None:
    """Show `words` behind the node's label, in place of those of the last call; the artist's own label stays."""
    group = node.node_tree
    before = group.get(_WARNING, "")
    if words == before:
        return
    own = node.label[: -len(before)] if before and node.label.endswith(before) else node.label
    node.label = f"{own or node.name}{words}" if words else own
    group[_WARNING] = words


def make_single_user(scene: Any) -> bool:
    """Give every copied node a group and a shot of its own. Returns whether there was a copy."""
    owners: dict[str, str] = {}
    changed = False
    for _, node in face_swap_nodes(scene):
        group = node.node_tree
        uid = group.faceplate.uid
        if uid and uid not in owners:
            owners[uid] = node.name
            continue
        if any(other.node_tree == group for _, other in face_swap_nodes(scene) if other != node):
            group = group.copy()
            node.node_tree = group
        _own_shot(group)
        changed = True
    return changed


def update_scene_nodes(scene: Any) -> None:
    """Update every node of a scene after loading, saving under another name, appending, or a new version."""
    make_single_user(scene)
    for _, node in face_swap_nodes(scene):
        add_new_sockets(node.node_tree)
        properties.adopt_former_values(node.node_tree)
        set_paths(node.node_tree)


def add_new_sockets(group: Any) -> list[str]:
    """Add inputs of parameters that are newer than the group. Returns their names."""
    present = {item.name for item in group.interface.items_tree if item.item_type == "SOCKET"}
    missing = [entry for entry in parameter_sockets.sockets() if entry["label"] not in present]
    for entry in missing:
        _parameter_socket(group, entry, None)
    return [entry["label"] for entry in missing]


def _new_group() -> Any:
    group = bpy.data.node_groups.new("Face Swap", "CompositorNodeTree")
    group[plate_input.MARKER] = {"version": 1}
    compat.new_socket(group, "Image", "OUTPUT", "NodeSocketColor")
    compat.new_socket(group, "Element", "OUTPUT", "NodeSocketColor")
    compat.new_socket(group, "Matte", "OUTPUT", "NodeSocketFloat")
    compat.new_socket(group, "Image", "INPUT", "NodeSocketColor").description = "The plate, or nodes that make it"
    holdout = compat.new_socket(group, "Hold-out", "INPUT", "NodeSocketFloat")
    holdout.description = "Where this is 1, the plate stays in front"
    mix = compat.new_socket(group, "Mix", "INPUT", "NodeSocketFloat")
    mix.description = "Opacity of the new face"
    for item, value in ((holdout, 0.0), (mix, 1.0)):
        item.default_value, item.min_value, item.max_value = value, 0.0, 1.0
        item.subtype = "FACTOR"
    panels = {name: None for name in parameter_sockets.groups()}
    for entry in parameter_sockets.sockets():
        if panels[entry["group"]] is None:
            panels[entry["group"]] = compat.new_panel(group, entry["group"])
        _parameter_socket(group, entry, panels[entry["group"]])
    _own_shot(group, pictures=False)
    _wire(group)
    return group


def _parameter_socket(group: Any, entry: dict[str, Any], panel: Any) -> None:
    kind = "NodeSocketInt" if entry["type"] == "int" else "NodeSocketFloat"
    item = compat.new_socket(group, entry["label"], "INPUT", kind, panel)
    item.default_value = entry["default"]
    item.description = entry["help"]
    if entry["minimum"] is not None:
        item.min_value = entry["minimum"]
    if entry["maximum"] is not None:
        item.max_value = entry["maximum"]
    if kind == "NodeSocketFloat" and (entry["minimum"], entry["maximum"]) == (0.0, 1.0):
        item.subtype = "FACTOR"


def _own_shot(group: Any, pictures: bool = True) -> None:
    """Give the group a new shot id, and images that no other group uses."""
    group.faceplate.uid = new_id()
    if not pictures:
        return
    group.faceplate.take = 0
    group.faceplate.takes.clear()
    for name in (_ELEMENT, _PRESENT):
        node = group.nodes[name]
        node.image = node.image.copy()
    set_paths(group)


def _wire(group: Any) -> None:
    new, link = group.nodes.new, group.links.new
    entry, leave = new("NodeGroupInput"), new("NodeGroupOutput")
    folder = result_files.node_folder(group)
    element = _sequence(group, _ELEMENT, result_files.result_path(folder, 1))
    present = _sequence(group, _PRESENT, result_files.present_path(folder, 1))
    compat.tag_data(present.image)
    over, background, foreground, factor = compat.alpha_over(group)
    keep, strength = _math(group, "SUBTRACT", 1.0), _math(group, "MULTIPLY")
    keep.use_clamp = True
    link(entry.outputs["Hold-out"], keep.inputs[1])
    link(entry.outputs["Mix"], strength.inputs[0])
    link(keep.outputs[0], strength.inputs[1])
    link(strength.outputs[0], factor)
    link(entry.outputs["Image"], background)
    link(element.outputs["Image"], foreground)
    level = new("CompositorNodeLevels")
    there, tint = _math(group, "MULTIPLY", None, 0.5), _math(group, "SUBTRACT", 0.5)
    link(present.outputs["Image"], level.inputs[0])
    link(level.outputs["Mean"], there.inputs[0])
    link(there.outputs[0], tint.inputs[1])
    mix, amount, first, second, shown = compat.mix_colors(group)
    link(tint.outputs[0], amount)
    link(over.outputs[0], first)
    second.default_value = _TINT
    link(shown, leave.inputs["Image"])
    link(element.outputs["Image"], leave.inputs["Element"])
    matte = _math(group, "MULTIPLY")
    link(element.outputs["Alpha"], matte.inputs[0])
    link(strength.outputs[0], matte.inputs[1])
    link(matte.outputs[0], leave.inputs["Matte"])
    rows = ((entry, element, present), (keep, level), (strength, there), (over, tint, matte), (mix,), (leave,))
    for column, items in enumerate(rows):
        for row, item in enumerate(items):
            item.location = (_COLUMN * column, -260 * row)


def _math(group: Any, operation: str, first: float | None = None, second: float | None = None) -> Any:
    node = compat.math(group)
    node.operation = operation
    for socket, value in zip(node.inputs, (first, second), strict=False):
        if value is not None:
            socket.default_value = value
    return node


def _sequence(group: Any, name: str, path: Path) -> Any:
    """Add an Image node whose file number is the scene's frame; it cannot be changed while a frame renders."""
    image = bpy.data.images.new(f"{group.name} {name.lower()}", 1, 1, float_buffer=True)
    image.source = "FILE"
    image.filepath = stored_path(path)
    image.source = "SEQUENCE"
    image.alpha_mode = "PREMUL"  # the default is straight alpha, which would premultiply twice
    node = group.nodes.new("CompositorNodeImage")
    node.name, node.label = name, name
    node.image = image
    _number_by_scene(node)
    return node


def _number_by_scene(node: Any) -> None:
    node.frame_start, node.frame_duration, node.frame_offset = 1, _LAST, 0
    node.use_cyclic, node.use_auto_refresh = False, True


def stored_path(path: Path) -> str:
    """Return a path as the .blend stores it: relative to the .blend where possible, so that both can be moved."""
    if not bpy.data.filepath:
        return str(path)
    try:
        inside = path.is_relative_to(Path(bpy.data.filepath).parent)
    except ValueError:
        inside = False
    return bpy.path.relpath(str(path)) if inside else str(path)


def _picture_node(tree: Any, ours: Any) -> Any | None:
    chosen = tree.nodes.active
    if chosen is not None and chosen != ours and chosen.outputs and chosen.outputs[0].type == "RGBA":
        return chosen
    pictures = [node for node in tree.nodes if node.type == "IMAGE" and node.image is not None]
    return pictures[0] if pictures else None
