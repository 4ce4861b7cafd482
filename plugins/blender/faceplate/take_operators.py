# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators of takes: keep the baked frames, show a take, remove one.

No `from __future__ import annotations`: Blender reads properties from annotations.
"""

# pyright: reportInvalidTypeForm=false
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import bpy

from . import compat, node_document, node_group, result_files
from .faceplate_client import HostError, format_frames, write_document
from .faceplate_client.exr import header
from .modal_operator import NodeOperator

__all__ = ["register", "unregister"]


class FACEPLATE_OT_take(NodeOperator, bpy.types.Operator):
    """Keep the baked frames as a take, with their shot document"""

    bl_idname = "faceplate.take"
    bl_label = "New Take"

    note: bpy.props.StringProperty(name="Note")

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        group = node.node_tree
        shot = group.faceplate
        folder = result_files.node_folder(group)
        kept = [
            frame
            for frame in range(scene.frame_start, scene.frame_end + 1)
            if result_files.present_path(folder, frame).exists()
        ]
        if not kept:
            raise HostError("nothing-baked", "No frame of the scene's range is rendered yet: bake the range first.")
        _refuse_two_tracks(folder, kept)
        number = max(result_files.last_take(folder), *(take.number for take in shot.takes), 0) + 1
        target = folder / "takes" / f"{number:03d}"
        written = node_document.exported_document(scene, tree, node)
        for frame in kept:
            result_files.publish_frame(target, frame, result_files.result_path(folder, frame))
        write_document(str(target / "take.shot.json"), written)
        take = shot.takes.add()
        take.number, take.note = number, self.note
        take.made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        take.frames = f"{kept[0]}-{kept[-1]}"
        take.sha256 = hashlib.sha256(json.dumps(written["parameters"], sort_keys=True).encode()).hexdigest()


class FACEPLATE_OT_show_take(NodeOperator, bpy.types.Operator):
    """Show this take, or the live result"""

    bl_idname = "faceplate.show_take"
    bl_label = "Show Take"

    number: bpy.props.IntProperty(min=0)

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        node.node_tree.faceplate.take = self.number
        node_group.force_update(node)


class FACEPLATE_OT_remove_take(NodeOperator, bpy.types.Operator):
    """Remove the chosen take. Its frames are moved to the folder 'trash' beside the takes; undo brings both back"""

    bl_idname = "faceplate.remove_take"
    bl_label = "Remove Take"

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        return compat.window_manager(context).invoke_confirm(self, event)

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        shot = node.node_tree.faceplate
        if not 0 <= shot.take_row < len(shot.takes):
            raise HostError("no-take", "Choose a take in the list first.")
        number = shot.takes[shot.take_row].number
        result_files.trash_take(result_files.node_folder(node.node_tree), number)
        if shot.take == number:
            shot.take = 0
        shot.takes.remove(shot.take_row)
        self.report({"INFO"}, f"Take {number} is in the folder 'trash'; undo brings it back.")


def _refuse_two_tracks(folder: Path, frames: list[int]) -> None:
    """Raise `HostError('mixed-tracks')` when the frames were rendered from tracks of different ranges."""
    made: dict[str, list[int]] = {}
    for frame in frames:
        said = header(str(result_files.result_path(folder, frame))).get("faceplate:tracked", "")
        made.setdefault(said, []).append(frame)
    if len(made) > 1:
        told = "; ".join(
            f"{format_frames(some)} from " + (f"the track of {said}" if said else "no track")
            for said, some in made.items()
        )
        raise HostError("mixed-tracks", f"The baked frames come from different tracks ({told}): bake the range again.")


_CLASSES = (FACEPLATE_OT_take, FACEPLATE_OT_show_take, FACEPLATE_OT_remove_take)


def register() -> None:
    """Register the operators."""
    for item in _CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """Unregister the operators."""
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
