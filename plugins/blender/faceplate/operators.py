"""What a person can do: add, track, bake, write, load, relink, render the plate, keep takes, cancel."""

import datetime
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
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
    prerender,
    result_files,
)
from .faceplate_client import write_document
from .failure import NodeError

__all__ = ["register", "unregister"]

_TICK = 0.1


class _OnNode:
    """An operator on the active face swap node; an `EngineError` becomes its report."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return node_group.active(context) is not None

    def execute(self, context: Any) -> set[str]:
        ours = node_group.active(context)
        try:
            self.run(context, context.scene, compat.compositor_tree(context.scene), ours)
        except connection.EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        live_update.mark()
        return {"FINISHED"}


class _Long(_OnNode):
    """Work that takes its time: `work` yields (done, of); with a window it runs beside the window, and Esc ends it.

    A step that waits for the engine runs in a thread, so `steps` must touch no Blender data between yields of
    `_Threaded`.
    """

    bl_options = {"REGISTER"}
    _timer = None
    _steps: Iterator[float] | None = None
    _uid = ""

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        for _ in self.steps(scene, tree, ours):
            pass

    def invoke(self, context: Any, _event: Any) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        ours = node_group.active(context)
        self._uid = ours.node_tree.faceplate.uid
        try:
            self._steps = self.steps(context.scene, compat.compositor_tree(context.scene), ours)
            next(self._steps, None)
        except connection.EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        state = live_update.status(self._uid)
        if event.type == "ESC":
            _cancel(state)
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            state.progress = next(self._steps, None)
        except connection.EngineError as error:
            state.progress = None
            if error.code == "cancelled":
                return self._end(context, {"CANCELLED"})
            self.report({"ERROR"}, str(error))
            return self._end(context, {"CANCELLED"})
        live_update.redraw()
        if state.progress is None:
            return self._end(context, {"FINISHED"})
        return {"PASS_THROUGH"}

    def cancel(self, context: Any) -> None:
        _cancel(live_update.status(self._uid))
        self._end(context, set())

    def _end(self, context: Any, result: set[str]) -> set[str]:
        context.window_manager.event_timer_remove(self._timer)
        live_update.mark()
        live_update.redraw()
        return result

    def steps(self, scene: Any, tree: Any, ours: Any) -> Iterator[float]:
        raise NotImplementedError


def _followed(state: live_update.Status, work: Any) -> Iterator[float]:
    """Runs `work(on_event, on_job)` in a thread and yields its progress; gives what it returns. Raises what it raises.

    Without a window it runs at once.
    """
    progress, outcome = [0.0], []

    def on_event(event: dict[str, Any]) -> None:
        if event.get("event") == "progress" and event.get("total"):
            progress[0] = event["done"] / event["total"]

    def on_job(job: Any) -> None:
        state.job = job

    def body() -> None:
        try:
            outcome.append((work(on_event, on_job), None))
        except Exception as error:
            outcome.append((None, error))

    if bpy.app.background:
        body()
    else:
        thread = threading.Thread(target=body, name="faceplate", daemon=True)
        thread.start()
        while thread.is_alive():
            yield progress[0]
    state.job = None
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


def _cancel(state: live_update.Status) -> None:
    job = state.job
    if job is not None:
        threading.Thread(target=job.cancel, name="faceplate", daemon=True).start()


class FACEPLATE_OT_add(bpy.types.Operator):
    """Add a face swap node behind the active picture"""

    bl_idname = "faceplate.add"
    bl_label = "Face Swap"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        ours = node_group.add(context.scene)
        try:
            node_update.scene(context.scene)
        except connection.EngineError as error:
            self.report({"WARNING"}, str(error))
        space = context.space_data
        if space is not None and space.type == "NODE_EDITOR" and not ours.inputs["Image"].is_linked:
            ours.location = space.cursor_location
        live_update.mark()
        return {"FINISHED"}


class FACEPLATE_OT_track(_Long, bpy.types.Operator):
    """Follow the faces of the plate once through the scene's range, into a track file"""

    bl_idname = "faceplate.track"
    bl_label = "Track"

    def steps(self, scene: Any, tree: Any, ours: Any) -> Iterator[float]:
        group = ours.node_tree
        for frame in range(scene.frame_start, scene.frame_end + 1):
            prerender.check(tree, ours, frame)
        request = frame_requests.prepared(tree, ours, scene.frame_start)
        mapping = node_document.plate_of(tree, ours).mapping
        numbers = sorted({mapping.file_number(frame) for frame in range(scene.frame_start, scene.frame_end + 1)})
        target = result_files.folder_of(group) / "face.track.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        asked = {**request.document}
        asked.pop("track", None)
        name = group.name

        def work(on_event: Any, on_job: Any) -> None:
            job = connection.reached().track(connection.opened(asked, request.base), output=str(target), frames=numbers)
            on_job(job)
            job.wait(on_event)

        yield from _followed(live_update.status(request.uid), work)
        bpy.data.node_groups[name].faceplate.track = node_group.stored(target)


