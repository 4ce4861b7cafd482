"""The parameter list from which panels are built, stored as a file so that a panel needs no running engine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from .errors import EngineError

__all__ = ["FORMER_NAMES", "parameters", "with_current_names"]

FORMER_NAMES = {"keep": "keep_regions", "hold_out": "holdout_matte", "garbage": "garbage_matte"}
"""Parameter names of version 0.1, which saved shots and scripts still hold, and their names today."""

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parameters.json")


def parameters() -> list[dict[str, Any]]:
    """Return every parameter in order.

    Each has the keys name, type, default, minimum, maximum, choices, label, help, group, animatable, invalidates,
    unit.

    Raises
    ------
    EngineError
        ``parameters-missing`` when the package was copied without its list.
    """
    try:
        with open(_FILE, encoding="utf-8") as file:
            return json.load(file)["parameters"]
    except (OSError, ValueError, KeyError):
        raise EngineError(
            "parameters-missing", f"The parameter list {_FILE} is missing; install the plug-in again."
        ) from None


def with_current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` by parameter with former names replaced; a value under the current name wins."""
    renamed = {FORMER_NAMES[name]: value for name, value in values.items() if name in FORMER_NAMES}
    return {**renamed, **{name: value for name, value in values.items() if name not in FORMER_NAMES}}
