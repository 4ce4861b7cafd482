"""Builds the FaceSwap group: inputs, inner nodes and knobs.

    plate ─ PlateCrop ─ PlateOut            written only when the engine cannot read the plate itself
    matte ─ MatteToRed ─ MatteOut           written only when something is connected
    Result ─ ResultRange ─ over plate ─ layers ─ marks ─ Output

The pixels come from `Result`, a Read of the files that the engine writes.
"""

from __future__ import annotations

import nuke

from faceplate_client import new_id

from . import names
from .knobs import add_knobs
from .marks import add_marks, half_size_switch
from .nodes import script_identity, whole_group

__all__ = ["ON_CREATE", "create", "make_layers"]

ON_CREATE = """\
try:
    import faceplate_nuke
except ImportError:
    nuke.thisNode()["file"].setValue("Faceplate is not installed on this machine.####.exr")
"""
"""The callback of the inner Read. On a machine without the plug-in it makes a render fail, because nothing there can check
whether the frames are current."""


def create() -> nuke.Group:
    """Create a FaceSwap behind the selected node, as the menu does."""
    from .sync import sync

    nuke.Undo.begin("Create FaceSwap")
    try:
        chosen = nuke.selectedNodes()
        group = whole_group(nuke.createNode("Group", inpanel=False))
        group.setName("FaceSwap1", uncollide=True)
        make_layers()
        add_knobs(group)
        group[names.ID].setValue(new_id())
        group[names.SCRIPT].setValue(script_identity())
        _fill(group)
        # An empty Group accepts no input, so createNode has connected nothing.
        if chosen:
            group.setInput(names.PLATE_INPUT, chosen[0])
        group["label"].setValue(f"[value {names.STATUS}]")
        sync(group)
    finally:
        nuke.Undo.end()
    if nuke.GUI:
        group.showControlPanel()
    return group


def make_layers() -> None:
    """Create the layers that FaceSwap outputs, if the script lacks them."""
    known = set(nuke.layers())
    for _, layer, channels in names.LAYERS:
        if layer not in known:
            nuke.Layer(layer, [f"{layer}.{channel}" for _, channel in channels])


def _fill(group: nuke.Group) -> None:
    with group:
        inputs = [nuke.nodes.Input(name=name, number=number) for number, name in enumerate(names.INPUTS)]
        _outward(inputs)
        plate = inputs[names.PLATE_INPUT]
        result = half_size_switch(_result())
        over, stream = _over(plate, result)
        for layer, target, channels in names.LAYERS:
            copied = {"from0": "none", "to0": "none"}
            for number, (source, channel) in enumerate(channels):
                copied[f"from{number}"] = source
                copied[f"to{number}"] = f"{target}.{channel}"
            stream = nuke.nodes.Copy(name="Layer_" + layer, inputs=[stream, result], disable=layer != "matte", **copied)
        nuke.nodes.Output(name="Output1", inputs=[add_marks(over, stream)])


def _outward(inputs: list[nuke.Node]) -> None:
    """Create the inner Writes, which render what the engine cannot read itself."""
    crop = nuke.nodes.Crop(
        name=names.PLATE_CROP, inputs=[inputs[names.PLATE_INPUT]], reformat=False, crop=True, disable=True
    )
    red = nuke.nodes.Expression(name="MatteToRed", inputs=[inputs[names.MATTE_INPUT]], expr0="a")
    for name, source in ((names.PLATE_OUT, crop), (names.MATTE_OUT, red)):
        write = nuke.nodes.Write(
            name=name,
            inputs=[source],
            file_type="exr",
            channels="rgb",
            raw=True,
            create_directories=True,
            disable=True,
        )
        # A knob of EXR only; it exists once the file type is set.
        write["datatype"].setValue("32 bit float")


def _result() -> nuke.Node:
    """Create the Read of the engine's frames.

    A missing frame is black in a session, where the marks lie over the plate, and an error in a render.
    """
    read = nuke.nodes.Read(name=names.RESULT_READ, file_type="exr", first=-100000, last=1000000, premultiplied=True)
    read["on_error"].setExpression("$gui")
    read["onCreate"].setValue(ON_CREATE)
    span = nuke.nodes.FrameRange(name="ResultRange", inputs=[read])
    span["first_frame"].setExpression("root.first_frame")
    span["last_frame"].setExpression("root.last_frame")
    return span


def _over(plate: nuke.Node, result: nuke.Node) -> tuple[nuke.Node, nuke.Node]:
    """Create the merge and the switch between it and the element alone; return both."""
    merged = nuke.nodes.Merge2(name="Over", inputs=[plate, result], operation="over", bbox="B")
    switch = nuke.nodes.Switch(name="ResultMode", inputs=[merged, result])
    switch["which"].setExpression(f"parent.{names.RESULT_MODE}")
    return merged, switch
