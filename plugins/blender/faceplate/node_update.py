# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates nodes to the state that a render needs, at a time when Blender allows a tree to be changed."""

from __future__ import annotations

from typing import Any

from . import compat, node_group, plate_input
from .faceplate_client import HostError

__all__ = ["check_updated", "update_scene"]


def update_scene(of_scene: Any) -> None:
    """Give copied nodes shots of their own, and set the current folders, images and colour spaces."""
    node_group.update_scene_nodes(of_scene)
    for _, node in node_group.face_swap_nodes(of_scene):
        space = _wanted_space(node)
        if space:
            node_group.set_element_space(node.node_tree, space)


def check_updated(of_scene: Any, tree: Any, node: Any) -> None:
    """Raise `HostError('not-updated')` when the node is not in that state; during a frame it cannot be changed."""
    space = _wanted_space(node)
    shared = any(
        other != node and other.node_tree == node.node_tree for _, other in node_group.face_swap_nodes(of_scene)
    )
    if (
        shared
        or (space and node_group.element_space(node.node_tree) != space)
        or node_group.has_old_paths(node.node_tree)
    ):
        raise HostError(
            "not-updated", f"'{node.name}' changed while it was rendered: press Relink in its panel, then render."
        )


def _wanted_space(node: Any) -> str:
    """Return Blender's name of the element's colour space: the plate's, or the working space of rendered nodes."""
    made = plate_input.linked_output(node.inputs["Image"])
    if made is None:
        return ""
    if made.node.type == "IMAGE" and plate_input.has_image(made.node) and plate_input.file_plate(made) is not None:
        return made.node.image.colorspace_settings.name
    return compat.working_space()
