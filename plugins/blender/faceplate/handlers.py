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

from . import engine, frames, live, node, prerender, results, settle
from .failure import NodeError

__all__ = ["EXIT_CODE", "ensure", "register", "unregister"]

EXIT_CODE = 1
rendering_aside = False
"""True while the plate before a node is rendered, which needs no face."""


@persistent
def _render_init(scene: Any, *_: Any) -> None:
    live.pause()
    if not rendering_aside:
        settle.scene(scene)


@persistent
def _render_pre(scene: Any, *_: Any) -> None:
    if rendering_aside:
        return
    try:
        ensure(scene, scene.frame_current)
    except engine.EngineError as error:
        _fail(scene, error)
    except Exception as error:  # a fault of ours must not let the frame through either
        _fail(scene, NodeError("internal", f"{type(error).__name__}: {error}"))


@persistent
def _render_done(scene: Any, *_: Any) -> None:
    live.resume()


@persistent
def _load_post(*_: Any) -> None:
    live.forget()
    for scene in bpy.data.scenes:
        settle.scene(scene)
    live.mark()


@persistent
def _save_post(*_: Any) -> None:
    for scene in bpy.data.scenes:
        for _, ours in node.nodes(scene):
            node.place(ours.node_tree)
    live.mark()


@persistent
def _changed(*_: Any) -> None:
    live.mark()


@persistent
def _undone(*_: Any) -> None:
    live.forget()
    live.mark()


def ensure(scene: Any, frame: int) -> None:
    """Every face swap node of the scene has its picture of `frame`. Raises `EngineError` naming the first that has not."""
    inside = node.nested(scene)
    if inside:
        raise NodeError(
            "nested-node", f"A face swap node lies inside the group '{inside[0]}': move it to the scene's own nodes."
        )
    for tree, ours in list(node.nodes(scene)):
        if not frames.used(tree, ours) or frames.in_takes(ours, frame):
            continue
        settle.check(scene, tree, ours)
        try:
            prerender.check(tree, ours, frame)
            file = frames.computed(frames.prepared(tree, ours, frame))
        except engine.EngineError:
            results.discard(results.folder_of(ours.node_tree), frame)
            raise
        frames.shown(ours, frame, file)


def _fail(scene: Any, error: engine.EngineError) -> None:
    sentence = f"Error: Faceplate: frame {scene.frame_current}: {error} [{error.code}]"
    sys.stdout.flush()
    print(sentence, file=sys.stderr, flush=True)
    if bpy.app.background:
        os._exit(EXIT_CODE)
    live.say(sentence)


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
    engine.close()
