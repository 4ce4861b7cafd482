# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between Blender 4.2 and 5.x. No other module asks for the version."""

from __future__ import annotations

from typing import Any

import bpy

__all__ = [
    "alpha_over",
    "compositor_tree",
    "current_scene",
    "fcurves",
    "has_window",
    "image_editor",
    "make_compositor_tree",
    "math",
    "mix_colors",
    "new_panel",
    "new_socket",
    "output_input",
    "path_options",
    "places_by_windows",
    "region",
    "scene_frames",
    "set_compositor_tree",
    "set_exr_output",
    "socket",
    "tag_data",
    "window",
    "window_manager",
    "working_space",
]

_V = bpy.app.version
_TREE_IS_A_GROUP = _V >= (5, 0, 0)
_TREE_IS_AN_EFFECT = _V >= (5, 3, 0)
_LAYERED_ACTIONS = _V >= (4, 4, 0)
_RELATIVE_PATHS_ARE_MARKED = _V >= (4, 5, 0)


def has_window() -> bool:
    """Return whether this session has a window; a render and `blender -b` have none."""
    return not bpy.app.background


def window_manager(context: bpy.types.Context | None = None) -> bpy.types.WindowManager:
    """Return the window manager of `context`, else of the current context."""
    # The type stubs take a context's members for methods, so the type is named here.
    found: Any = (context or bpy.context).window_manager
    return found


def window(context: bpy.types.Context) -> bpy.types.Window:
    """Return the window of `context`."""
    found: Any = context.window
    return found


def region(context: bpy.types.Context) -> bpy.types.Region:
    """Return the region of `context`."""
    found: Any = context.region
    return found


def image_editor(context: bpy.types.Context) -> bpy.types.SpaceImageEditor | None:
    """Return the image editor of `context`, or None where its space is another one."""
    found: Any = context.space_data
    return found if found is not None and found.type == "IMAGE_EDITOR" else None


def current_scene(context: bpy.types.Context | None = None) -> bpy.types.Scene:
    """Return the scene of `context`, else of the current context."""
    found: Any = (context or bpy.context).scene
    return found


def scene_frames() -> range:
    """Return the frames of the current scene's range."""
    scene = current_scene()
    return range(scene.frame_start, scene.frame_end + 1)


def compositor_tree(scene: Any) -> Any:
    """Return the scene's compositing nodes, or None when it has none or does not use them.

    From 5.3 on a scene has several effects; the active one's nodes are returned.
    """
    if _TREE_IS_AN_EFFECT:
        effect = scene.compositor_effects.active
        return effect.node_group if effect is not None else None
    if _TREE_IS_A_GROUP:
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def make_compositor_tree(scene: Any) -> Any:
    """Return the scene's compositing nodes, created when there are none."""
    tree = compositor_tree(scene)
    if tree is not None:
        return tree
    if not _TREE_IS_A_GROUP:
        scene.use_nodes = True
        return scene.node_tree
    tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
    new_socket(tree, "Image", "OUTPUT", "NodeSocketColor")
    tree.nodes.new("NodeGroupOutput").location = (600, 0)
    set_compositor_tree(scene, tree)
    return tree


def set_compositor_tree(scene: Any, tree: Any) -> None:
    """Use a node group as the scene's compositing nodes. Before 5.0 a scene has nodes of its own, which cannot be set."""
    if _TREE_IS_AN_EFFECT:
        effects = scene.compositor_effects
        effect = effects.active or effects.new("Compositing")
        effect.node_group = tree
        return
    scene.compositing_node_group = tree


def output_input(tree: Any) -> Any | None:
    """Return the input socket of the scene's output, or None when there is no output node."""
    kind = "GROUP_OUTPUT" if _TREE_IS_A_GROUP else "COMPOSITE"
    nodes = [node for node in tree.nodes if node.type == kind]
    active = [node for node in nodes if not _TREE_IS_A_GROUP or node.is_active_output] or nodes
    if active:
        return active[0].inputs[0]
    if _TREE_IS_A_GROUP:
        return None
    return tree.nodes.new("CompositorNodeComposite").inputs[0]


