"""Callbacks in the order of Foundry's Python Developer's Guide: code in the node's own knob first, then what was added
for the node's class, then what was added for '*', each in the order of adding. (Autolabel and filename filters, which
run backwards, are not here.) `knobChanged` fires for 'inputChange' too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .state import current

__all__ = ["EVENTS", "add", "fire", "remove"]

EVENTS = {
    "onCreate": "*",
    "onUserCreate": "*",
    "onDestroy": "*",
    "knobChanged": "*",
    "updateUI": "*",
    "onScriptLoad": "Root",
    "onScriptSave": "Root",
    "onScriptClose": "Root",
    "beforeRender": "Write",
    "beforeFrameRender": "Write",
    "afterFrameRender": "Write",
    "afterRender": "Write",
}
"""The events, and the class that they are added for unless another is given."""


def add(event: str, call: Callable[..., Any], args: tuple, kwargs: dict, node_class: str, node: Any = None) -> None:
    if not callable(call):
        raise ValueError("call must be a callable")
    entries = current().callbacks.setdefault(event, {}).setdefault(node_class, [])
    entry = (call, args, kwargs, node)
    if entry in entries:
        entries.remove(entry)
    entries.append(entry)


def remove(event: str, call: Callable[..., Any], args: tuple, kwargs: dict, node_class: str, node: Any = None) -> None:
    entries = current().callbacks.get(event, {}).get(node_class, [])
    if (call, args, kwargs, node) in entries:
        entries.remove((call, args, kwargs, node))


def fire(event: str, node: Any, knob: Any = None) -> None:
    """Runs what is registered for `event` of `node`. An exception goes to the caller, as during a render."""
    session = current()
    if node is None or (session.loading and event == "knobChanged"):
        return
    if event != "knobChanged":
        session.log.append((event, node.fullName(), int(session.frame)))
    with session.about(node, knob):
        own = node.knob(event)
        if own is not None and own.value():
            import sys

            exec(own.value(), {"nuke": sys.modules["nuke"]})
        for name in (node.Class(), "*"):
            for call, args, kwargs, only in list(session.callbacks.get(event, {}).get(name, [])):
                if only is None or only is node:
                    call(*args, **kwargs)
