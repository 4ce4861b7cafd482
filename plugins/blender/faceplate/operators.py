# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators: add, track, bake, write, load, relink, render the plate, step through issues, cancel, show the page."""

# Blender reads properties from annotations.
# pyright: reportInvalidTypeForm=false
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from . import (
    compat,
    connection,
    frame_requests,
    handlers,
    live_update,
    node_document,
    node_group,
    node_update,
    plate_input,
    prerender,
    result_files,
)
from .faceplate_client import ClientError, HostError, Job, Progress, follow_job, issue_line, next_issue, write_document
from .modal_operator import ModalNodeOperator, NodeOperator, Steps, cancel_job, run_in_thread

__all__ = ["register", "unregister"]


class FACEPLATE_OT_add(bpy.types.Operator):
    """Add a face swap node behind the active picture"""

    bl_idname = "faceplate.add"
    bl_label = "Face Swap"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[Any]:
        node = node_group.add(compat.current_scene(context))
        try:
            node_update.update_scene(compat.current_scene(context))
        except ClientError as error:
            self.report({"WARNING"}, str(error))
        space: Any = context.space_data
        if space is not None and space.type == "NODE_EDITOR" and not node.inputs["Image"].is_linked:
            node.location = space.cursor_location
        live_update.request_update()
        return {"FINISHED"}


class FACEPLATE_OT_track(ModalNodeOperator, bpy.types.Operator):
    """Track the faces of the plate over the scene's range and write the track file"""

    bl_idname = work = "faceplate.track"
    bl_label = "Track"
    bl_options = {"REGISTER", "UNDO"}

    def steps(self, scene: Any, tree: Any, node: Any) -> Steps:
        group = node.node_tree
        for frame in range(scene.frame_start, scene.frame_end + 1):
            prerender.check(tree, node, frame)
        request = frame_requests.frame_request(tree, node, scene.frame_start)
        mapping = node_document.plate_of_node(tree, node).mapping
        numbers = sorted({mapping.file_number(frame) for frame in range(scene.frame_start, scene.frame_end + 1)})
        target = result_files.new_track(group, bpy.path.abspath(group.faceplate.track))
        self._warn_of_holds(mapping, scene)
        document = {key: value for key, value in request.document.items() if key != "track"}
        name = group.name

        def track(progress: Progress, on_job: Callable[[Job], None]) -> None:
            shot = connection.open_shot(document, request.base)
            job = connection.engine().track(shot, output=str(target), frames=numbers)
            on_job(job)
            follow_job(job, progress)

        try:
            yield from run_in_thread(live_update.status(request.uid), track)
        except BaseException:
            result_files.discard_track(target)
            raise
        bpy.data.node_groups[name].faceplate.track = node_group.stored_path(target)

    def _warn_of_holds(self, mapping: plate_input.Mapping, scene: Any) -> None:
        held = plate_input.held_frames(mapping, range(scene.frame_start, scene.frame_end + 1))
        if held:
            self.report({"WARNING"}, held)


class FACEPLATE_OT_bake(ModalNodeOperator, bpy.types.Operator):
    """Render the face of every frame of the scene's range now; the file then renders without the engine"""

    bl_idname = work = "faceplate.bake"
    bl_label = "Bake Range"

    def steps(self, scene: Any, tree: Any, node: Any) -> Steps:
        node_update.update_scene(scene)
        uid = node.node_tree.faceplate.uid
        name = node.name
        wanted = []
        for frame in range(scene.frame_start, scene.frame_end + 1):
            prerender.check(tree, node, frame)
            wanted.append(frame_requests.frame_request(tree, node, frame))
        held = plate_input.held_frames(
            node_document.plate_of_node(tree, node).mapping, range(scene.frame_start, scene.frame_end + 1)
        )
        if held:
            self.report({"WARNING"}, held)
        while wanted:
            # A held plate shows one number at several frames, each with its own values: one job for each round.
            round_ = list({request.number: request for request in reversed(wanted)}.values())
            chosen = {request.frame for request in round_}
            wanted = [request for request in wanted if request.frame not in chosen]
            made = yield from run_in_thread(
                live_update.status(uid),
                lambda progress, on_job, some=round_: frame_requests.render_frames(
                    some, progress, on_job, priority="batch"
                ),
            )
            node = compat.compositor_tree(scene).nodes[name]
            for frame, file in made.items():
                frame_requests.show_frame(node, frame, file)
        node_group.force_update(node)


class FACEPLATE_OT_render_plate(ModalNodeOperator, bpy.types.Operator):
    """Render the nodes before the face swap to files that the engine can read"""

    bl_idname = work = "faceplate.render_plate"
    bl_label = "Render Plate"

    def steps(self, scene: Any, tree: Any, node: Any) -> Steps:
        count = scene.frame_end - scene.frame_start + 1
        handlers.rendering_plate = True
        try:
            every = range(scene.frame_start, scene.frame_end + 1)
            for done, _ in enumerate(prerender.render_plate(scene, node, every), start=1):
                yield done / count
        finally:
            handlers.rendering_plate = False


