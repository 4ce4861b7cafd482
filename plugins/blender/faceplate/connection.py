"""The connection to the engine, shared by all nodes, and the shots that are open in it. Safe to call from any thread."""

from __future__ import annotations

import json
import threading
from typing import Any

from .faceplate_client import Engine, EngineError, Shot, connect

__all__ = ["EngineError", "close", "known", "models", "opened", "reached", "refresh", "state"]

_lock = threading.RLock()
_engine: Engine | None = None
_shots: dict[str, Shot] = {}
_infos: dict[str, dict[str, Any]] = {}
_cards: list[dict[str, Any]] = []
state = {"text": "not asked yet", "ok": False}
"""What the panel says of the engine."""


def reached() -> Engine:
    """The engine, found or started. Raises `EngineError`."""
    global _engine
    with _lock:
        if _engine is None:
            try:
                _engine = connect(parent=True)
            except EngineError as error:
                state.update(text=str(error), ok=False)
                raise
            state.update(text="running", ok=True)
        return _engine


def opened(document: dict[str, Any], base: str | None) -> Shot:
    """The open shot of a document; the same document is opened once. Raises `EngineError`."""
    name = json.dumps([document, base], sort_keys=True)
    with _lock:
        shot = _shots.get(name)
        if shot is None:
            shot = reached().open_shot(document, base)
            while len(_shots) > 32:
                _shots.pop(next(iter(_shots)))
            _shots[name] = shot
        _infos[document["id"]] = shot.info
        return shot


def known(group: Any) -> dict[str, Any] | None:
    """What the engine last said of a group's shot, without asking it."""
    return _infos.get(group.faceplate.uid) if group is not None else None


def refresh() -> None:
    """Asks how the engine is and which networks it has. Raises `EngineError`."""
    status = reached().status()
    waiting = status.get("jobs", {})
    state.update(
        text=f"{status.get('engine', 'engine')} on {status.get('device', '?')}, "
        f"{waiting.get('running', 0)} running, {waiting.get('waiting', 0)} waiting",
        ok=True,
    )
    _cards[:] = reached().models()


def models() -> list[dict[str, Any]]:
    """The networks that the engine last told of; empty before it was asked."""
    return list(_cards)


def close() -> None:
    """Forgets the connection; the engine ends by itself when nobody uses it."""
    global _engine
    with _lock:
        _engine = None
        _shots.clear()
