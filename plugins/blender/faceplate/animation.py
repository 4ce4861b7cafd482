# SPDX-FileCopyrightText: The Faceplate contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of keyed and driven properties at a frame.

While a frame renders, Blender's own values are still those of the frame before, also in the evaluated copy. Curves and
drivers are therefore evaluated here.
"""

from __future__ import annotations

import math
from typing import Any

from . import compat
from .faceplate_client import HostError

__all__ = ["is_animated", "property_value", "socket_value", "value_source"]

_DRIVER_NAMES = {
    name: getattr(math, name)
    for name in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sqrt", "pow", "exp", "log", "floor", "ceil",
                 "radians", "degrees", "fabs", "fmod", "pi")
} | {"abs": abs, "min": min, "max": max, "round": round, "int": int, "float": float}  # fmt: skip


def socket_value(tree: Any, socket: Any, frame: float) -> float:
    """Return a node input's value at `frame`. Raises `HostError('unreadable-value')` when other nodes compute it."""
    block, path = value_source(tree, socket)
    return property_value(block, path, frame)


def is_animated(tree: Any, socket: Any) -> bool:
    """Return whether a node input's value may change over time."""
    block, path = value_source(tree, socket)
    drivers = block.animation_data.drivers if block.animation_data else ()
    return any(curve.data_path == path for curve in (*compat.fcurves(block), *drivers))


def value_source(tree: Any, socket: Any) -> tuple[Any, str]:
    """Return the data block and path of a node input's value: its own, or that of a linked Value node."""
    held = socket
    while held.is_linked:
        link = held.links[0]
        node = link.from_node
        if node.type == "REROUTE":
            held = node.inputs[0]
            continue
        if node.type == "VALUE":
            return tree, link.from_socket.path_from_id("default_value")
        raise HostError(
            "unreadable-value",
            f"'{socket.name}' is computed by the node '{node.name}', which the engine cannot evaluate: "
            "key the socket itself, or link a Value node.",
        )
    return tree, held.path_from_id("default_value")


def property_value(block: Any, path: str, frame: float, depth: int = 0) -> float:
    """Return the value of `block.path` at `frame`: of its driver, else its curve, else the stored value."""
    animation = block.animation_data
    if animation is not None:
        for driver in animation.drivers:
            if driver.data_path == path and not driver.mute:
                return _driven(driver, frame, depth)
        _refuse_nla(animation, path)
    for curve in compat.fcurves(block):
        if curve.data_path == path and not curve.mute:
            return curve.evaluate(frame)
    return block.path_resolve(path)


def _refuse_nla(animation: Any, path: str) -> None:
    if animation.use_nla and any(not track.mute and track.strips for track in animation.nla_tracks):
        raise HostError("unreadable-value", f"The node tree has NLA strips ({path}): bake them to keys on the sockets.")


def _driven(curve: Any, frame: float, depth: int) -> float:
    driver = curve.driver
    if depth > 8:
        raise HostError("unreadable-value", f"The drivers of {curve.data_path} depend on each other in a circle.")
    values = {variable.name: _variable(variable, frame, depth) for variable in driver.variables}
    if driver.type == "SCRIPTED":
        value = _expression(driver, values, frame, curve.data_path)
    else:
        how = {"SUM": sum, "MIN": min, "MAX": max, "AVERAGE": lambda all_: sum(all_) / len(all_)}
        value = how[driver.type](list(values.values()) or [0.0])
    return curve.evaluate(value) if curve.keyframe_points else float(value)


def _variable(variable: Any, frame: float, depth: int) -> float:
    target = variable.targets[0]
    if variable.type == "SINGLE_PROP" and target.id is not None:
        if target.data_path == "frame_current":
            return frame
        return property_value(target.id, target.data_path, frame, depth + 1)
    raise HostError(
        "unreadable-value", f"The driver variable '{variable.name}' is of an unsupported type: bake it to keys."
    )


def _expression(driver: Any, values: dict[str, float], frame: float, path: str) -> float:
    # Blender marks expressions that need no Python; others would run code that the user may not have allowed.
    if not driver.is_simple_expression:
        raise HostError("unreadable-value", f"The driver of {path} is a Python expression: bake it to keys.")
    try:
        return float(eval(driver.expression, {"__builtins__": {}}, {**_DRIVER_NAMES, **values, "frame": frame}))
    except Exception as error:
        raise HostError(
            "unreadable-value", f"The driver of {path} cannot be read ({error}): bake it to keys."
        ) from error
