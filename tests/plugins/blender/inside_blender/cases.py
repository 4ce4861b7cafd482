"""The cases, each a process of its own: `python cases.py NAME FOLDER`, with what they need in request.json there."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from scene import FRAMES, NEW, Case, answer

bpy: Any = importlib.import_module("bpy")


def sequence(case: Case, ask: dict[str, Any]) -> None:
    """The range, with a keyed parameter; saved; written as a shot file."""
    node = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.key(node, "Feather", (1, 0.02), (FRAMES, 0.3))
    node.inputs["Light"].default_value = 0.5
    case.save()
    case.track(node)
    case.save()
    case.render()
    case.write_shot(node, "shot")
    case.target("bare", ask["size"])
    picture = next(item for item in case.tree.nodes if item.type == "IMAGE")
    case.link(picture.outputs[0], case.output())
    case.render()
    answer(sockets=[socket.name for socket in node.inputs], uid=node.node_tree.faceplate.uid)


def reopened(case: Case, ask: dict[str, Any]) -> None:
    """The saved file in a new process, nothing cached: one frame alone, then others backwards."""
    node = case.open()
    for path in case.module("result_files").node_folder(node.node_tree).rglob("*.exr"):
        path.unlink()
    case.target("again", ask["size"])
    case.render(5)
    alone = sorted(path.name for path in case.folder.glob("again.*"))
    case.render(8, 2, 1)
    answer(alone=alone, uid=node.node_tree.faceplate.uid)


def two_nodes(case: Case, ask: dict[str, Any]) -> None:
    """A copy of a node, laid over the first: a shot of its own, of the same plate."""
    first = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    second = case.tree.nodes.new("CompositorNodeGroup")
    second.node_tree = first.node_tree  # what Shift-D does
    second.name = "Second"
    second.inputs["Mix"].default_value = 0.5
    case.link(first.outputs["Image"], second.inputs["Image"])
    case.link(second.outputs["Image"], case.output())
    case.module("node_group").update_scene_nodes(case.scene)
    second.node_tree.faceplate.source = ask["other"]
    second.inputs["Light"].default_value = 0.0
    case.scene.frame_end = 2
    case.save()
    case.track(first)
    second.node_tree.faceplate.track = first.node_tree.faceplate.track
    case.render()
    for node, name in ((first, "first"), (second, "second")):
        case.write_shot(node, name)
    answer(
        groups=[first.node_tree.name, second.node_tree.name], uids=[n.node_tree.faceplate.uid for n in (first, second)]
    )


def upstream(case: Case, ask: dict[str, Any]) -> None:
    """Nodes before the face swap: rendered once, stale after a change."""
    node = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    gain = case.tree.nodes.new("CompositorNodeExposure")
    picture = next(item for item in case.tree.nodes if item.type == "IMAGE")
    case.link(picture.outputs[0], gain.inputs[0])
    case.link(gain.outputs[0], node.inputs["Image"])
    gain.inputs["Exposure"].default_value = 1.0
    blur = case.tree.nodes.new("CompositorNodeBlur")
    if "Size" in blur.inputs and blur.inputs["Size"].type == "VECTOR":
        blur.inputs["Size"].default_value = (1.0, 1.0)
    else:
        blur.size_x = blur.size_y = 1
    case.link(gain.outputs[0], blur.inputs[0])
    case.link(blur.outputs[0], node.inputs["Image"])
    case.scene.frame_end = 2
    case.save()
    prerender = case.module("prerender")
    reasons = [_stale(prerender, case, node)]
    case.tree.nodes.active = node
    assert bpy.ops.faceplate.render_plate() == {"FINISHED"}
    case.track(node)
    reasons.append(_stale(prerender, case, node))
    node.location.x += 50
    gain.label = "a look"
    reasons.append(_stale(prerender, case, node))
    case.save()
    case.render()
    case.write_shot(node, "shot")
    gain.inputs["Exposure"].default_value = 0.5
    reasons.append(_stale(prerender, case, node))
    case.save("stale.blend")
    answer(reasons=reasons, scenes=len(bpy.data.scenes))


def _stale(prerender: Any, case: Case, node: Any) -> str:
    return prerender.is_stale(case.tree, node, prerender.needed(node), 1)


def stale(case: Case, ask: dict[str, Any]) -> None:
    """The file whose plate is stale: must not render."""
    case.open("stale.blend")
    case.target("stale", ask["size"])
    case.render(1)
    answer(rendered=True)


def hold_out(case: Case, ask: dict[str, Any]) -> None:
    """A hold-out matte from a picture, and the same in the shot file."""
    node = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    matte = case.picture(ask["matte"], "Non-Color")
    case.link(matte.outputs[0], node.inputs["Hold-out"])
    case.scene.frame_end = 1
    case.save()
    case.track(node)
    case.render()
    case.write_shot(node, "shot")
    answer()


def colour(case: Case, ask: dict[str, Any]) -> None:
    """An ACEScg plate in Blender's own working space, or the one that was asked for, or a studio's configuration."""
    space = ask["space"]
    if ask.get("working"):
        case.empty_tree()
        bpy.ops.wm.set_working_color_space(working_space=ask["working"])
    node = case.build(ask["plate"], ask["source"], space)
    case.target("out", ask["size"])
    case.scene.frame_end = 1
    case.save()
    case.track(node)
    case.render()
    case.write_shot(node, "shot")
    element = node.node_tree.nodes["Element"].image.colorspace_settings.name
    answer(element=element, working=case.module("compat").working_space())


def no_engine(case: Case, ask: dict[str, Any]) -> None:
    """No engine to be found."""
    case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.save()
    case.render()
    answer(rendered=True)


def killed(case: Case, ask: dict[str, Any]) -> None:
    """The engine dies (kill -9) after the second frame; with `gone` it cannot be started again."""
    case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.scene.frame_end = 4
    case.save()

    def kill(scene: Any, *_: Any) -> None:
        if scene.frame_current != 2:
            return
        state = next(Path(os.environ["FACEPLATE_RUN"]).glob("engine-*.json"))
        os.kill(json.loads(state.read_text())["pid"], signal.SIGKILL)
        if ask.get("gone"):
            os.environ["FACEPLATE_ENGINE"] = "/nowhere/python"

    bpy.app.handlers.render_write.append(kill)
    case.render()
    answer(rendered=True)


def hole(case: Case, ask: dict[str, Any]) -> None:
    """A plate without its third frame."""
    case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.save()
    case.render()
    answer(rendered=True)


def baked(case: Case, ask: dict[str, Any]) -> None:
    """Two frames baked; the third is not."""
    node = case.build(ask["plate"], ask["source"])
    case.target("with", ask["size"])
    case.scene.frame_end = 2
    case.save()
    case.tree.nodes.active = node
    assert bpy.ops.faceplate.bake() == {"FINISHED"}
    case.render()
    case.save()
    answer()


def without_addon(case: Case, ask: dict[str, Any]) -> None:
    """The same file where the extension is not installed."""
    case.open()
    case.target("without", ask["size"])
    case.scene.frame_end = 3
    case.render()
    answer(addon=hasattr(bpy.ops.faceplate, "add") and "faceplate" in dir(bpy.ops))


def at_work(case: Case, ask: dict[str, Any]) -> None:
    """What a person does at the window: live updates, values of all kinds, undo, takes, track, relink."""
    node = case.build(ask["plate"], ask["source"])
    case.target("out", ask["size"])
    case.scene.frame_end = 2
    case.save()
    case.tree.nodes.active = node
    live, results = case.module("live_update"), case.module("result_files")
    animation = case.module("animation")
    folder = results.node_folder(node.node_tree)
    found: dict[str, Any] = {}

    # Live: the frame arrives in the background; the latest value wins.
    live.active = True
    case.scene.frame_set(1)
    for value in (0.1, 0.2, 0.3):
        node.inputs["Feather"].default_value = value
        live.request_update()
        live.tick()
    began = time.monotonic()
    found["live"] = live.wait(100) and results.present_path(folder, 1).exists()
    found["not blocked"] = began > 0
    found["status"] = live.status(node.node_tree.faceplate.uid).text
    before = results.result_path(folder, 1).read_bytes()
    node.inputs["Feather"].default_value = 0.05
    live.request_update()
    found["changed"] = live.wait(100) and results.result_path(folder, 1).read_bytes() != before
    node.node_tree.faceplate.source = "/nowhere"
    live.request_update()
    live.wait(100)
    found["problem"] = live.status(node.node_tree.faceplate.uid).text
    node.node_tree.faceplate.source = ask["source"]
    live.active = False

    # Values: a curve, a driver, a linked Value node, and what cannot be read.
    case.key(node, "Erode", (1, 0.0), (3, 0.2))
    found["curve"] = animation.socket_value(case.tree, node.inputs["Erode"], 2)
    driver = node.inputs["Grain"].driver_add("default_value").driver
    driver.expression = "frame / 4"
    found["driver"] = animation.socket_value(case.tree, node.inputs["Grain"], 2)
    number = case.tree.nodes.new(
        "ShaderNodeValue"
        if hasattr(bpy.types, "CompositorNodeLevels") and not hasattr(bpy.types, "CompositorNodeValue")
        else "CompositorNodeValue"
    )
    number.outputs[0].default_value = 0.25
    case.link(number.outputs[0], node.inputs["Forehead"])
    found["linked"] = animation.socket_value(case.tree, node.inputs["Forehead"], 2)
    picture = next(item for item in case.tree.nodes if item.type == "IMAGE")
    case.link(picture.outputs[0], node.inputs["Shape"])
    try:
        animation.socket_value(case.tree, node.inputs["Shape"], 2)
    except case.module("faceplate_client").HostError as error:
        found["refused"] = error.code
    for name in ("Forehead", "Shape"):
        case.tree.links.remove(node.inputs[name].links[0])

    # Track, bake, take, another take's frames, back to live.
    assert bpy.ops.faceplate.track() == {"FINISHED"}
    found["track"] = Path(bpy.path.abspath(node.node_tree.faceplate.track)).is_file()
    assert bpy.ops.faceplate.bake() == {"FINISHED"}
    assert bpy.ops.faceplate.take(note="first") == {"FINISHED"}
    assert bpy.ops.faceplate.show_take(number=1) == {"FINISHED"}
    found["take"] = bpy.path.abspath(node.node_tree.nodes["Element"].image.filepath)
    case.render(1)
    assert bpy.ops.faceplate.show_take(number=0) == {"FINISHED"}
    assert bpy.ops.faceplate.relink() == {"FINISHED"}
    found["engine"] = case.module("connection").status.text
    found["people"] = [person["id"] for person in case.module("connection").shot_info(node.node_tree)["people"]]

    found["views"] = _view_plan(case, node)

    # Undo takes the node away, redo brings it back with its shot.
    uid = node.node_tree.faceplate.uid
    bpy.ops.ed.undo_push(message="before")
    node.inputs["Light"].default_value = 0.125
    node.node_tree.faceplate.parameters.generator = "null"
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    node = next(item for item in case.tree.nodes if item.type == "GROUP")
    found["undone"] = [node.inputs["Light"].default_value, node.node_tree.faceplate.parameters.generator]
    bpy.ops.ed.redo()
    node = next(item for item in case.tree.nodes if item.type == "GROUP")
    found["redone"] = [node.inputs["Light"].default_value, node.node_tree.faceplate.parameters.generator]
    found["same shot"] = node.node_tree.faceplate.uid == uid
    answer(**found)


class _Layout:
    """A layout that keeps what is drawn into it."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def label(self, text: str, icon: str) -> None:
        self.drawn.append(text)

    def operator(self, name: str, **_: Any) -> None:
        self.drawn.append(name)

    def row(self, **_: Any) -> _Layout:
        return self


