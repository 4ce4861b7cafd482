"""Hooks FaceSwap into Nuke: callbacks for every kind of session, the menu for one with a window."""

from __future__ import annotations

from typing import Callable

import nuke

from faceplate_client import ClientError

from . import actions, knobs, names, render_callbacks
from .frame_status import LEDGER, refresh
from .group import create, make_layers
from .messages import say
from .node_state import range_of
from .nodes import faceswaps, flag, is_faceswap, text, whole_group
from .sync import adopt, follow_script, order_renders, part_twins, sync

__all__ = ["start", "start_menu"]


def start() -> None:
    """What `init.py` calls: everything that a render needs. Calls no function of Nuke's window."""
    nuke.addOnCreate(_created, nodeClass="Group")
    nuke.addKnobChanged(_knob_changed, nodeClass="Group")
    nuke.addOnScriptLoad(_script_loaded)
    nuke.addOnScriptSave(_script_saving)
    nuke.addBeforeRender(render_callbacks.before_render)
    nuke.addBeforeFrameRender(render_callbacks.before_frame)
    nuke.addAfterFrameRender(render_callbacks.after_frame)
    if nuke.GUI:
        nuke.addAfterRender(render_callbacks.after_render)
        nuke.addUpdateUI(_redrawn, nodeClass="Group")


def start_menu() -> None:
    """What `menu.py` calls: the menu, and with it the tab menu, which lists what the Nodes menu holds."""
    menu = nuke.menu("Nodes").addMenu("Faceplate", icon="faceplate.png")
    menu.addCommand("FaceSwap", _create, icon="faceplate.png")
    menu.addCommand("Render all FaceSwaps", _render_all)


def _create() -> None:
    """The menu's FaceSwap."""
    try:
        create()
    except ClientError as error:
        say(str(error))


def _render_all() -> None:
    """Render range of every FaceSwap that is switched on."""
    for group in faceswaps():
        if not flag(group, "disable"):
            _tried(lambda group=group: actions.render(group, range_of(group)))


def _created() -> None:
    node = nuke.thisNode()
    # A Group may come before its inside; then `part_twins` sees to it when all is there.
    if is_faceswap(node) and whole_group(node).node(names.RESULT_READ) is not None:
        make_layers()
        _tried(lambda: adopt(whole_group(node)))


def _knob_changed() -> None:
    node, knob = nuke.thisNode(), nuke.thisKnob()
    if not is_faceswap(node):
        return
    group, name = whole_group(node), knob.name()
    if name in ("inputChange", "layers", names.USE_SEARCH, names.SEARCH, names.RESULT, "name"):
        _tried(lambda: sync(group))
    if not nuke.GUI or name in (
        names.STATUS,
        names.LICENCES,
        names.NOTES,
        "tile_color",
        "label",
        "selected",
        "xpos",
        "ypos",
    ):
        return
    refresh(group, LEDGER)
    if flag(group, names.AUTO) and name in knobs.parameter_names(True) + knobs.parameter_names(False):
        _tried(lambda: actions.auto_update(group), quiet=True)


def _script_loaded() -> None:
    make_layers()
    for group in faceswaps():
        _tried(lambda group=group: sync(group))
        if nuke.GUI:
            refresh(group, LEDGER)
    _tried(order_renders)


def _script_saving() -> None:
    _tried(part_twins)
    for group in faceswaps():
        _tried(lambda group=group: follow_script(group))
    _tried(order_renders)


def _redrawn() -> None:
    node = nuke.thisNode()
    if is_faceswap(node) and not nuke.executing() and not actions.TASKS.busy(text(node, names.ID)):
        _tried(part_twins)
        refresh(whole_group(node), LEDGER)


def _tried(what: Callable[[], object], quiet: bool = False) -> None:
    """A callback must not stop a script from loading: what is refused is said, and the render's guard refuses again."""
    try:
        what()
    except ClientError as error:
        if not quiet:
            say(str(error))