class FACEPLATE_OT_bake(_Long, bpy.types.Operator):
    """Render the face of every frame of the scene's range now; the file then renders without the engine"""

    bl_idname = "faceplate.bake"
    bl_label = "Bake Range"

    def steps(self, scene: Any, tree: Any, ours: Any) -> Iterator[float]:
        node_update.scene(scene)
        uid = ours.node_tree.faceplate.uid
        name = ours.name
        wanted = []
        for frame in range(scene.frame_start, scene.frame_end + 1):
            prerender.check(tree, ours, frame)
            wanted.append(frame_requests.prepared(tree, ours, frame))
        while wanted:
            # A held plate shows one number at several frames, with values of their own: one job for each round.
            round_ = list({request.number: request for request in reversed(wanted)}.values())
            chosen = {request.frame for request in round_}
            wanted = [request for request in wanted if request.frame not in chosen]
            made = yield from _followed(
                live_update.status(uid),
                lambda on_event, on_job, some=round_: frame_requests.render_frames(
                    some, on_event, on_job, priority="batch"
                ),
            )
            ours = compat.compositor_tree(scene).nodes[name]
            for frame, file in made.items():
                frame_requests.shown(ours, frame, file)
        node_group.poke(ours)


class FACEPLATE_OT_render_plate(_Long, bpy.types.Operator):
    """Render the nodes before the face swap to files that the engine can read"""

    bl_idname = "faceplate.render_plate"
    bl_label = "Render Plate"

    def steps(self, scene: Any, tree: Any, ours: Any) -> Iterator[float]:
        count = scene.frame_end - scene.frame_start + 1
        handlers.rendering_aside = True
        try:
            every = range(scene.frame_start, scene.frame_end + 1)
            for done, _ in enumerate(prerender.render_plate(scene, ours, every), start=1):
                yield done / count
        finally:
            handlers.rendering_aside = False


class FACEPLATE_OT_cancel(bpy.types.Operator):
    """Stop what the engine does for this node"""

    bl_idname = "faceplate.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: Any) -> bool:
        ours = node_group.active(context)
        return ours is not None and live_update.status(ours.node_tree.faceplate.uid).job is not None

    def execute(self, context: Any) -> set[str]:
        _cancel(live_update.status(node_group.active(context).node_tree.faceplate.uid))
        return {"FINISHED"}


class FACEPLATE_OT_write_shot(_OnNode, bpy.types.Operator):
    """Write the node as a shot file, for the command line or a farm; keyed values become curves"""

    bl_idname = "faceplate.write_shot"
    bl_label = "Write Shot File"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.shot.json", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        self.filepath = bpy.path.abspath(f"//{node_group.active(context).name.replace(' ', '_').lower()}.shot.json")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        written = node_document.keyed_document(scene, tree, ours)
        path = Path(bpy.path.abspath(self.filepath))
        written["output"] = str(path.parent / f"{written['name'].replace(' ', '_')}.####.exr")
        try:
            write_document(str(path), written)
        except OSError as error:
            raise NodeError("output-unwritable", f"{path} cannot be written: {error.strerror or error}.") from error
        self.report({"INFO"}, f"Wrote {path}; render it with: faceplate render {path.name}")


