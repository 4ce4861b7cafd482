"""Why a frame cannot be had, as a stable code and one sentence that says what to do."""

from __future__ import annotations

from .faceplate_client import EngineError

__all__ = ["NodeError"]


class NodeError(EngineError):
    """A wrong node, value or file on Blender's side; the engine's own errors are `EngineError` too."""