def _view_plan(case: Case, node: Any) -> dict[str, Any]:
    """The view plan as the panel shows it: before it is asked for, planned, pinned, and unpinned."""
    views, connection = case.module("view_operators"), case.module("connection")
    parameters = node.node_tree.faceplate.parameters

    def drawn() -> list[str]:
        layout = _Layout()
        views.draw(layout, bpy.context, node)
        return layout.drawn

    case.scene.frame_set(1)
    found: dict[str, Any] = {"unknown": drawn()}
    assert bpy.ops.faceplate.views() == {"FINISHED"}
    face = connection.views(node.node_tree)[0]
    leader = face["lane"][0]["view"]
    other = next(name for name in face["names"] if name != leader)
    found["planned"], found["leader"], found["other"] = drawn(), leader, other
    assert bpy.ops.faceplate.pin_view(view=other, first=1001, last=1001) == {"FINISHED"}
    found["pinned"], found["pins"] = drawn(), parameters.pins
    assert bpy.ops.faceplate.unpin_view() == {"FINISHED"}
    found["left"] = parameters.pins
    try:
        bpy.ops.faceplate.unpin_view()
    except RuntimeError as error:  # an operator's error report
        found["refused"] = str(error)
    return found


def former_names(case: Case, ask: dict[str, Any]) -> None:
    """A file of version 0.1, whose node holds values under former parameter names."""
    node = case.build(ask["plate"], ask["source"])
    held = node.node_tree.faceplate.parameters
    stored = held.bl_system_properties_get(do_create=True) if NEW else held
    stored["keep"], stored["garbage"] = "eyes", "//garbage.####.exr"
    case.save()
    node = case.open()
    case.module("node_update").update_scene(case.scene)
    held = node.node_tree.faceplate.parameters
    answer(values=[held.keep_regions, held.garbage_matte, held.holdout_matte])


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    request = json.loads((Path(folder) / "request.json").read_text())
    found = globals().get(name) or getattr(importlib.import_module("window_cases"), name)
    found(Case(folder), request)
