"""Registers FaceSwap with Nuke: callbacks in every session, the menu in one with a window."""

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
from .sync import adopt, follow_script, order_renders, separate_copies, sync

__all__ = ["start", "start_menu"]


def start() -> None:
    """Register the callbacks that sessions and renders need. Called by `init.py`; uses no function of Nuke's window."""
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
    """Add the menu, and with it the entries of the tab menu. Called by `menu.py`."""
    menu = nuke.menu("Nodes").addMenu("Faceplate", icon="faceplate.png")
    menu.addCommand("FaceSwap", _create, icon="faceplate.png")
    menu.addCommand("Render all FaceSwaps", _render_all)
    menu.addCommand("Next issue", lambda: _step_issue(1))
    menu.addCommand("Previous issue", lambda: _step_issue(-1))


def _create() -> None:
    """Create a FaceSwap from the menu."""
    try:
        create()
    except ClientError as error:
        say(str(error))


def _render_all() -> None:
    """Render the range of every enabled FaceSwap."""
    for group in faceswaps():
        if not flag(group, "disable"):
            _run_callback(lambda group=group: actions.render(group, range_of(group)))


def _step_issue(step: int) -> None:
    """Step through the issues of the selected FaceSwap, or of the only one."""
    groups, selected = faceswaps(), {node.fullName() for node in nuke.selectedNodes()}
    chosen = [group for group in groups if group.fullName() in selected] or (groups if len(groups) == 1 else [])
    if len(chosen) != 1:
        say("Select one FaceSwap to step through its issues.")
        return
    _run_callback(lambda: actions.step_issue(chosen[0], step))


def _created() -> None:
    node = nuke.thisNode()
    # A Group may be created before its inner nodes; then `separate_copies` handles it later.
    if is_faceswap(node) and whole_group(node).node(names.RESULT_READ) is not None:
        make_layers()
        _run_callback(lambda: adopt(whole_group(node)))


def _knob_changed() -> None:
    node, knob = nuke.thisNode(), nuke.thisKnob()
    if not is_faceswap(node):
        return
    group, name = whole_group(node), knob.name()
    if name in ("inputChange", "layers", names.USE_SEARCH, names.SEARCH, names.RESULT, "name"):
        _run_callback(lambda: sync(group))
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
        _run_callback(lambda: actions.auto_update(group), quiet=True)


def _script_loaded() -> None:
    make_layers()
    for group in faceswaps():
        _run_callback(lambda group=group: sync(group))
        if nuke.GUI:
            refresh(group, LEDGER)
    _run_callback(order_renders)


def _script_saving() -> None:
    _run_callback(separate_copies)
    for group in faceswaps():
        _run_callback(lambda group=group: follow_script(group))
    _run_callback(order_renders)


def _redrawn() -> None:
    node = nuke.thisNode()
    if is_faceswap(node) and not nuke.executing() and not actions.TASKS.busy(text(node, names.ID)):
        _run_callback(separate_copies)
        refresh(whole_group(node), LEDGER)


def _run_callback(what: Callable[[], object], quiet: bool = False) -> None:
    """Run a callback's task and show its error, because an exception would stop the script from loading.

    The render callbacks check again and stop a render.
    """
    try:
        what()
    except ClientError as error:
        if not quiet:
            say(str(error))
