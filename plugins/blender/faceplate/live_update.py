"""In the window: a change of frame, node or value asks the engine in the background, and the viewer follows.

Blender's data is read and written on its main thread alone, in a timer; the client's thread waits for the engine. Latest
wins: a newer request of a node replaces the older one, in the engine too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import bpy

from . import connection, frame_requests, node_group, node_update, prerender
from .faceplate_client import Background

__all__ = [
    "Status",
    "active",
    "forget",
    "mark",
    "pause",
    "redraw",
    "register",
    "resume",
    "say",
    "status",
    "tick",
    "unregister",
    "wait",
]

_PERIOD = 0.05
_LONGEST = 0.5


@dataclass
class Status:
    """What the panel says of one node."""

    text: str = ""
    problem: bool = False
    progress: float | None = None
    asked: tuple[Any, ...] | None = None
    request: frame_requests.Request | None = None
    job: Any = None


_statuses: dict[str, Status] = {}
_background = Background(connection.reached)
_marked = False
_paused = False
_said: list[str] = []
active = False
"""Whether the timer follows changes: with a window, or when a script asks for it."""


def status(uid: str) -> Status:
    """The status of a node by its shot's id."""
    return _statuses.setdefault(uid, Status())


def mark() -> None:
    """Something may have changed."""
    global _marked
    _marked = True


def pause() -> None:
    """A render begins: it has its frames computed by itself."""
    global _paused
    _paused = True


def resume() -> None:
    """The render is over."""
    global _paused
    _paused = False
    mark()


def forget() -> None:
    """Another file, or another state of it: nothing that was asked for holds any more."""
    for uid in _statuses:
        _background.cancel(uid)
    _statuses.clear()


def say(sentence: str) -> None:
    """Shows a sentence as soon as the main thread can."""
    _said.append(sentence)


def tick() -> float:
    """Called by Blender's timer: shows what has come, asks for what has changed. Returns seconds to the next call."""
    global _marked
    if _said:
        _popup(_said.pop(0))
    if _paused or not active:
        return _LONGEST
    scene = bpy.context.scene
    came = _show(scene)
    if not _marked:
        return _PERIOD if came or any(state.request for state in _statuses.values()) else 2 * _PERIOD
    _marked = False
    if node_group.separate(scene):
        node_update.scene(scene)
    for tree, ours in list(node_group.nodes(scene)):
        _ask(tree, ours, scene.frame_current)
    return _PERIOD


def wait(seconds: float) -> bool:
    """Turns the timer by hand until nothing is under way. Returns whether that was in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tick()
        if not _marked and not any(state.request for state in _statuses.values()):
            return True
        time.sleep(_PERIOD)
    return False


def _ask(tree: Any, ours: Any, frame: int) -> None:
    uid = ours.node_tree.faceplate.uid
    state = status(uid)
    if not frame_requests.used(tree, ours):
        state.text, state.problem = "not linked, or muted", False
        return
    try:
        if frame_requests.in_takes(ours, frame):
            state.text, state.problem = f"take {ours.node_tree.faceplate.take}", False
            return
        prerender.check(tree, ours, frame)
        request = frame_requests.prepared(tree, ours, frame)
    except connection.EngineError as error:
        state.text, state.problem, state.asked = str(error), True, None
        return
    if state.asked == (request.identity, frame):
        return
    state.asked = (request.identity, frame)
    state.text, state.problem = f"frame {frame} …", False
    state.request = request
    _background.ask(uid, lambda _engine: frame_requests.asked_for([request], supersede=f"blender-{uid}"))


def _show(scene: Any) -> bool:
    answers = {answer.name: answer for answer in _background.answers() if answer.event is None}
    for _, ours in list(node_group.nodes(scene)):
        uid = ours.node_tree.faceplate.uid
        answer, state = answers.get(uid), status(uid)
        if answer is not None and state.request is not None:
            request, state.request = state.request, None
            _take_in(state, ours, request, answer)
    if answers:
        redraw()
    return bool(answers)


def _take_in(state: Status, ours: Any, request: frame_requests.Request, answer: Any) -> None:
    try:
        if answer.error is not None:
            raise answer.error
        frame_requests.shown(ours, request.frame, frame_requests.files(answer.result, [request])[request.frame])
    except connection.EngineError as error:
        if error.code not in ("superseded", "cancelled"):
            state.text, state.problem = str(error), True
        state.asked = None
        return
    node_group.reload(ours.node_tree)
    node_group.poke(ours)
    state.text, state.problem = f"frame {request.frame} is up to date", False


def redraw() -> None:
    """Has node and image editors draw again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("NODE_EDITOR", "IMAGE_EDITOR"):
                area.tagredraw()


def _popup(sentence: str) -> None:
    manager = bpy.context.window_manager
    if not bpy.app.background and manager.windows:
        manager.popup_menu(lambda menu, _: menu.layout.label(text=sentence), title="Faceplate", icon="ERROR")


def register() -> None:
    """Follows changes where there is a window."""
    global active
    active = not bpy.app.background
    if active:
        bpy.app.timers.register(tick, first_interval=_PERIOD, persistent=True)
        mark()


def unregister() -> None:
    """Stops following."""
    global active
    active = False
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    forget()
