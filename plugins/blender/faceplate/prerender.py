# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plate where it is computed by nodes: the nodes before the face swap, rendered once to EXR files.

A note beside the files records what they were rendered from. When the nodes, their keys or the images that they read have
changed since, the plate is *stale*, and a render fails instead of using it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from . import compat, plate_input, result_files
from .faceplate_client import HostError, frame_path, make_folder, write_json

__all__ = ["as_plate", "check", "is_stale", "needed", "render_plate", "signature"]

_NOTE = "plate.json"
# Properties of appearance and position, which change no pixel.
_LOOKS = {
    "name", "label", "location", "location_absolute", "width", "height", "dimensions", "color", "color_tag", "select",
    "hide", "show_options", "show_preview", "show_texture", "use_custom_color", "parent", "bl_idname", "rna_type",
    "warning_propagation", "is_active_output",
}  # fmt: skip
# Properties of an Image node that have a value only where the other says so; to read them otherwise gives a warning.
_ONLY_WITH = {"layer": "has_layers", "view": "has_views"}
_DEEPEST = 4


def needed(node: Any) -> Any | None:
    """Return the output that must be rendered to files for this node; None when the engine reads the plate itself."""
    made = plate_input.linked_output(node.inputs["Image"])
    if made is None or plate_input.file_plate(made) is not None:
        return None
    return made


def as_plate(group: Any) -> plate_input.Plate:
    """Return the rendered plate: numbered by scene frames, in Blender's working space."""
    pattern = result_files.node_folder(group) / "plate" / "plate.####.exr"
    mapping = plate_input.Mapping(start=1, duration=1 << 30, offset=0)
    return plate_input.Plate(str(pattern), plate_input.engine_space(compat.working_space()), None, mapping)


def check(tree: Any, node: Any, frame: int) -> None:
    """Raise `HostError('plate-stale')` when the node's plate must be rendered again."""
    made = needed(node)
    if made is None:
        return
    why = is_stale(tree, node, made, frame)
    if why:
        raise HostError("plate-stale", f"The plate before '{node.name}' {why}: press Render Plate.")


def is_stale(tree: Any, node: Any, made: Any, frame: int) -> str:
    """Return why the rendered plate of a frame cannot be used, as the end of a sentence; empty when it can."""
    folder = result_files.node_folder(node.node_tree) / "plate"
    note = _note(folder)
    if not note:
        return "was never rendered"
    if note.get("signature") != signature(tree, made):
        return "was rendered from other nodes or values"
    pictures = note.get("frames", {}).get(str(frame))
    if pictures is None or not (folder / f"plate.{frame:04d}.exr").exists():
        return f"was not rendered at frame {frame}"
    return "" if pictures == _pictures(tree, made, frame) else f"was rendered from another file at frame {frame}"


def render_plate(scene: Any, node: Any, frames: range) -> Iterator[int]:
    """Render the nodes before `node` to files; yield each frame number when its file is written. Raises `HostError`.

    A copy of the scene is rendered, so that a failure changes nothing.
    """
    tree = compat.compositor_tree(scene)
    made = needed(node)
    if made is None:
        raise HostError("plate-is-file", f"The plate of '{node.name}' is a file that the engine reads itself.")
    folder = result_files.node_folder(node.node_tree) / "plate"
    make_folder(str(folder))
    sign = signature(tree, made)
    note = _note(folder)
    done = dict(note.get("frames", {})) if note.get("signature") == sign else {}
    copy, copied_tree = _copy_of(scene, tree)
    try:
        _output_only(copied_tree, made.node.name, list(made.node.outputs).index(made))
        for frame in frames:
            _render_one(copy, folder, frame)
            done[str(frame)] = _pictures(tree, made, frame)
            write_json(str(folder / _NOTE), {"signature": sign, "frames": done})
            yield frame
    finally:
        apart = copied_tree.name in bpy.data.node_groups and bpy.data.node_groups[copied_tree.name] == copied_tree
        bpy.data.scenes.remove(copy)
        if apart:
            bpy.data.node_groups.remove(copied_tree)


def signature(tree: Any, made: Any) -> str:
    """Return a hash of everything before `made` that changes its pixels: nodes, values, links, curves, working space."""
    text = [made.identifier, compat.working_space()]
    for node in _before(made.node):
        text.append(_described(node, 0))
        for socket in node.inputs:
            text.append(f"{socket.identifier}={_simple(getattr(socket, 'default_value', None))}")
            text += [f"<{link.from_node.name}.{link.from_socket.identifier}" for link in socket.links]
        text += [_curve(curve) for curve in compat.fcurves(tree) if f'nodes["{node.name}"]' in curve.data_path]
        animation = tree.animation_data
        for curve in animation.drivers if animation else ():
            if f'nodes["{node.name}"]' in curve.data_path:
                text.append(f"{curve.data_path}:{curve.driver.type}:{curve.driver.expression}")
    return hashlib.sha256("\n".join(text).encode()).hexdigest()


