"""Marks in the Viewer's picture: a frame that is not rendered, stale, half size or not checked shows that it is.

    Over ─ Hatch ─ MarkText ─ Marked ─ Output        Marked takes the marked picture while the frame's state is not 0

The state of each frame is a curve in a hidden knob, because Nuke may draw any frame at any time. The marks are for the
Viewer alone: a terminal never shows them, and while a Write renders they are off, because the guard has then checked the
frame or stopped the render.
"""

from __future__ import annotations

from collections.abc import Mapping

import nuke

from . import names

__all__ = ["add_marks", "half_size_switch", "show_states", "state_curve"]

_IN_VIEWER = f"$gui && !parent.{names.RENDERING}"
_BEFORE = -100000
_HATCH = "fmod(x + y, 64) < 10 ? {value} : {channel}"
# A warning colour that no plate has in stripes; alpha 1, so that the stripes also lie over an element.
_STRIPES = (("r", 1.0), ("g", 0.35), ("b", 0.02), ("a", 1.0))

_SHOWN: dict[str, str] = {}
"""The curve that each node was given last, by full name and shot."""


def half_size_switch(result: nuke.Node) -> nuke.Node:
    """Create the Read of half-size previews, and the switch that shows it until the full frame is there."""
    read = nuke.nodes.Read(name=names.PREVIEW_READ, file_type="exr", first=-100000, last=1000000, premultiplied=True)
    read["on_error"].setExpression("$gui")
    size = nuke.nodes.Transform(name="PreviewSize", inputs=[read], scale=2.0)
    size["center"].setValue([0, 0])
    switch = nuke.nodes.Switch(name="Shown", inputs=[result, size])
    switch["which"].setExpression(f"{_IN_VIEWER} && parent.{names.STATE} == {names.HALF_SIZE}")
    return switch


def add_marks(over: nuke.Node, stream: nuke.Node) -> nuke.Node:
    """Create the nodes that mark the picture; `over` is the face over the plate, `stream` the node's whole result."""
    channels = {f"expr{n}": _HATCH.format(value=value, channel=name) for n, (name, value) in enumerate(_STRIPES)}
    hatch = nuke.nodes.Expression(name=names.HATCH, inputs=[over], **channels)
    hatch["disable"].setExpression(f"parent.{names.STATE} == {names.HALF_SIZE}")
    words = " ".join("{" + words + "}" for words in names.STATE_TEXTS)
    text = nuke.nodes.Text2(
        name=names.MARK_TEXT,
        inputs=[hatch],
        message=f"[lindex {{{words}}} [value parent.{names.STATE}]]",
        xjustify="center",
        yjustify="bottom",
    )
    for channel, expression in ((2, "input.width"), (3, "input.height")):
        text["box"].setExpression(expression, channel)
    marked = nuke.nodes.Switch(name="Marked", inputs=[stream, text])
    marked["which"].setExpression(f"{_IN_VIEWER} && parent.{names.SHOW_MARKS} && parent.{names.STATE} > 0")
    return marked


def show_states(group: nuke.Group, states: Mapping[int, int]) -> None:
    """Set the curve of the frames' states, without an undo step; a frame that is not in `states` is not rendered."""
    knob = group.knob(names.STATE)
    if knob is None or not nuke.GUI:
        return  # the node was made before there were marks
    curve = state_curve(states)
    where = f"{group.fullName()} {group[names.ID].value()}"
    if _SHOWN.get(where) == curve and knob.isAnimated():
        return
    nuke.Undo.disable()
    try:
        knob.fromScript(curve)
    finally:
        nuke.Undo.enable()
    _SHOWN[where] = curve


def state_curve(states: Mapping[int, int]) -> str:
    """Return the curve as a script holds it: constant between keys, and `NOT_RENDERED` outside of `states`."""
    keys, last = [(_BEFORE, names.NOT_RENDERED)], names.NOT_RENDERED
    for frame in sorted({0, *states, *(frame + 1 for frame in states)}):
        state = states.get(frame, names.NOT_RENDERED)
        if state != last:
            keys.append((frame, state))
            last = state
    return "{{curve K " + " ".join(f"x{frame} {state}" for frame, state in keys) + "}}"
