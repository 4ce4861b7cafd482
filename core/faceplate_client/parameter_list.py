"""The parameter list that every panel is built from, carried as a file so that no engine is needed to draw one."""

from __future__ import annotations

import json
import os
from typing import Any

from .errors import EngineError

__all__ = ["parameters"]

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parameters.json")


def parameters() -> list[dict[str, Any]]:
    """Every parameter in order: name, type, default, minimum, maximum, choices, label, help, group, animatable,
    invalidates. Raises `EngineError` `parameters-missing` when the package was copied without its list."""
    try:
        with open(_FILE, encoding="utf-8") as file:
            return json.load(file)["parameters"]
    except (OSError, ValueError, KeyError):
        raise EngineError(
            "parameters-missing", f"The parameter list {_FILE} is missing; install the plug-in again."
        ) from None
