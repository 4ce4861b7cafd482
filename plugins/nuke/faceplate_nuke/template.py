"""Nodes for people who do not want a node that renders: a comp of the element, and a reader of finished frames."""

from __future__ import annotations

import os
import pathlib
import tempfile

import nuke

from faceplate_client import HostError, frames_on_disk

from . import names
from .node_state import result_of
from .nodes import inner, text

__all__ = ["comp_template", "create_take", "select_none"]

_TAKE = pathlib.Path(__file__).resolve().parents[1] / "FaceplateTake.gizmo"
_STEP = 40


def comp_template(group: nuke.Group) -> nuke.Node:
    """Create the comp of the element: grade and grain over the plate, the matte, and paint through the face.

    What is painted on the square lies on the face's own map (layer `stmap`) and moves with it. Returns the last merge.
    """
    group[names.RESULT_MODE].setValue(names.RESULT_MODES[1])
    _with_layers(group, "matte", "stmap")
    plate = group.input(names.PLATE_INPUT)
    select_none()
    element = _element(group)
    paint = _paint(group)
    painted = nuke.nodes.Merge2(inputs=[element[-1], paint[-1]], operation="over", bbox="B", label="paint over element")
    merge = nuke.nodes.Merge2(inputs=[plate, painted], operation="over", bbox="B", label="face over plate")
    matte = nuke.nodes.Copy(inputs=[group, group], from0="faceplate_matte.alpha", to0="rgba.alpha", label="matte")
    for column, nodes in ((0, [*element, painted, merge]), (160, paint), (-160, [matte])):
        for place, node in enumerate(nodes):
            node.setXYpos(group.xpos() + column, group.ypos() + _STEP * (place + 2))
    return merge


def _element(group: nuke.Group) -> list[nuke.Node]:
    unpremult = nuke.nodes.Unpremult(inputs=[group], label="element")
    grade = nuke.nodes.Grade(inputs=[unpremult], label="match by hand", black_clamp=False)
    premult = nuke.nodes.Premult(inputs=[grade])
    grain = nuke.nodes.Grain2(inputs=[premult], label="extra grain; the engine has matched the plate's", disable=True)
    return [unpremult, grade, premult, grain]


def _paint(group: nuke.Group) -> list[nuke.Node]:
    square = nuke.nodes.Constant(channels="rgba", format="square_1K", label="the face's own map")
    paint = nuke.nodes.RotoPaint(inputs=[square], label="paint here")
    placed = nuke.nodes.STMap(inputs=[paint, group], uv="faceplate_st", label="onto the face")
    masked = nuke.nodes.Merge2(inputs=[placed, group], operation="mask", bbox="B", label="inside the matte")
    return [square, paint, placed, masked]


def _with_layers(group: nuke.Group, *wanted: str) -> None:
    """Ask for layers beside those that the node asks for already."""
    there = [word.strip() for word in text(group, "layers").split(",") if word.strip()]
    missing = [layer for layer in wanted if layer not in there]
    if "all" not in there and missing:
        group["layers"].setValue(", ".join([*there, *missing]))


def create_take(group: nuke.Group) -> nuke.Node:
    """Create a group that reads the node's finished frames; it needs no plug-in. Raises HostError `no-frames`.

    It is the file `FaceplateTake.gizmo` as a plain Group, which a script carries to any machine.
    """
    pattern = result_of(group)
    if not os.path.isdir(os.path.dirname(pattern)) or not frames_on_disk(pattern):
        raise HostError("no-frames", f"No frame of {group.name()} is rendered; press Render range first.")
    select_none()
    before = set(nuke.allNodes())
    handle, path = tempfile.mkstemp(suffix=".nk")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(_TAKE.read_text("utf-8").replace("\nGizmo {", "\nGroup {", 1))
        nuke.nodePaste(path)
    finally:
        os.remove(path)
    take = next(node for node in nuke.allNodes("Group") if node not in before)
    take["file"].setValue(pattern)
    take["raw"].setValue(bool(inner(group, names.RESULT_READ)["raw"].value()))
    take.setInput(0, group.input(names.PLATE_INPUT))
    take.setXYpos(group.xpos() + 160, group.ypos())
    return take


def select_none() -> None:
    """Deselect all nodes, so that new ones are connected to nothing."""
    for node in nuke.selectedNodes():
        node.setSelected(False)
