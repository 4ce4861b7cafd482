"""Faceplate in Blender's compositor: a node group, a panel, and the handlers that have the right frame there in time.

Nothing here computes a pixel. The nodes and their values become a shot document; the engine, a process of its own,
renders the new face; the group lays it over the picture.
"""

from . import handlers, live_update, operators, panels, properties

_ROOMS = (properties, operators, panels, handlers, live_update)

__all__ = ["register", "unregister"]


def register() -> None:
    """Called by Blender when the extension is switched on."""
    for room in _ROOMS:
        room.register()


def unregister() -> None:
    """Called by Blender when the extension is switched off, and before it ends."""
    for room in reversed(_ROOMS):
        room.unregister()
