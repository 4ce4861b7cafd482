# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handlers of Blender's events: files opened and saved, frames about to render.

In a render of compositing nodes the order is render_init, then for each frame render_pre, compositing, render_write. An
error in a handler does not stop Blender. In a session without a window the process therefore ends itself; otherwise a
farm would take the frame for finished.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import compat, connection, frame_requests, live_update, node_group, node_update, prerender, result_files
from .faceplate_client import ClientError, HostError

__all__ = ["EXIT_CODE", "ensure_frame", "register", "unregister"]

EXIT_CODE = 1
rendering_plate = False
"""True while the nodes before a face swap are rendered to plate files; that render needs no face."""


@persistent
def _render_init(scene: Any, *_: Any) -> None:
    live_update.pause()
    if not rendering_plate:
        node_update.update_scene(scene)


@persistent
def _render_pre(scene: Any, *_: Any) -> None:
    if rendering_plate:
        return
    try:
        ensure_frame(scene, scene.frame_current)
    except ClientError as error:
        _fail(scene, error)
    except Exception as error:  # an error of the adapter must stop the frame, too
        _fail(scene, HostError("internal", f"{type(error).__name__}: {error}"))


@persistent
def _render_done(scene: Any, *_: Any) -> None:
    live_update.resume()


@persistent
def _load_post(*_: Any) -> None:
    live_update.reset()
    for scene in bpy.data.scenes:
        node_update.update_scene(scene)
    live_update.request_update()


@persistent
def _save_post(*_: Any) -> None:
    for scene in bpy.data.scenes:
        for _, node in node_group.face_swap_nodes(scene):
            node_group.set_paths(node.node_tree)
    live_update.request_update()


@persistent
def _changed(*_: Any) -> None:
    live_update.request_update()


@persistent
def _undone(*_: Any) -> None:
    live_update.reset()
    for scene in bpy.data.scenes:
        for _, node in node_group.face_swap_nodes(scene):
            _restore_takes(node.node_tree)
    live_update.request_update()


def _restore_takes(group: Any) -> None:
    """Bring back the files of takes that an undo step brought back."""
    try:
        result_files.restore_takes(result_files.node_folder(group), [take.number for take in group.faceplate.takes])
    except HostError as error:
        live_update.show_message(str(error))


def ensure_frame(scene: Any, frame: int) -> None:
    """Render `frame` of every face swap node of the scene that is used. Raises `ClientError` for the first that fails."""
    inside = node_group.nested_groups(scene)
    if inside:
        raise HostError(
            "nested-node", f"A face swap node lies inside the group '{inside[0]}': move it to the scene's own nodes."
        )
    for tree, node in list(node_group.face_swap_nodes(scene)):
        if not frame_requests.is_used(node) or frame_requests.shows_take(node, frame):
            continue
        node_update.check_updated(scene, tree, node)
        try:
            prerender.check(tree, node, frame)
            file = frame_requests.render_frame(frame_requests.frame_request(tree, node, frame))
        except ClientError:
            result_files.discard_frame(result_files.node_folder(node.node_tree), frame)
            raise
        frame_requests.show_frame(node, frame, file)


def _fail(scene: Any, error: ClientError) -> None:
    sentence = f"Error: Faceplate: frame {scene.frame_current}: {error} [{error.code}]"
    sys.stdout.flush()
    print(sentence, file=sys.stderr, flush=True)
    if not compat.has_window():
        os._exit(EXIT_CODE)
    live_update.show_message(sentence)


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
    """Add the handlers to Blender's lists."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Remove the handlers: some versions of Blender hang at exit while one is registered."""
    for name, handler in _HANDLERS.items():
        held = getattr(bpy.app.handlers, name)
        if handler in held:
            held.remove(handler)
    connection.close()