class FACEPLATE_OT_load_track(_OnNode, bpy.types.Operator):
    """Use a track that was made elsewhere"""

    bl_idname = "faceplate.load_track"
    bl_label = "Load Track"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise NodeError("track-missing", f"There is no track {path}.")
        ours.node_tree.faceplate.track = node_group.stored(path)


class FACEPLATE_OT_relink(_OnNode, bpy.types.Operator):
    """Find the node's plate, folder, pictures and colour spaces again, add what is newer than the node, and ask the engine again"""

    bl_idname = "faceplate.relink"
    bl_label = "Relink"

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        connection.close()
        node_update.scene(scene)
        group = ours.node_tree
        node_group.reset_pictures(group)
        live_update.status(group.faceplate.uid).asked = None
        node_document.plate_of(tree, ours)
        node_group.reload(group)
        connection.refresh()


class FACEPLATE_OT_take(_OnNode, bpy.types.Operator):
    """Keep the frames that are baked now as a take, with the shot that made them"""

    bl_idname = "faceplate.take"
    bl_label = "New Take"

    note: bpy.props.StringProperty(name="Note")

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        group = ours.node_tree
        shot = group.faceplate
        folder = result_files.folder_of(group)
        kept = [
            frame
            for frame in range(scene.frame_start, scene.frame_end + 1)
            if result_files.present_path(folder, frame).exists()
        ]
        if not kept:
            raise NodeError("nothing-baked", "No frame of the scene's range is rendered yet: bake the range first.")
        number = max((take.number for take in shot.takes), default=0) + 1
        target = folder / "takes" / f"{number:03d}"
        written = node_document.keyed_document(scene, tree, ours)
        for frame in kept:
            result_files.publish(target, frame, result_files.result_path(folder, frame))
        text = json.dumps(written, indent=2)
        (target / "take.shot.json").write_text(text + "\n", "utf-8")
        take = shot.takes.add()
        take.number, take.note = number, self.note
        take.made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        take.frames = f"{kept[0]}-{kept[-1]}"
        take.sha256 = hashlib.sha256(json.dumps(written["parameters"], sort_keys=True).encode()).hexdigest()


class FACEPLATE_OT_show_take(_OnNode, bpy.types.Operator):
    """Show this take, or the live result"""

    bl_idname = "faceplate.show_take"
    bl_label = "Show Take"

    number: bpy.props.IntProperty(min=0)

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        ours.node_tree.faceplate.take = self.number
        node_group.poke(ours)


class FACEPLATE_OT_remove_take(_OnNode, bpy.types.Operator):
    """Delete the chosen take and its frames"""

    bl_idname = "faceplate.remove_take"
    bl_label = "Remove Take"

    def run(self, context: Any, scene: Any, tree: Any, ours: Any) -> None:
        shot = ours.node_tree.faceplate
        if not 0 <= shot.take_row < len(shot.takes):
            raise NodeError("no-take", "Choose a take in the list first.")
        number = shot.takes[shot.take_row].number
        if shot.take == number:
            shot.take = 0
        shutil.rmtree(result_files.folder_of(ours.node_tree) / "takes" / f"{number:03d}", ignore_errors=True)
        shot.takes.remove(shot.take_row)


class FACEPLATE_OT_refresh(bpy.types.Operator):
    """Ask the engine how it is and which networks it has"""

    bl_idname = "faceplate.refresh"
    bl_label = "Ask the Engine"

    def execute(self, context: Any) -> set[str]:
        try:
            connection.refresh()
        except connection.EngineError as error:
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
    FACEPLATE_OT_take,
    FACEPLATE_OT_show_take,
    FACEPLATE_OT_remove_take,
    FACEPLATE_OT_refresh,
)


def register() -> None:
    """Makes the operators known."""
    for item in _CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """Takes them away."""
    for item in reversed(_CLASSES):
        bpy.utils.unregister_class(item)
