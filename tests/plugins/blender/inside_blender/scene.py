"""What the cases inside Blender share: a scene with a plate and a face swap node, rendered to EXR."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

bpy: Any = importlib.import_module("bpy")


FIRST, FRAMES = 1001, 8
NEW = bpy.app.version >= (5, 0, 0)
EFFECTS = bpy.app.version >= (5, 3, 0)

__all__ = ["FIRST", "FRAMES", "Case", "answer"]


def answer(**values: Any) -> None:
    """The case's result, for the test; ends the process, as Blender hangs at its end with handlers registered."""
    print("ANSWER " + json.dumps(values), flush=True)
    os._exit(0)


class Case:
    """One test's folder, plate and scene. The plate's frame 1001 is the scene's frame 1."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        # A use of Blender's interface that will be removed fails the case, where the extension or a case makes it.
        for name in ("bl_ext.user_default.faceplate", "scene", "__main__"):
            warnings.filterwarnings("error", module=re.escape(name))
        if bpy.app.version >= (4, 3, 0):
            bpy.ops.wm.read_userpref()
        elif (Path(bpy.utils.user_resource("EXTENSIONS")) / "user_default" / "faceplate").is_dir():
            # The module of 4.2 crashes when it reads preferences.
            bpy.ops.preferences.addon_enable(module="bl_ext.user_default.faceplate")
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)

    @property
    def scene(self) -> Any:
        return bpy.context.scene

    @property
    def tree(self) -> Any:
        if EFFECTS:
            effect = self.scene.compositor_effects.active
            return effect.node_group if effect else None
        return self.scene.compositing_node_group if NEW else self.scene.node_tree

    def build(self, plate: str, source: str, space: str = "Linear Rec.709") -> Any:
        """Plate → face swap → output. Returns the node."""
        self.empty_tree()
        image = self.picture(plate, space)
        self.tree.nodes.active = image
        self.link(image.outputs[0], self.output())
        assert bpy.ops.faceplate.add() == {"FINISHED"}
        node = self.tree.nodes.active
        node.node_tree.faceplate.source = source
        self.scene.frame_start, self.scene.frame_end = 1, FRAMES
        return node

    def empty_tree(self) -> None:
        if NEW:
            tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
            if EFFECTS:
                self.scene.compositor_effects.new("Compositing").node_group = tree
            else:
                self.scene.compositing_node_group = tree
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            tree.nodes.new("NodeGroupOutput")
        else:
            self.scene.use_nodes = True
            self.tree.nodes.clear()
            self.tree.nodes.new("CompositorNodeComposite")

    def output(self) -> Any:
        kind = "GROUP_OUTPUT" if NEW else "COMPOSITE"
        return next(node for node in self.tree.nodes if node.type == kind).inputs[0]

    def picture(self, first: str, space: str = "Linear Rec.709") -> Any:
        """An Image node with a sequence whose frame 1001 shows at the scene's frame 1."""
        image = bpy.data.images.load(first)
        image.source = "SEQUENCE"
        image.colorspace_settings.name = space
        node = self.tree.nodes.new("CompositorNodeImage")
        node.image = image
        node.frame_start, node.frame_duration, node.frame_offset = 1, FRAMES, FIRST - 1
        return node

    def link(self, made: Any, taken: Any) -> None:
        self.tree.links.new(made, taken)

    def key(self, node: Any, label: str, *pairs: tuple[int, float]) -> None:
        for frame, value in pairs:
            node.inputs[label].default_value = value
            node.inputs[label].keyframe_insert("default_value", frame=frame)

    def target(self, name: str, size: tuple[int, int]) -> None:
        """Half-float EXR of the plate's size, to `name`.####.exr in the case's folder."""
        render = self.scene.render
        render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
        if NEW:
            render.image_settings.media_type = "IMAGE"
        render.image_settings.file_format = "OPEN_EXR"
        render.image_settings.color_mode, render.image_settings.color_depth = "RGBA", "16"
        render.image_settings.exr_codec = "ZIP"
        render.filepath = str(self.folder / f"{name}.####.exr")

    def render(self, *frames: int) -> None:
        """The whole range, as `blender -a`, or single frames, each as `blender -f`."""
        if not frames:
            bpy.ops.render.render(animation=True)
        before = self.scene.render.filepath
        for frame in frames:
            self.scene.frame_set(frame)
            self.scene.render.filepath = before.replace("####", f"{frame:04d}")
            bpy.ops.render.render(write_still=True)
        self.scene.render.filepath = before

    def save(self, name: str = "shot.blend") -> None:
        bpy.ops.wm.save_as_mainfile(filepath=str(self.folder / name))

    def open(self, name: str = "shot.blend") -> Any:
        """Opens a saved file; returns its first face swap node."""
        bpy.ops.wm.open_mainfile(filepath=str(self.folder / name))
        return next(node for node in self.tree.nodes if node.type == "GROUP")

    def track(self, node: Any) -> None:
        """The faces of the range, as `faceplate render` follows them when it is given no track."""
        self.tree.nodes.active = node
        assert bpy.ops.faceplate.track() == {"FINISHED"}

    def write_shot(self, node: Any, name: str) -> None:
        self.tree.nodes.active = node
        path = str(self.folder / f"{name}.shot.json")
        assert bpy.ops.faceplate.write_shot(filepath=path) == {"FINISHED"}

    @staticmethod
    def module(name: str) -> Any:
        """A module of the extension."""
        return sys.modules[f"bl_ext.user_default.faceplate.{name}"]