class FACEPLATE_OT_cancel(bpy.types.Operator):
    """Cancel this node's job"""

    bl_idname = "faceplate.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        node = node_group.active_node(context)
        return node is not None and bool(live_update.status(node.node_tree.faceplate.uid).work)

    def execute(self, context: bpy.types.Context) -> set[Any]:
        cancel_job(live_update.status(node_group.active_node(context).node_tree.faceplate.uid))
        return {"FINISHED"}


class FACEPLATE_OT_write_shot(NodeOperator, bpy.types.Operator):
    """Write the node as a shot file, for the command line or a farm; keyed values become curves"""

    bl_idname = "faceplate.write_shot"
    bl_label = "Write Shot File"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=compat.path_options())
    filter_glob: bpy.props.StringProperty(default="*.shot.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        self.filepath = bpy.path.abspath(
            f"//{node_group.active_node(context).name.replace(' ', '_').lower()}.shot.json"
        )
        compat.window_manager(context).fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        written = node_document.exported_document(scene, tree, node)
        path = Path(bpy.path.abspath(self.filepath))
        written["output"] = str(path.parent / f"{written['name'].replace(' ', '_')}.####.exr")
        write_document(str(path), written)
        self.report({"INFO"}, f"Wrote {path}; render it with: faceplate render {path.name}")


class FACEPLATE_OT_load_track(NodeOperator, bpy.types.Operator):
    """Use another track file"""

    bl_idname = "faceplate.load_track"
    bl_label = "Load Track"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=compat.path_options())
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: Any) -> set[Any]:
        compat.window_manager(context).fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise HostError("track-missing", f"There is no track {path}.")
        node.node_tree.faceplate.track = node_group.stored_path(path)


class FACEPLATE_OT_relink(NodeOperator, bpy.types.Operator):
    """Read the node's plate, folder, images and colour spaces again, add new parameters, and connect to the engine again"""

    bl_idname = "faceplate.relink"
    bl_label = "Relink"

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        connection.close()
        node_update.update_scene(scene)
        group = node.node_tree
        node_group.reset_images(group)
        live_update.status(group.faceplate.uid).asked = None
        node_document.plate_of_node(tree, node)
        node_group.reload(group)
        connection.refresh()


class FACEPLATE_OT_issue(NodeOperator, bpy.types.Operator):
    """Go to the frame of the next thing worth a look, or of the one before, and show what it is"""

    bl_idname = "faceplate.issue"
    bl_label = "Next Issue"

    step: bpy.props.IntProperty(default=1)

    def run(self, context: bpy.types.Context, scene: Any, tree: Any, node: Any) -> None:
        plate = node_document.plate_of_node(tree, node)
        document = node_document.shot_of_node(node, plate)
        issues = connection.engine().issues(connection.open_shot(document, node_document.base_folder()))
        numbers = {plate.mapping.file_number(frame): frame for frame in range(scene.frame_start, scene.frame_end + 1)}
        shown = plate.mapping.file_number(scene.frame_current)
        found = next_issue([issue for issue in issues if issue["first"] in numbers], shown, self.step)
        if found is None:
            raise HostError("no-issue", f"There is no issue {'after' if self.step > 0 else 'before'} this frame.")
        scene.frame_set(numbers[found["first"]])
        self.report({"INFO"}, issue_line(found))


class FACEPLATE_OT_page(bpy.types.Operator):
    """Open the page about the face swap node"""

    bl_idname = "faceplate.page"
    bl_label = "Help"

    def execute(self, context: bpy.types.Context) -> set[Any]:
        bpy.ops.wm.url_open(url=connection.page_address())
        return {"FINISHED"}


class FACEPLATE_OT_refresh(bpy.types.Operator):
    """Ask the engine for its status and its networks"""

    bl_idname = "faceplate.refresh"
    bl_label = "Ask the Engine"

    def execute(self, context: bpy.types.Context) -> set[Any]:
        try:
            connection.refresh()
        except ClientError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


_CLASSES = (
    FACEPLATE_OT_add,
    FACEPLATE_OT_track,
    FACEPLATE_OT_bake,
    FACEPLATE_OT_render_plate,
    FACEPLATE_OT_cancel,
    FACEPLATE_OT_write_shot,
    FACEPLATE_OT_load_track,
    FACEPLATE_OT_relink,
    FACEPLATE_OT_issue,
    FACEPLATE_OT_page,
    FACEPLATE_OT_refresh,
)


def register() -> None:
    """Register the operators."""
    for item in _CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """Unregister the operators."""
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
