# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that chooses the face to replace by a click in the image editor, and its panel there."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, live_update, node_document, node_group
from .faceplate_client import ClientError, HostError, frame_path
from .faceplate_client.exr import header

__all__ = ["plate_point", "register", "unregister"]


def plate_point(
    place: tuple[float, float], size: tuple[int, int], windows: dict[str, Any], by_windows: bool
) -> tuple[float, float]:
    """Return the plate point, in the plate's own numbering with y down, of a place in a picture.

    Parameters
    ----------
    place : tuple of float
        From 0, 0 at the picture's lower left corner to 1, 1 at its upper right one.
    size : tuple of int
        The picture's width and height.
    windows : dict
        The plate's `dataWindow` and `displayWindow` as (x, y, width, height); empty for a plate without windows.
    by_windows : bool
        Whether this Blender places a picture that differs from the plate's data window by the display window; before 5.2
        it lays their middles on each other.
    """
    x, y = place[0] * size[0], (1.0 - place[1]) * size[1]
    data = windows.get("dataWindow", (0, 0, *size))
    if size == data[2:]:
        return x + data[0], y + data[1]
    if by_windows:
        display = windows.get("displayWindow", (0, 0, *size))
        return x + display[0] + (display[2] - size[0]) / 2, y + display[1] + (display[3] - size[1]) / 2
    return x + data[0] + (data[2] - size[0]) / 2, y + data[1] + (data[3] - size[1]) / 2


class FACEPLATE_OT_pick(bpy.types.Operator):
    """Click the face to replace, in a picture of the plate, a viewer, or a render"""

    bl_idname = "faceplate.pick"
    bl_label = "Pick Face"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        editor = compat.image_editor(context)
        return editor is not None and editor.image is not None and node_group.active_node(context) is not None

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        compat.window(context).cursor_modal_set("EYEDROPPER")
        compat.window_manager(context).modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: Any) -> set[Any]:
        if event.type in ("ESC", "RIGHTMOUSE"):
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        self.cancel(context)
        place: Any = compat.region(context).view2d.region_to_view(event.mouse_region_x, event.mouse_region_y)
        editor = compat.image_editor(context)
        image = editor.image if editor is not None else None
        try:
            if image is None:
                raise HostError("bad-target", "The editor shows no picture any more.")
            self._choose(context, place, (image.size[0], image.size[1]))
        except ClientError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Give the window its own pointer back."""
        compat.window(context).cursor_modal_restore()

    def _choose(self, context: bpy.types.Context, place: tuple[float, float], size: tuple[int, int]) -> None:
        if 0 in size or not (0 <= place[0] <= 1 and 0 <= place[1] <= 1):
            raise HostError("bad-target", "Click inside the picture.")
        scene = compat.current_scene(context)
        node = node_group.active_node(context)
        plate = node_document.plate_of_node(compat.compositor_tree(scene), node)
        number = plate.mapping.file_number(scene.frame_current)
        windows = header(frame_path(plate.pattern, number))
        x, y = plate_point(place, size, windows, compat.places_by_windows())
        node.node_tree.faceplate.parameters.target = f"{number}:{x:.0f},{y:.0f}"
        live_update.request_update()
        self.report({"INFO"}, f"The face at {x:.0f}, {y:.0f} of plate frame {number} is replaced.")


class FACEPLATE_PT_pick(bpy.types.Panel):
    """Faceplate in the image editor's sidebar."""

    bl_idname = "FACEPLATE_PT_pick"
    bl_label = "Face Swap"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Faceplate"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return node_group.active_node(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        layout.operator("faceplate.pick", icon="EYEDROPPER")
        layout.label(text=f"Person: {node_group.active_node(context).node_tree.faceplate.parameters.target}")


_CLASSES = (FACEPLATE_OT_pick, FACEPLATE_PT_pick)


def register() -> None:
    """Register the operator and its panel."""
    for item in _CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """Unregister the operator and its panel."""
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