def _before(last: Any) -> list[Any]:
    """Return `last` and every node that feeds it, once, sorted by name."""
    seen: dict[str, Any] = {}
    waiting = [last]
    while waiting:
        node = waiting.pop()
        if node.name not in seen:
            seen[node.name] = node
            waiting += [link.from_node for socket in node.inputs for link in socket.links]
    return [seen[name] for name in sorted(seen)]


def _described(item: Any, depth: int) -> str:
    """Return the settings of a node or data block as text."""
    words = [item.bl_rna.identifier]
    if isinstance(item, bpy.types.Image):
        space: Any = item.colorspace_settings
        return f"{item.filepath}|{item.source}|{space.name}|{item.alpha_mode}"
    for prop in item.bl_rna.properties:
        name = prop.identifier
        if name in _LOOKS or name.startswith("bl_") or not getattr(item, _ONLY_WITH.get(name, ""), True):
            continue
        if prop.type in ("POINTER", "COLLECTION"):
            words.append(f"{name}={_reference(item, prop, depth)}")
        elif not prop.is_readonly:
            words.append(f"{name}={_simple(getattr(item, name))}")
    return ";".join(words)


def _reference(item: Any, prop: Any, depth: int) -> str:
    held = getattr(item, prop.identifier)
    if depth >= _DEEPEST or held is None or prop.identifier in ("inputs", "outputs", "internal_links"):
        return ""
    if prop.type == "COLLECTION":
        return ",".join(_described(part, depth + 1) for part in held) if depth < _DEEPEST - 1 else ""
    if isinstance(held, bpy.types.NodeTree):
        return "|".join(_described(node, depth + 1) + _values(node) for node in held.nodes)
    if isinstance(held, bpy.types.ID) and not isinstance(held, bpy.types.Image):
        return held.name_full
    return _described(held, depth + 1)


def _values(node: Any) -> str:
    return ",".join(_simple(getattr(socket, "default_value", None)) for socket in node.inputs)


def _simple(value: Any) -> str:
    if value is None or isinstance(value, (str, int, float, bool)):
        return repr(value)
    if isinstance(value, bpy.types.ID):
        return value.name_full
    try:
        return repr([*value])
    except TypeError:
        return type(value).__name__


def _curve(curve: Any) -> str:
    keys = [(*key.co, key.interpolation, *key.handle_left, *key.handle_right) for key in curve.keyframe_points]
    return f"{curve.data_path}[{curve.array_index}]{curve.mute}{keys}"


def _pictures(tree: Any, made: Any, frame: int) -> list[list[Any]]:
    """Return name, size and modification time of the image files that a frame is rendered from."""
    found = []
    for node in _before(made.node):
        if node.type != "IMAGE" or node.image is None:
            continue
        read = plate_input.file_plate(node.outputs[0])
        if read is None:
            continue
        number = read.mapping.file_number(frame)
        path = Path(frame_path(read.pattern, number))
        stat = path.stat() if path.exists() else None
        found.append([path.name, stat.st_size if stat else -1, stat.st_mtime_ns if stat else -1])
    return sorted(found)


def _copy_of(scene: Any, tree: Any) -> tuple[Any, Any]:
    copy = scene.copy()
    copy.name = ".faceplate plate"
    copied = compat.compositor_tree(copy)
    if copied == tree:  # since 5.0 the tree is a node group, which a copied scene shares
        copied = tree.copy()
        compat.set_compositor_tree(copy, copied)
    return copy, copied


def _output_only(tree: Any, name: str, output: int) -> None:
    """Link one node's output to the tree's output, and remove nodes that would write files."""
    for node in [node for node in tree.nodes if node.type in ("OUTPUT_FILE", "VIEWER", "SPLITVIEWER")]:
        tree.nodes.remove(node)
    target = compat.output_input(tree)
    if target is None:
        raise HostError("no-output", "The compositing nodes have no output: add a Group Output with one picture.")
    tree.links.new(tree.nodes[name].outputs[output], target)


def _render_one(scene: Any, folder: Path, frame: int) -> None:
    compat.set_exr_output(scene)
    target = folder / f"plate.{frame:04d}.exr"
    part = folder / f".part.{frame:04d}.exr"
    part.unlink(missing_ok=True)
    scene.frame_start = scene.frame_end = frame
    scene.frame_step = 1
    scene.render.filepath = str(folder / ".part.####.exr")
    scene.render.use_compositing, scene.render.use_sequencer = True, False
    # Rendered as an animation: a still of a scene without a window keeps the images of the frame before.
    bpy.ops.render.render(animation=True, scene=scene.name)
    if not part.exists():
        raise HostError("plate-unwritable", f"{target} could not be written; see Blender's console.")
    part.replace(target)


def _note(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / _NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