def new_socket(group: Any, name: str, in_out: str, kind: str, parent: Any = None) -> Any:
    """Add a socket to the group's interface, inside the panel `parent` when it is given."""
    more = {"parent": parent} if parent is not None else {}
    return group.interface.new_socket(name, in_out=in_out, socket_type=kind, **more)


def new_panel(group: Any, name: str) -> Any:
    """Add a closed panel to the group's interface."""
    return group.interface.new_panel(name, default_closed=True)


def socket(sockets: Any, *names: str) -> Any:
    """Return the first socket that has one of `names`: names and order differ between versions."""
    for name in names:
        for item in sockets:
            if item.name == name and item.enabled:
                return item
    raise KeyError(names)


def alpha_over(group: Any) -> tuple[Any, Any, Any, Any]:
    """Add a premultiplied *over*; return (node, background, foreground, factor)."""
    node = group.nodes.new("CompositorNodeAlphaOver")
    if "Straight Alpha" in node.inputs:
        node.inputs["Straight Alpha"].default_value = False
    if _TREE_IS_A_GROUP:
        return node, node.inputs["Background"], node.inputs["Foreground"], node.inputs["Factor"]
    return node, node.inputs[1], node.inputs[2], node.inputs[0]


def mix_colors(group: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Add a mix of two pictures; return (node, factor, first, second, result)."""
    if _TREE_IS_A_GROUP:
        node = group.nodes.new("ShaderNodeMix")
        node.data_type = "RGBA"
        node.clamp_factor = True
        colors = [item for item in node.inputs if item.enabled and item.type == "RGBA"]
        factor = next(item for item in node.inputs if item.enabled and item.type == "VALUE")
        result = next(item for item in node.outputs if item.enabled and item.type == "RGBA")
        return node, factor, colors[0], colors[1], result
    node = group.nodes.new("CompositorNodeMixRGB")
    return node, node.inputs[0], node.inputs[1], node.inputs[2], node.outputs[0]


def math(group: Any) -> Any:
    """Add a Math node: since 5.0 that of the shader nodes."""
    return group.nodes.new("ShaderNodeMath" if _TREE_IS_A_GROUP else "CompositorNodeMath")


def fcurves(block: Any) -> list[Any]:
    """Return the curves that animate a data block, from its own action (not the NLA)."""
    animation = block.animation_data
    if animation is None or animation.action is None:
        return []
    if not _LAYERED_ACTIONS:
        return list(animation.action.fcurves)
    curves = []
    for layer in animation.action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(animation.action_slot)
            curves += list(bag.fcurves) if bag else []
    return curves


def working_space() -> str:
    """Return the name of Blender's working space, as its colour configuration calls it."""
    space = getattr(bpy.data, "colorspace", None)
    if space is not None and getattr(space, "working_space", ""):
        return str(space.working_space)
    # A new float image always has the scene_linear role's space.
    image: Any = bpy.data.images.new(".faceplate", 1, 1, float_buffer=True)
    try:
        return str(image.colorspace_settings.name)
    finally:
        bpy.data.images.remove(image)


def places_by_windows() -> bool:
    """Return whether pictures are placed by their data and display windows; before 5.2 their middles lie on each other."""
    return _V >= (5, 2, 0)


def path_options() -> set[Any]:
    """Return the options of a property that holds a path, which may begin with `//`."""
    return {"PATH_SUPPORTS_BLEND_RELATIVE"} if _RELATIVE_PATHS_ARE_MARKED else set()


def tag_data(image: Any) -> None:
    """Mark an image's values as data, by the colour configuration's name for that."""
    settings = image.colorspace_settings
    names = [item.identifier for item in settings.bl_rna.properties["name"].enum_items]
    for name in ("Non-Color", "Raw", "Utility - Raw", "data"):
        if name in names:
            settings.name = name
            return


def set_exr_output(scene: Any) -> None:
    """Set the scene's output to 32-bit RGBA OpenEXR, without the view transform."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "OPEN_EXR"
    settings.color_mode = "RGBA"
    settings.color_depth = "32"
    settings.exr_codec = "ZIP"
    scene.render.use_file_extension = True
    scene.render.use_overwrite = True
    scene.render.use_placeholder = False
