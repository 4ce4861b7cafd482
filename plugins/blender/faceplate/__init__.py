# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faceplate in Blender's compositor: a node group, its panels, and handlers that render each frame in time.

This extension computes no pixel. The nodes and their values become a shot document; the engine, a separate process,
renders the new face; the node group composites it over the picture.
"""

from __future__ import annotations

from typing import Any

from . import (
    connection,
    engine_install,
    handlers,
    live_update,
    node_group,
    operators,
    panels,
    pick_face,
    properties,
    take_operators,
    view_operators,
)

_MODULES = (operators, take_operators, view_operators, engine_install, panels, pick_face, handlers, live_update)

__all__ = ["register", "unregister"]


def register() -> None:
    """Register everything; Blender calls this when the extension is enabled."""
    properties.register(
        properties.Callbacks(live_update.request_update, _folder_changed, _installed_generators, _people)
    )
    for module in _MODULES:
        module.register()


def unregister() -> None:
    """Unregister everything; Blender calls this when the extension is disabled, and before it exits."""
    for module in reversed(_MODULES):
        module.unregister()
    properties.unregister()


def _folder_changed(group: Any) -> None:
    node_group.set_paths(group)
    node_group.reload(group)


def _installed_generators() -> list[str]:
    return [card["name"] for card in connection.models() if card.get("present", True)]


def _people(group: Any) -> list[str]:
    return [str(person["id"]) for person in (connection.shot_info(group) or {}).get("people", ())]
