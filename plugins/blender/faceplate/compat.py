"""Where Blender 4.2 to 5.x differ. No other file asks for the version."""

from __future__ import annotations

from typing import Any

import bpy

__all__ = [
    "alpha_over",
    "compositor_tree",
    "current_scene",
    "fcurves",
    "has_window",
    "make_compositor_tree",
    "math",
    "mix_colors",
    "new_panel",
    "new_socket",
    "output_input",
    "set_exr_output",
    "socket",
    "tag_data",
    "window_manager",
    "working_space",
]

_V = bpy.app.version
_TREE_IS_A_GROUP = _V >= (5, 0, 0)
_LAYERED_ACTIONS = _V >= (4, 4, 0)


def has_window() -> bool:
    """Return whether this session has a window; a render and `blender -b` have none."""
    return not bpy.app.background


def window_manager(context: bpy.types.Context | None = None) -> bpy.types.WindowManager:
    """Return the window manager of `context`, else of the current context."""
    # The type stubs take a context's members for methods, so the type is named here.
    found: Any = (context or bpy.context).window_manager
    return found


def current_scene(context: bpy.types.Context | None = None) -> bpy.types.Scene:
    """Return the scene of `context`, else of the current context."""
    found: Any = (context or bpy.context).scene
    return found


def compositor_tree(scene: Any) -> Any:
    """The scene's compositing nodes, or None when it has none or does not use them."""
    if _TREE_IS_A_GROUP:
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def make_compositor_tree(scene: Any) -> Any:
    """The scene's compositing nodes, made when there are none."""
    tree = compositor_tree(scene)
    if tree is not None:
        return tree
    if not _TREE_IS_A_GROUP:
        scene.use_nodes = True
        return scene.node_tree
    tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
    new_socket(tree, "Image", "OUTPUT", "NodeSocketColor")
    tree.nodes.new("NodeGroupOutput").location = (600, 0)
    scene.compositing_node_group = tree
    return tree


def output_input(tree: Any) -> Any | None:
    """The input socket whose picture is what the scene renders, or None when there is no output node."""
    kind = "GROUP_OUTPUT" if _TREE_IS_A_GROUP else "COMPOSITE"
    nodes = [node for node in tree.nodes if node.type == kind]
    active = [node for node in nodes if not _TREE_IS_A_GROUP or node.is_active_output] or nodes
    if active:
        return active[0].inputs[0]
    if _TREE_IS_A_GROUP:
        return None
    return tree.nodes.new("CompositorNodeComposite").inputs[0]


def new_socket(group: Any, name: str, in_out: str, kind: str, parent: Any = None) -> Any:
    """A socket of the group's interface, inside the panel `parent` when there is one."""
    more = {"parent": parent} if parent is not None else {}
    return group.interface.new_socket(name, in_out=in_out, socket_type=kind, **more)


def new_panel(group: Any, name: str) -> Any:
    """A folded panel of the group's interface."""
    return group.interface.new_panel(name, default_closed=True)


def socket(sockets: Any, *names: str) -> Any:
    """The socket of the first of these names that there is: names moved between versions, and so did the order."""
    for name in names:
        for item in sockets:
            if item.name == name and item.enabled:
                return item
    raise KeyError(names)


def alpha_over(group: Any) -> tuple[Any, Any, Any, Any]:
    """A premultiplied *over*: (node, background, foreground, factor)."""
    node = group.nodes.new("CompositorNodeAlphaOver")
    if "Straight Alpha" in node.inputs:
        node.inputs["Straight Alpha"].default_value = False
    if _TREE_IS_A_GROUP:
        return node, node.inputs["Background"], node.inputs["Foreground"], node.inputs["Factor"]
    return node, node.inputs[1], node.inputs[2], node.inputs[0]


def mix_colors(group: Any) -> tuple[Any, Any, Any, Any, Any]:
    """A mix of two pictures: (node, factor, first, second, result)."""
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
    """A Math node: 5.0 took the shader nodes' one."""
    return group.nodes.new("ShaderNodeMath" if _TREE_IS_A_GROUP else "CompositorNodeMath")


def fcurves(block: Any) -> list[Any]:
    """The curves that animate a data block, of its own action (not of the NLA)."""
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
    """The name of the space that Blender composites in, as its colour configuration calls it."""
    space = getattr(bpy.data, "colorspace", None)
    if space is not None and getattr(space, "working_space", ""):
        return str(space.working_space)
    # A new float picture is always tagged with the scene_linear role's space.
    image: Any = bpy.data.images.new(".faceplate", 1, 1, float_buffer=True)
    try:
        return str(image.colorspace_settings.name)
    finally:
        bpy.data.images.remove(image)


def tag_data(image: Any) -> None:
    """Says that a picture's values are no colours, by the name that the colour configuration has for that."""
    settings = image.colorspace_settings
    names = [item.identifier for item in settings.bl_rna.properties["name"].enum_items]
    for name in ("Non-Color", "Raw", "Utility - Raw", "data"):
        if name in names:
            settings.name = name
            return


def set_exr_output(scene: Any) -> None:
    """32-bit RGBA OpenEXR, untouched by the view transform."""
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
