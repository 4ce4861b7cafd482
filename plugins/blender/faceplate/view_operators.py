# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view plan in the panel: which picture of the source leads on this frame, and the operators that ask, pin and unpin."""

# Blender reads properties from annotations.
# pyright: reportInvalidTypeForm=false
from typing import Any

import bpy

from . import compat, connection, live_update, node_document, node_group
from .faceplate_client import ClientError, HostError, leading_view, with_pin, without_pins
from .modal_operator import NodeOperator

__all__ = ["draw", "register", "unregister"]

# Blender does not keep the strings of a list that a function returns.
_choices: list[tuple[str, str, str]] = []


def draw(layout: bpy.types.UILayout, context: Any, node: Any) -> None:
    """Draw the leading view of the scene's frame, the plan, and its buttons."""
    shot = node.node_tree.faceplate
    layout.operator("faceplate.views", icon="FILE_REFRESH")
    faces = connection.views(node.node_tree)
    if not faces:
        return
    number = _plate_number(compat.current_scene(context), node)
    name, why = leading_view(faces[0], shot.parameters.pins, number)
    layout.label(text=f"Frame {number}: {name}, {why}" if name else "No plan: track first", icon="IMAGE_DATA")
    for run in faces[0]["lane"]:
        here = run["first"] <= number <= run["last"]
        layout.label(text=f"{run['first']}-{run['last']}  {run['view']}", icon="RIGHTARROW" if here else "BLANK1")
    row = layout.row(align=True)
    row.operator("faceplate.pin_view", icon="PINNED")
    row.operator("faceplate.unpin_view", text="", icon="UNPINNED")


def _plate_number(scene: Any, node: Any) -> int:
    """Return the plate's number of the scene's frame; the scene's own where the node has no plate."""
    try:
        plate = node_document.plate_of_node(compat.compositor_tree(scene), node)
    except ClientError:
        return scene.frame_current
    return plate.mapping.file_number(scene.frame_current)


class FACEPLATE_OT_views(NodeOperator, bpy.types.Operator):
    """Ask the engine which picture of the source leads at which frames"""

    bl_idname = "faceplate.views"
    bl_label = "Show View Plan"

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        document = node_document.shot_of_node(node, node_document.plate_of_node(tree, node))
        connection.ask_views(document, node_document.base_folder())
        live_update.redraw()


def _names(operator: Any, context: Any) -> list[tuple[str, str, str]]:
    node = node_group.active_node(context) if context is not None else None
    faces = None if node is None else connection.views(node.node_tree)
    _choices[:] = [(name, name, "") for name in (faces[0]["names"] if faces else ())]
    return _choices


class FACEPLATE_OT_pin_view(NodeOperator, bpy.types.Operator):
    """Let one picture of the source lead over a range of plate frames"""

    bl_idname = "faceplate.pin_view"
    bl_label = "Pin View"

    view: bpy.props.EnumProperty(name="View", items=_names)
    first: bpy.props.IntProperty(name="First plate frame")
    last: bpy.props.IntProperty(name="Last plate frame")

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        node = node_group.active_node(context)
        self.first = self.last = _plate_number(compat.current_scene(context), node)
        return compat.window_manager(context).invoke_props_dialog(self)

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        if not self.view:
            raise HostError("no-views", "The source's pictures are not known yet: press Show View Plan.")
        if self.last < self.first:
            raise HostError("bad-frames", f"The frames {self.first}-{self.last} are no range.")
        parameters = node.node_tree.faceplate.parameters
        parameters.pins = with_pin(parameters.pins, self.view, self.first, self.last)


class FACEPLATE_OT_unpin_view(NodeOperator, bpy.types.Operator):
    """Remove the pins of this frame"""

    bl_idname = "faceplate.unpin_view"
    bl_label = "Unpin View"

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        number, parameters = _plate_number(scene, node), node.node_tree.faceplate.parameters
        left = without_pins(parameters.pins, number, number)
        if left == parameters.pins:
            raise HostError(
                "no-pin", f"No view is pinned at plate frame {number} alone; edit Pinned views for a range."
            )
        parameters.pins = left


_CLASSES = (FACEPLATE_OT_views, FACEPLATE_OT_pin_view, FACEPLATE_OT_unpin_view)


def register() -> None:
    """Register the operators."""
    for item in _CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """Unregister the operators."""
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
