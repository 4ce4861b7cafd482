# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's parameter list in Blender: node sockets for what can be keyed, settings for the rest."""

from __future__ import annotations

from functools import cache
from typing import Any

from .faceplate_client import parameters as engine_parameters

__all__ = ["FIXED", "by_label", "groups", "order", "settings", "sockets"]

FIXED = {"layers": "", "window": "plate"}
"""Values that the node needs: an element of RGBA only, as large as the plate, so that both align."""


@cache
def sockets() -> tuple[dict[str, Any], ...]:
    """Return the parameters that can be keyed: inputs of the node, named by their labels."""
    return tuple(entry for entry in engine_parameters() if entry["animatable"])


@cache
def settings() -> tuple[dict[str, Any], ...]:
    """Return the parameters of the whole shot: properties of the node group."""
    return tuple(entry for entry in engine_parameters() if not entry["animatable"] and entry["name"] not in FIXED)


@cache
def groups() -> tuple[str, ...]:
    """Return the list's groups, in its order."""
    return tuple(dict.fromkeys(entry["group"] for entry in engine_parameters() if entry["name"] not in FIXED))


@cache
def by_label() -> dict[str, dict[str, Any]]:
    """Return the keyable parameters by the name of their socket."""
    return {entry["label"]: entry for entry in sockets()}


@cache
def order() -> dict[str, int]:
    """Return each parameter's position in the list."""
    return {entry["name"]: place for place, entry in enumerate(engine_parameters())}
