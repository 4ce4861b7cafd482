# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels in the compositor's sidebar and the Add menu, built from the parameter list."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import bpy

from . import (
    compat,
    connection,
    engine_install,
    live_update,
    node_group,
    parameter_sockets,
    plate_input,
    prerender,
    view_operators,
)
from .faceplate_client import ClientError, __version__, licence_notice

__all__ = ["register", "unregister"]

_CATEGORY = "Faceplate"


class _Panel:
    bl_space_type = "NODE_EDITOR"
    bl_region_type = "UI"
    bl_category = _CATEGORY

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _in_compositor(context) and node_group.active_node(context) is not None


def _layout(panel: Any) -> bpy.types.UILayout:
    """Return the layout of a panel or menu that is being drawn."""
    return panel.layout


def _in_compositor(context: bpy.types.Context) -> bool:
    return getattr(context.space_data, "tree_type", "") == "CompositorNodeTree"


class FACEPLATE_PT_shot(_Panel, bpy.types.Panel):
    """Plate, source, person, track, generator."""

    bl_idname = "FACEPLATE_PT_shot"
    bl_label = "Face Swap"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _in_compositor(context)

    def draw(self, context: bpy.types.Context) -> None:
        layout = _layout(self)
        node = node_group.active_node(context)
        if node is None:
            layout.operator("faceplate.add", icon="ADD")
            return
        shot = node.node_tree.faceplate
        state = live_update.status(shot.uid)
        layout.prop(node, "label", text="Node")
        _plate_row(layout, context, node)
        layout.prop(shot, "source")
        row = layout.row(align=True)
        row.prop(shot, "track")
        row.operator("faceplate.load_track", text="", icon="FILE_FOLDER")
        _work_row(layout, "faceplate.track", "TRACKING", state)
        tracked = (connection.shot_info(node.node_tree) or {}).get("tracked")
        if shot.track and tracked:
            layout.label(text=f"Track of plate frames {tracked}", icon="INFO")
        layout.prop(shot.parameters, "target", text="Person")
        layout.prop(shot.parameters, "generator")
        layout.prop(shot, "faces_file")
        _licence(layout, shot)
        row = layout.row(align=True)
        row.operator("faceplate.issue", text="Previous Issue", icon="TRIA_LEFT").step = -1
        row.operator("faceplate.issue", text="Next Issue", icon="TRIA_RIGHT").step = 1
        layout.label(text=state.text or "…", icon=_status_icon(state))


def _status_icon(state: live_update.Status) -> Literal["INFO", "ERROR", "CHECKMARK"]:
    if not state.text:
        return "INFO"
    return "ERROR" if state.problem else "CHECKMARK"


def _plate_row(layout: bpy.types.UILayout, context: bpy.types.Context, node: Any) -> None:
    try:
        made = plate_input.linked_output(node.inputs["Image"])
        if made is None:
            layout.label(text="Link a plate to Image", icon="ERROR")
            return
        direct = plate_input.file_plate(made, node.node_tree.faceplate.space)
    except ClientError as error:
        layout.label(text=str(error), icon="ERROR")
        return
    if direct is not None:
        layout.label(text=f"Plate: {made.node.image.name}, {direct.space}", icon="IMAGE_DATA")
        _frame_rows(layout, direct.mapping, compat.current_scene(context))
        return
    tree = compat.compositor_tree(compat.current_scene(context))
    why = prerender.is_stale(tree, node, made, compat.current_scene(context).frame_current)
    box = layout.box()
    box.label(text=f"Plate from '{made.node.name}' " + (why or "is up to date"), icon="ERROR" if why else "CHECKMARK")
    _work_row(box, "faceplate.render_plate", "RENDER_ANIMATION", live_update.status(node.node_tree.faceplate.uid))


def _frame_rows(layout: bpy.types.UILayout, mapping: plate_input.Mapping, scene: Any) -> None:
    """Say where the Image node's frames are not the scene's: held ones as a warning, another numbering as information."""
    frames = range(scene.frame_start, scene.frame_end + 1)
    held, moved = plate_input.held_frames(mapping, frames), plate_input.frame_offset(mapping, frames)
    if held:
        box = layout.box()
        for part in held.split("; "):
            box.label(text=part, icon="ERROR")
    if moved:
        layout.label(text=moved, icon="INFO")


def _work_row(
    layout: bpy.types.UILayout, operator: str, icon: Literal["TRACKING", "RENDER_ANIMATION"], state: live_update.Status
) -> None:
    row = layout.row(align=True)
    if state.work != operator or state.progress is None:
        row.enabled = not state.work
        row.operator(operator, icon=icon)
        return
    row.progress(factor=state.progress, text=state.work_text or f"{state.progress:.0%}")
    row.operator("faceplate.cancel", text="", icon="CANCEL")


def _licence(layout: bpy.types.UILayout, shot: Any) -> None:
    info = connection.shot_info(shot.id_data)
    notice = licence_notice(info) if info else ""
    limited = any(not card.get("commercial", True) for card in (info or {}).get("weights", ()))
    if notice:
        layout.label(text=notice, icon="ERROR" if limited else "INFO")
    if limited or shot.allow_noncommercial or shot.parameters.generator not in ("mesh", "null"):
        layout.prop(shot, "allow_noncommercial")
    release = (info or {}).get("source_release")
    if release:
        good = release.get("state") == "valid"
        layout.label(text=release.get("text", ""), icon="CHECKMARK" if good else "ERROR")


