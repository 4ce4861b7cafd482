"""Bringing nodes into the state that a render needs, while Blender still lets a tree be changed."""

from __future__ import annotations

from typing import Any

from . import compat, node_group, plate_input
from .failure import NodeError

__all__ = ["check", "scene"]


def scene(of_scene: Any) -> None:
    """Copied nodes get a shot of their own; folders, pictures and colour spaces are those that hold now."""
    node_group.heal(of_scene)
    for _, ours in node_group.nodes(of_scene):
        space = _wanted_space(ours)
        if space:
            node_group.show_space(ours.node_tree, space)


def check(of_scene: Any, tree: Any, ours: Any) -> None:
    """Nothing when the node is in that state. Raises `NodeError('not-settled')`: during a frame it is too late."""
    space = _wanted_space(ours)
    shared = any(other != ours and other.node_tree == ours.node_tree for _, other in node_group.nodes(of_scene))
    if shared or (space and node_group.shown_space(ours.node_tree) != space) or node_group.misplaced(ours.node_tree):
        raise NodeError(
            "not-settled", f"'{ours.name}' changed while it was rendered: press Relink in its panel, then render."
        )


def _wanted_space(ours: Any) -> str:
    """How Blender calls the space that the node's element is in: the plate's, or the working space of rendered nodes."""
    made = plate_input.trace(ours.inputs["Image"])
    if made is None:
        return ""
    if made.node.type == "IMAGE" and plate_input.has_picture(made.node) and plate_input.read_directly(made) is not None:
        return made.node.image.colorspace_settings.name
    return compat.working_space()
