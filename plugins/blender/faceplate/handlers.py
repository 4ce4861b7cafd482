"""Blender's own events: files opened and saved, frames about to render.

In a render of compositing nodes alone the order is render_init, then for each frame render_pre, compositing,
render_write. An error in a handler does not stop Blender: without a window the process must end itself, or a farm would
take the frame for finished.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import connection, frame_requests, live_update, node_group, node_update, prerender, result_files
from .failure import NodeError

__all__ = ["EXIT_CODE", "ensure", "register", "unregister"]

EXIT_CODE = 1
rendering_aside = False
"""True while the plate before a node is rendered, which needs no face."""


@persistent
def _render_init(scene: Any, *_: Any) -> None:
    live_update.pause()
    if not rendering_aside:
        node_update.scene(scene)


@persistent
def _render_pre(scene: Any, *_: Any) -> None:
    if rendering_aside:
        return
    try:
        ensure(scene, scene.frame_current)
    except connection.EngineError as error:
        _fail(scene, error)
    except Exception as error:  # a fault of ours must not let the frame through either
        _fail(scene, NodeError("internal", f"{type(error).__name__}: {error}"))


@persistent
def _render_done(scene: Any, *_: Any) -> None:
    live_update.resume()


@persistent
def _load_post(*_: Any) -> None:
    live_update.forget()
    for scene in bpy.data.scenes:
        node_update.scene(scene)
    live_update.mark()


@persistent
def _save_post(*_: Any) -> None:
    for scene in bpy.data.scenes:
        for _, ours in node_group.nodes(scene):
            node_group.place(ours.node_tree)
    live_update.mark()


@persistent
def _changed(*_: Any) -> None:
    live_update.mark()


@persistent
def _undone(*_: Any) -> None:
    live_update.forget()
    live_update.mark()


def ensure(scene: Any, frame: int) -> None:
    """Every face swap node of the scene has its picture of `frame`. Raises `EngineError` naming the first that has not."""
    inside = node_group.nested(scene)
    if inside:
        raise NodeError(
            "nested-node", f"A face swap node lies inside the group '{inside[0]}': move it to the scene's own nodes."
        )
    for tree, ours in list(node_group.nodes(scene)):
        if not frame_requests.used(tree, ours) or frame_requests.in_takes(ours, frame):
            continue
        node_update.check(scene, tree, ours)
        try:
            prerender.check(tree, ours, frame)
            file = frame_requests.computed(frame_requests.prepared(tree, ours, frame))
        except connection.EngineError:
            result_files.discard(result_files.folder_of(ours.node_tree), frame)
            raise
        frame_requests.shown(ours, frame, file)


def _fail(scene: Any, error: connection.EngineError) -> None:
    sentence = f"Error: Faceplate: frame {scene.frame_current}: {error} [{error.code}]"
    sys.stdout.flush()
    print(sentence, file=sys.stderr, flush=True)
    if bpy.app.background:
        os._exit(EXIT_CODE)
    live_update.say(sentence)


_HANDLERS = {
    "render_init": _render_init,
    "render_pre": _render_pre,
    "render_complete": _render_done,
    "render_cancel": _render_done,
    "load_post": _load_post,
    "save_post": _save_post,
    "frame_change_post": _changed,
    "depsgraph_update_post": _changed,
    "undo_post": _undone,
    "redo_post": _undone,
}


def register() -> None:
    """Hangs the handlers up, and brings the open file up to date once Blender allows it."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Takes them down: some versions hang at their end while one is still there."""
    for name, handler in _HANDLERS.items():
        held = getattr(bpy.app.handlers, name)
        if handler in held:
            held.remove(handler)
    connection.close()