def _group_panel(name: str) -> type:
    """Return the panel class of one group of the parameter list."""

    def draw(self: Any, context: bpy.types.Context) -> None:
        layout = _layout(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        node = node_group.active_node(context)
        shot = node.node_tree.faceplate
        keyed = {entry["name"] for entry in parameter_sockets.sockets()}
        for entry in _entries(name):
            if entry["name"] not in keyed:
                layout.prop(shot.parameters, entry["name"])
            elif entry["label"] in node.inputs:
                socket = node.inputs[entry["label"]]
                row = layout.row()
                row.enabled = not socket.is_linked
                row.prop(socket, "default_value", text=entry["label"])

    body = {"bl_idname": f"FACEPLATE_PT_{name.lower().replace(' ', '_')}", "bl_label": name, "draw": draw,
            "bl_parent_id": "FACEPLATE_PT_shot", "bl_options": {"DEFAULT_CLOSED"}}  # fmt: skip
    return type(body["bl_idname"], (_Panel, bpy.types.Panel), body)


def _entries(name: str) -> list[dict[str, Any]]:
    own = {"target", "generator"}  # stand above
    every = [
        entry for entry in (*parameter_sockets.settings(), *parameter_sockets.sockets()) if entry["name"] not in own
    ]
    order = parameter_sockets.order()
    return sorted((entry for entry in every if entry["group"] == name), key=lambda entry: order[entry["name"]])


class FACEPLATE_PT_views(_Panel, bpy.types.Panel):
    """Which picture of the source leads on this frame, and pins."""

    bl_idname = "FACEPLATE_PT_views"
    bl_label = "View Plan"
    bl_parent_id = "FACEPLATE_PT_shot"
    bl_options: ClassVar[Any] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        view_operators.draw(_layout(self), context, node_group.active_node(context))


class FACEPLATE_UL_takes(bpy.types.UIList):
    """The list of takes: number, frames, note; the eye button shows a take."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None,
        flt_flag: int | None,
    ) -> None:
        row = layout.row(align=True)
        shown = data.take == item.number
        row.operator("faceplate.show_take", text="", icon="HIDE_OFF" if shown else "HIDE_ON").number = item.number
        row.label(text=f"{item.number}   {item.frames}")
        row.prop(item, "note", text="", emboss=False)


class FACEPLATE_PT_output(_Panel, bpy.types.Panel):
    """Bake, shot file, takes."""

    bl_idname = "FACEPLATE_PT_output"
    bl_label = "Bake and Takes"
    bl_parent_id = "FACEPLATE_PT_shot"

    def draw(self, context: bpy.types.Context) -> None:
        layout = _layout(self)
        shot = node_group.active_node(context).node_tree.faceplate
        _work_row(layout, "faceplate.bake", "RENDER_ANIMATION", live_update.status(shot.uid))
        layout.operator("faceplate.write_shot", icon="EXPORT")
        row = layout.row()
        row.template_list("FACEPLATE_UL_takes", "", shot, "takes", shot, "take_row", rows=3)
        column = row.column(align=True)
        column.operator("faceplate.take", text="", icon="ADD")
        column.operator("faceplate.remove_take", text="", icon="REMOVE")
        live_row = layout.row()
        live_row.enabled = shot.take != 0
        live_row.operator("faceplate.show_take", text="Live", icon="HIDE_OFF").number = 0


class FACEPLATE_PT_engine(_Panel, bpy.types.Panel):
    """The engine's state and the shot's folders."""

    bl_idname = "FACEPLATE_PT_engine"
    bl_label = "Engine"
    bl_parent_id = "FACEPLATE_PT_shot"

    def draw(self, context: bpy.types.Context) -> None:
        layout = _layout(self)
        shot = node_group.active_node(context).node_tree.faceplate
        layout.label(text=connection.status.text, icon="CHECKMARK" if connection.status.ok else "INFO")
        row = layout.row(align=True)
        row.operator("faceplate.refresh", icon="FILE_REFRESH")
        row.operator("faceplate.relink", icon="LINKED")
        if engine_install.running is not None:
            layout.label(text=engine_install.running.text, icon="IMPORT")
        elif not connection.status.ok:
            layout.operator("faceplate.install_engine", icon="IMPORT")
        row = layout.row()
        row.label(text=f"Faceplate {__version__}")
        row.operator("faceplate.page", icon="HELP")
        layout.prop(shot, "shot_name")
        layout.prop(shot, "space")
        layout.prop(shot, "cache")


class FACEPLATE_MT_add(bpy.types.Menu):
    """Add › Faceplate."""

    bl_idname = "FACEPLATE_MT_add"
    bl_label = "Faceplate"

    def draw(self, context: bpy.types.Context) -> None:
        _layout(self).operator("faceplate.add", text="Face Swap")


def _add_menu(self: Any, context: bpy.types.Context) -> None:
    if _in_compositor(context):
        _layout(self).menu("FACEPLATE_MT_add")


_classes: list[type] = []


def register() -> None:
    """Register the panels in order: the shot, the list's groups, output, engine."""
    groups = [_group_panel(name) for name in parameter_sockets.groups() if _entries(name)]
    _classes[:] = [
        FACEPLATE_PT_shot,
        FACEPLATE_PT_views,
        *groups,
        FACEPLATE_UL_takes,
        FACEPLATE_PT_output,
        FACEPLATE_PT_engine,
        FACEPLATE_MT_add,
    ]
    for item in _classes:
        bpy.utils.register_class(item)
    bpy.types.NODE_MT_add.append(_add_menu)


def unregister() -> None:
    """Unregister the panels."""
    bpy.types.NODE_MT_add.remove(_add_menu)
    for item in reversed(_classes):
        bpy.utils.unregister_class(item)
    _classes.clear()
