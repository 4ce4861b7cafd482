"""Rendering: one thing at a time, callbacks around every frame, in the order of Foundry's guide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .callbacks import fire
from .pixels import picture, write_file
from .state import current

__all__ = ["execute_frames", "execute_many"]


def execute_frames(node: Any, frames: Iterable[int]) -> None:
    """`nuke.execute`. Raises RuntimeError: when something executes already, when a callback raises, when a frame fails."""
    execute_many([node], list(frames), by_frame=True)


def execute_many(nodes: list[Any], frames: list[int], by_frame: bool) -> None:
    """All `nodes` (in their order) over `frames`: frame by frame, or one node after the other. Nuke's pages do not say
    which; what is rendered must not depend on it."""
    session = current()
    if session.executing:
        raise RuntimeError("I'm already executing something else")
    session.executing.append(nodes)
    try:
        for node in nodes:
            if not node["file"].value():
                raise RuntimeError(f"{node.fullName()}: no file name")
        if by_frame:
            for node in nodes:
                fire("beforeRender", node)
            for frame in frames:
                for node in nodes:
                    _frame(node, frame)
            for node in nodes:
                fire("afterRender", node)
            return
        for node in nodes:
            fire("beforeRender", node)
            for frame in frames:
                _frame(node, frame)
            fire("afterRender", node)
    finally:
        session.executing.pop()


def _frame(node: Any, frame: int) -> None:
    session = current()
    if session.cancel_at == frame:
        raise RuntimeError("cancelled")
    with session.at(frame):
        fire("beforeFrameRender", node)
        write_file(node, picture(node, frame), frame)
        fire("afterFrameRender", node)
