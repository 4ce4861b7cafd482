# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live updates in the window: a change of frame, node or value is rendered in the background, and the viewer follows.

Blender's data is read and written on its main thread only, in a timer. The client's thread waits for the engine. A newer
request of a node replaces the older one, in the engine too.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any

import bpy

from . import compat, connection, frame_requests, node_document, node_group, node_update, plate_input, prerender
from .faceplate_client import Answer, Background, ClientError, Job

__all__ = [
    "Status",
    "active",
    "pause",
    "redraw",
    "register",
    "request_update",
    "reset",
    "resume",
    "show_message",
    "status",
    "tick",
    "unregister",
    "wait",
]

_PERIOD = 0.02
_IDLE_PERIOD = 0.5


@dataclass
class Status:
    """What the panel shows about one node.

    `work` is the `bl_idname` of the long task that runs, with its `progress` 0..1 and `work_text`; `waiting` says that the
    task waits for its thread, and `cancelled` that it shall end.
    """

    text: str = ""
    problem: bool = False
    progress: float | None = None
    work: str = ""
    work_text: str = ""
    cancelled: bool = False
    waiting: bool = False
    asked: tuple[Any, ...] | None = None
    request: frame_requests.Request | None = None
    job: Job | None = None


_statuses: dict[str, Status] = {}
_background = Background(connection.engine)
_changed = False
_paused = False
_messages: list[str] = []
active = False
"""Whether the timer follows changes: in a session with a window, or when a script sets it."""


def status(uid: str) -> Status:
    """Return the status of a node by its shot's id."""
    return _statuses.setdefault(uid, Status())


def request_update() -> None:
    """Note that something may have changed; the next `tick` compares and asks the engine."""
    global _changed
    _changed = True


def pause() -> None:
    """Stop following while Blender renders; the render handler has its frames rendered itself."""
    global _paused
    _paused = True


def resume() -> None:
    """Follow again after a render."""
    global _paused
    _paused = False
    request_update()


def reset() -> None:
    """Forget all requests: another file, or an undo step, has replaced the data that they were read from."""
    for uid in _statuses:
        _background.cancel(uid)
    _statuses.clear()


def show_message(sentence: str) -> None:
    """Show a sentence in the window at the next `tick`. May be called from any thread."""
    _messages.append(sentence)


def tick() -> float:
    """Show what has arrived and ask for what has changed. Returns the seconds to the next call."""
    global _changed
    if _messages:
        _popup(_messages.pop(0))
    if _paused or not active:
        return _IDLE_PERIOD
    scene = compat.current_scene()
    arrived = _show_answers(scene)
    if not _changed:
        return _PERIOD if arrived or any(state.request for state in _statuses.values()) else 2 * _PERIOD
    _changed = False
    if node_group.make_single_user(scene):
        node_update.update_scene(scene)
    for tree, node in list(node_group.face_swap_nodes(scene)):
        _ask(tree, node, scene.frame_current)
    return _PERIOD


def wait(seconds: float) -> bool:
    """Call `tick` until no request is under way. Returns whether that was within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tick()
        if not _changed and not any(state.request for state in _statuses.values()):
            return True
        time.sleep(_PERIOD)
    return False


def _timer() -> float:
    """Run `tick` for Blender, which drops a timer that raises: an error is printed and the timer goes on."""
    try:
        return tick()
    except Exception:
        traceback.print_exc()
        return _IDLE_PERIOD


def _ask(tree: Any, node: Any, frame: int) -> None:
    uid = node.node_tree.faceplate.uid
    state = status(uid)
    if not frame_requests.is_used(node):
        state.text, state.problem = "not linked, or muted", False
        return
    try:
        if frame_requests.shows_take(node, frame):
            state.text, state.problem = f"take {node.node_tree.faceplate.take}", False
            return
        mapping = node_document.plate_of_node(tree, node).mapping
        node_group.show_warning(node, plate_input.held_label(mapping, compat.scene_frames()))
        prerender.check(tree, node, frame)
        request = frame_requests.frame_request(tree, node, frame)
    except ClientError as error:
        state.text, state.problem, state.asked = str(error), True, None
        return
    if state.asked == (request.identity, frame):
        return
    state.asked = (request.identity, frame)
    state.text, state.problem = f"frame {frame} …", False
    state.request = request
    _background.ask(uid, lambda _engine: frame_requests.submit([request], supersede=f"blender-{uid}"))


def _show_answers(scene: Any) -> bool:
    answers = {answer.name: answer for answer in _background.answers() if answer.event is None}
    for _, node in list(node_group.face_swap_nodes(scene)):
        uid = node.node_tree.faceplate.uid
        answer, state = answers.get(uid), status(uid)
        if answer is not None and state.request is not None:
            request, state.request = state.request, None
            _show_answer(state, node, request, answer)
    if answers:
        redraw()
    return bool(answers)


def _show_answer(state: Status, node: Any, request: frame_requests.Request, answer: Answer) -> None:
    try:
        if answer.error is not None:
            raise answer.error
        shown = frame_requests.show_frame(
            node, request.frame, frame_requests.rendered_files(answer.result, [request])[request.frame]
        )
    except ClientError as error:
        if error.code not in ("superseded", "cancelled"):
            state.text, state.problem = str(error), True
        state.asked = None
        return
    if not shown:  # the file was there before this session looked for it
        node_group.reload(node.node_tree)
    node_group.force_update(node)
    state.text, state.problem = f"frame {request.frame} is up to date", False


def redraw() -> None:
    """Redraw all node and image editors."""
    for window in compat.window_manager().windows:
        for area in window.screen.areas:
            if area.type in ("NODE_EDITOR", "IMAGE_EDITOR"):
                area.tag_redraw()


def _popup(sentence: str) -> None:
    manager = compat.window_manager()
    if compat.has_window() and manager.windows:
        manager.popup_menu(lambda menu, _: menu.layout.label(text=sentence), title="Faceplate", icon="ERROR")


def register() -> None:
    """Start following changes in a session with a window."""
    global active
    active = compat.has_window()
    if active:
        bpy.app.timers.register(_timer, first_interval=_PERIOD, persistent=True)
        request_update()


def unregister() -> None:
    """Stop following."""
    global active
    active = False
    if bpy.app.timers.is_registered(_timer):
        bpy.app.timers.unregister(_timer)
    reset()
