"""Registers FaceSwap with Nuke: callbacks in every session, the menu in one with a window."""

from __future__ import annotations

from typing import Callable

import nuke

from faceplate_client import ClientError

from . import actions, names, render_callbacks
from .frame_status import LEDGER, refresh
from .group import create, make_layers
from .live_update import LIVE
from .messages import say
from .node_state import range_of
from .nodes import faceswaps, flag, is_faceswap, text, whole_group
from .sync import adopt, follow_script, separate_copies, sync
from .write_order import offer_order, order_inner_writes

__all__ = ["start", "start_menu"]

_SHOWS_ONLY = frozenset(
    (names.STATUS, names.LICENCES, names.NOTES, names.STATE, names.RENDERING, names.ENGINE_STATE, names.VERSION,
     "tile_color", "label", "selected", "xpos", "ypos")
)  # fmt: skip
"""Knobs that the adapter sets to show something, and those of the node graph."""


def start() -> None:
    """Register the callbacks that sessions and renders need. Called by `init.py`; uses no function of Nuke's window.

    They are registered for every class: a FaceSwap saved as a Gizmo has a class of its own.
    """
    nuke.addOnCreate(_created)
    nuke.addKnobChanged(_knob_changed)
    nuke.addOnScriptLoad(_script_loaded)
    nuke.addOnScriptSave(_script_saving)
    nuke.addBeforeRender(render_callbacks.before_render)
    nuke.addBeforeFrameRender(render_callbacks.before_frame)
    nuke.addAfterFrameRender(render_callbacks.after_frame)
    if nuke.GUI:
        nuke.addAfterRender(render_callbacks.after_render)
        nuke.addUpdateUI(_redrawn)


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
    if node.Class() == "Root" and knob.name() == "frame":
        _frame_changed()
    if not is_faceswap(node):
        return
    group, name = whole_group(node), knob.name()
    if name in ("inputChange", "layers", names.USE_SEARCH, names.SEARCH, names.RESULT, "name"):
        _run_callback(lambda: sync(group))
    if not nuke.GUI or name in _SHOWS_ONLY:
        return
    refresh(group, LEDGER)
    LIVE.follow(group)


def _frame_changed() -> None:
    """Follow the Viewer's frame."""
    if nuke.GUI:
        for group in faceswaps():
            LIVE.follow(group)


def _script_loaded() -> None:
    make_layers()
    for group in faceswaps():
        _run_callback(lambda group=group: sync(group))
        if nuke.GUI:
            refresh(group, LEDGER)
    _run_callback(order_inner_writes)


def _script_saving() -> None:
    _run_callback(separate_copies)
    for group in faceswaps():
        _run_callback(lambda group=group: follow_script(group))
    _run_callback(order_inner_writes)
    _run_callback(offer_order)


def _redrawn() -> None:
    """Look again after Nuke has drawn: upstream nodes, the current frame, files of the track and the source."""
    node = nuke.thisNode()
    if not is_faceswap(node) or nuke.executing():
        return
    group = whole_group(node)
    if not actions.TASKS.busy(text(group, names.ID)):
        _run_callback(separate_copies)
        refresh(group, LEDGER)
    LIVE.follow(group)


def _run_callback(what: Callable[[], object]) -> None:
    """Run a callback's task and show its error, because an exception would stop the script from loading.

    The render callbacks check again and stop a render.
    """
    try:
        what()
    except ClientError as error:
        say(str(error))
