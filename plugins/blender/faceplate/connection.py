# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine connection that all nodes share, and what the engine last reported. Safe to use from any thread."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .faceplate_client import Engine, EngineError, Shot, ShotCache, connect

__all__ = [
    "EngineStatus",
    "ask_views",
    "close",
    "engine",
    "models",
    "open_shot",
    "page_address",
    "refresh",
    "shot_info",
    "status",
    "views",
]


@dataclass
class EngineStatus:
    """The line that the panel shows about the engine."""

    text: str = "not asked yet"
    ok: bool = False


status = EngineStatus()
_infos: dict[str, dict[str, Any]] = {}
_views: dict[str, list[dict[str, Any]]] = {}
_cards: list[dict[str, Any]] = []


def engine() -> Engine:
    """Return the engine, started when none runs. Raises `EngineError`."""
    return _shots.engine()


def open_shot(document: dict[str, Any], base: str | None) -> Shot:
    """Return the open shot of a document; the same document is opened once. Raises `EngineError`."""
    shot = _shots.open(document, base)
    _infos[document["id"]] = shot.info
    return shot


def shot_info(group: Any) -> dict[str, Any] | None:
    """Return what the engine last reported of a group's shot, without a request; None before the first request."""
    return _infos.get(group.faceplate.uid) if group is not None else None


def views(group: Any) -> list[dict[str, Any]] | None:
    """Return the view plan that the engine last reported of a group's shot, without a request; None before `ask_views`."""
    return _views.get(group.faceplate.uid)


def ask_views(document: dict[str, Any], base: str | None) -> None:
    """Ask the engine which pictures of a shot's source lead. Raises `EngineError`."""
    _views[document["id"]] = engine().views(open_shot(document, base))


def refresh() -> None:
    """Ask the engine for its status and its networks. Raises `EngineError`."""
    report = engine().status()
    jobs = report.get("jobs", {})
    status.ok = True
    status.text = (
        f"{report.get('engine', 'engine')} on {report.get('device', '?')}, "
        f"{jobs.get('running', 0)} running, {jobs.get('waiting', 0)} waiting"
    )
    _cards[:] = engine().models()


def models() -> list[dict[str, Any]]:
    """Return the cards of the engine's networks; empty before `refresh`."""
    return list(_cards)


def page_address() -> str:
    """Return the address of the page about the node: the manifest's website, else the page that came with the extension."""
    here = Path(__file__).parent
    website = tomllib.loads((here / "blender_manifest.toml").read_text("utf-8")).get("website", "")
    return website or (here / "blender.md").as_uri()


def close() -> None:
    """Drop the connection; the engine ends by itself when nobody uses it."""
    _shots.forget()


def _connected() -> Engine:
    try:
        found = connect(parent=True)
    except EngineError as error:
        status.text, status.ok = str(error), False
        raise
    status.text, status.ok = "running", True
    return found


_shots = ShotCache(_connected, limit=32)
