"""The cases of a session with a window: real node and image editors, the timer, and every operator's invoke, modal and cancel.

Without a display no event arrives. The operators are therefore driven by a stand-in of the window manager, as the real one does.
"""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scene import FRAMES, Case, answer

bpy: Any = importlib.import_module("bpy")


class Manager:
    """Stands for the window manager: notes what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.windows: list[Any] = []

    def event_timer_add(self, period: float, window: Any) -> str:
        self.calls.append("timer")
        return "timer"

    def event_timer_remove(self, timer: str) -> None:
        self.calls.append(f"{timer} removed")

    def modal_handler_add(self, handler: Any) -> None:
        self.calls.append("handler")

    def fileselect_add(self, operator: Any) -> None:
        self.calls.append("file dialog")

    def invoke_props_dialog(self, operator: Any, width: int) -> set[str]:
        self.calls.append("asked")
        return {"RUNNING_MODAL"}

    def invoke_confirm(self, operator: Any, event: Any) -> set[str]:
        self.calls.append("asked")
        return {"RUNNING_MODAL"}


class Session:
    """A scene as in a window: its first area is a node editor, and its second, if there is one, an image editor."""

    def __init__(self, case: Case) -> None:
        self.case = case
        areas = bpy.context.window_manager.windows[0].screen.areas
        areas[0].type = "NODE_EDITOR"
        if len(areas) > 1:
            areas[1].type = "IMAGE_EDITOR"
        case.module("compat").has_window = lambda: True
        self.areas = sorted(area.type for area in areas)

    def operator(self, name: str, **properties: Any) -> tuple[Any, Any, list[str]]:
        """An operator of the extension that this script may drive, its context, and what it reports."""
        modules = [self.case.module(part) for part in ("operators", "take_operators", "pick_face", "engine_install")]
        cls = next(
            getattr(module, f"FACEPLATE_OT_{name}") for module in modules if hasattr(module, f"FACEPLATE_OT_{name}")
        )
        mixins = tuple(base for base in cls.__mro__[1:] if base.__module__.endswith("modal_operator"))
        body = {key: value for key, value in vars(cls).items() if not key.startswith(("__", "bl_"))}
        reports: list[str] = []
        body["report"] = lambda _self, kinds, text: reports.append(f"{min(kinds)}: {text}")
        made = type("Driven", mixins[:1], {**body, **properties})()
        window = SimpleNamespace(
            cursor_modal_set=lambda shape: manager.calls.append(shape),
            cursor_modal_restore=lambda: manager.calls.append("pointer restored"),
        )
        manager = Manager()
        return made, SimpleNamespace(scene=self.case.scene, window=window, window_manager=manager), reports


TIMER, ESCAPE = SimpleNamespace(type="TIMER", value="NOTHING"), SimpleNamespace(type="ESC", value="PRESS")


def _until_done(operator: Any, context: Any, escape_when: Any = None) -> list[str]:
    """Send timer events to a running operator, and Esc once `escape_when()` is true. Returns its last result."""
    result, end, escaped = {"RUNNING_MODAL"}, time.monotonic() + 100, False
    while result & {"RUNNING_MODAL", "PASS_THROUGH"} and time.monotonic() < end:
        time.sleep(0.02)
        if escape_when is not None and not escaped and escape_when():
            escaped = True
            operator.modal(context, ESCAPE)
        result = operator.modal(context, TIMER)
    return sorted(result)


def in_window(case: Case, ask: dict[str, Any]) -> None:
    """The live timer, Track and Bake through to their ends, with editors to redraw."""
    node = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.scene.frame_end = 2
    case.save()
    case.tree.nodes.active = node
    session, live = Session(case), case.module("live_update")
    live.active = True
    live.request_update()
    found: dict[str, Any] = {"areas": session.areas, "live": live.wait(100)}
    state = live.status(node.node_tree.faceplate.uid)
    found["status"] = state.text
    found["period"] = live.tick()
    live.active = False
    for name in ("track", "bake"):
        operator, context, reports = session.operator(name)
        running = operator.invoke(context, None)
        shown = [state.work, state.progress is not None]
        found[name] = [*sorted(running), *_until_done(operator, context), *context.window_manager.calls, *reports]
        found[f"{name} shown"] = [*shown, state.work, state.progress, state.work_text]
    found["tracked"] = Path(bpy.path.abspath(node.node_tree.faceplate.track)).is_file()
    folder = case.module("result_files").node_folder(node.node_tree)
    found["baked"] = sorted(path.name for path in folder.glob("present.*.png"))
    answer(**found)


def cancelled(case: Case, ask: dict[str, Any]) -> None:
    """Esc and a closed window end Track, Bake and Render Plate, and nothing of an unfinished track stays."""
    node = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.save()
    case.tree.nodes.active = node
    session, live = Session(case), case.module("live_update")
    state = live.status(node.node_tree.faceplate.uid)
    folder = case.module("result_files").node_folder(node.node_tree)
    found: dict[str, Any] = {}
    for name, escape in (("track", lambda: state.job), ("bake", lambda: True)):
        operator, context, reports = session.operator(name)
        operator.invoke(context, None)
        found[name] = [*_until_done(operator, context, escape), *context.window_manager.calls, *reports, state.work]
    found["tracks"] = [path.name for path in folder.glob("*.track.json")]
    first, context, _ = session.operator("track")
    first.invoke(context, None)
    second, other, reports = session.operator("bake")
    found["busy"] = [*sorted(second.invoke(other, None)), *reports]
    found["may cancel"] = bpy.ops.faceplate.cancel.poll()
    first.cancel(context)
    found["closed"] = [*context.window_manager.calls, state.work]
    gain = case.tree.nodes.new("CompositorNodeExposure")
    picture = next(item for item in case.tree.nodes if item.type == "IMAGE")
    case.link(picture.outputs[0], gain.inputs[0])
    case.link(gain.outputs[0], node.inputs["Image"])
    operator, context, reports = session.operator("render_plate")
    operator.invoke(context, None)
    found["render_plate"] = [*_until_done(operator, context, lambda: True), *context.window_manager.calls, *reports]
    found["rendering_plate"] = case.module("handlers").rendering_plate
    found["scenes"] = len(bpy.data.scenes)
    answer(**found)


def operators(case: Case, ask: dict[str, Any]) -> None:
    """Every other operator: what it asks, what undo brings back, and where it may run."""
    names = [name for name in dir(bpy.ops.faceplate) if not name.startswith("_")]
    case.empty_tree()
    found: dict[str, Any] = {"names": names}
    found["without a node"] = [name for name in names if getattr(bpy.ops.faceplate, name).poll()]
    node = case.build(ask["plate"], ask["source"])
    case.scene.frame_end = 2
    case.save()
    case.tree.nodes.active = node
    _undone_tracks(case, found)
    _undone_takes(case, found)
    session = Session(case)
    for name in ("write_shot", "load_track", "remove_take"):
        operator, context, _ = session.operator(name)
        found[name] = [*sorted(operator.invoke(context, None)), *context.window_manager.calls]
    _picked(case, session, ask, found)
    _held(case, session, found)
    found["page"] = case.module("connection").page_address()
    answer(**found)


def _node(case: Case) -> Any:
    return next(item for item in case.tree.nodes if item.type == "GROUP")


def _undone_tracks(case: Case, found: dict[str, Any]) -> None:
    bpy.ops.ed.undo_push(message="before")
    paths = []
    for _ in range(2):
        assert bpy.ops.faceplate.track("EXEC_DEFAULT", True) == {"FINISHED"}
        paths.append(Path(bpy.path.abspath(_node(case).node_tree.faceplate.track)))
    found["tracks"] = [path.name for path in paths]
    bpy.ops.ed.undo()
    back = Path(bpy.path.abspath(_node(case).node_tree.faceplate.track))
    found["track undone"] = [back.name, back.is_file()]


def _undone_takes(case: Case, found: dict[str, Any]) -> None:
    assert bpy.ops.faceplate.bake("EXEC_DEFAULT", True) == {"FINISHED"}
    assert bpy.ops.faceplate.take("EXEC_DEFAULT", True, note="first") == {"FINISHED"}
    takes = case.module("result_files").node_folder(_node(case).node_tree) / "takes"

    def state() -> list[Any]:
        kept = [take.number for take in _node(case).node_tree.faceplate.takes]
        return [kept, (takes / "001" / "element.0002.exr").is_file(), (takes / "trash" / "001").is_dir()]

    found["takes"] = [state()]
    assert bpy.ops.faceplate.remove_take("EXEC_DEFAULT", True) == {"FINISHED"}
    found["takes"].append(state())
    bpy.ops.ed.undo()
    found["takes"].append(state())
    assert bpy.ops.faceplate.remove_take("EXEC_DEFAULT", True) == {"FINISHED"}
    assert bpy.ops.faceplate.take("EXEC_DEFAULT", True, note="second") == {"FINISHED"}
    found["takes"].append(state()[0])
    # A frame from another track is not kept among the others.
    shown = case.module("result_files").result_path(takes.parent, 2)
    data = shown.read_bytes()
    shown.unlink()
    said = b"1001-1008" if b"1001-1008" in data else b"1001-1002"
    shown.write_bytes(data.replace(said, b"1001-1004"))
    try:
        bpy.ops.faceplate.take(note="mixed")
    except RuntimeError as error:
        found["mixed"] = str(error)


def _picked(case: Case, session: Session, ask: dict[str, Any], found: dict[str, Any]) -> None:
    node = _node(case)
    picture = next(item for item in case.tree.nodes if item.type == "IMAGE")
    operator, context, reports = session.operator("pick")
    context.space_data = SimpleNamespace(type="IMAGE_EDITOR", image=picture.image)
    context.region = SimpleNamespace(view2d=SimpleNamespace(region_to_view=lambda x, y: (x / 100, y / 100)))
    found["pick may run"] = [type(operator).poll(context), bpy.ops.faceplate.pick.poll()]
    case.scene.frame_set(2)
    steps = [sorted(operator.invoke(context, None))]
    for kind, value, x, y in (("MOUSEMOVE", "NOTHING", 0, 0), ("LEFTMOUSE", "PRESS", 50, 75)):
        event = SimpleNamespace(type=kind, value=value, mouse_region_x=x, mouse_region_y=y)
        steps.append(sorted(operator.modal(context, event)))
    found["pick"] = [*steps, *context.window_manager.calls, node.node_tree.faceplate.parameters.target]
    operator, context, reports = session.operator("pick")
    operator.invoke(context, None)
    found["pick escaped"] = [*sorted(operator.modal(context, ESCAPE)), *context.window_manager.calls, *reports]
    points = case.module("pick_face").plate_point
    windows = {"dataWindow": (-8, 3, 328, 174), "displayWindow": (0, 0, 320, 180)}
    found["points"] = [
        points((0.0, 1.0), (328, 174), windows, False), points((0.5, 0.5), (320, 180), windows, False),
        points((0.5, 0.5), (320, 180), windows, True), points((0.25, 0.25), (100, 80), {}, True),
    ]  # fmt: skip


def _held(case: Case, session: Session, found: dict[str, Any]) -> None:
    node, frames = _node(case), range(1, FRAMES + 1)
    picture = next(item for item in case.tree.nodes if item.type == "IMAGE")
    held, moved = case.module("plate_input").held_frames, case.module("plate_input").frame_offset
    mapping = case.module("node_document").plate_of_node(case.tree, node).mapping
    found["moved"] = [held(mapping, frames), moved(mapping, frames)]
    picture.frame_duration = 4
    mapping = case.module("node_document").plate_of_node(case.tree, node).mapping
    found["held"] = held(mapping, frames)
    node.node_tree.faceplate.parameters.target = "auto"
    case.scene.frame_end = 5
    operator, context, reports = session.operator("track")
    operator.invoke(context, None)
    _until_done(operator, context)
    found["told"] = reports
    live, labels = case.module("live_update"), []
    live.active, node.label = True, "My face"
    for duration in (4, FRAMES):
        picture.frame_duration = duration
        live.request_update()
        live.tick()
        labels.append(node.label)
    live.active = False
    found["labels"] = labels


def installs(case: Case, ask: dict[str, Any]) -> None:
    """The engine from a wheel of the test's: asked for, installed, cancelled, refused without a network."""
    session, install = Session(case), case.module("engine_install")
    noted: list[str] = []
    install.note_program = noted.append
    found: dict[str, Any] = {"online": bpy.app.online_access}
    operator, context, _ = session.operator("install_engine", package=ask["wheel"])
    found["asked"] = [*sorted(operator.invoke(context, None)), *context.window_manager.calls]
    operator, context, reports = session.operator("install_engine", package="faceplate")
    found["offline"] = [*sorted(operator.execute(context)), *reports]
    for name, package in (("cancelled", ask["wheel"]), ("broken", ask["broken"]), ("installed", ask["wheel"])):
        operator, context, reports = session.operator("install_engine", package=package)
        running = sorted(operator.execute(context))
        folder = install.running.folder
        steps = _until_done(operator, context, (lambda: True) if name == "cancelled" else None)
        found[name] = [*running, *steps, *context.window_manager.calls, *reports]
        found[f"{name} there"] = folder.exists()
    found["noted"] = [Path(python).exists() for python in noted]
    answer(**found)
