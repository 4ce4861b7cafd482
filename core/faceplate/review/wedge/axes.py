"""The axes of a wedge: a parameter and its values, read from text such as `light_scale=0.05:0.5:5` and `blend=none,gradient`.

`a:b:n` are n values from a to b, both included. A list is separated by commas, or by semicolons where a value holds a comma.
The parameters' own declarations validate every value. `source` is an axis too: the person's pictures are a key of the shot.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faceplate.errors import UsageError
from faceplate.shot import PARAMETERS, Parameters
from faceplate.shot.parameters import FORMER_NAMES, Parameter

__all__ = ["MOST_AXES", "MOST_VARIANTS", "Axis", "Variant", "parse_axes", "shown_value", "variants_of"]

MOST_AXES = 2
"""A sheet has columns and rows."""

MOST_VARIANTS = 256
"""The largest number of variants: more cannot be compared on a sheet."""

_SOURCE = "source"
_KNOWN = {parameter.name: parameter for parameter in PARAMETERS}
_RANGE = re.compile(r"([^:]*):([^:]*):([^:]*)")
# Digits of a range's values: enough for every parameter, and 0.1 + 0.2 is written as 0.3.
_DIGITS = 6
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Axis:
    """One axis of a wedge: a parameter's name, the label that a panel shows for it, and its values."""

    parameter: str
    label: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Variant:
    """One combination of the axes' values.

    Attributes
    ----------
    index : int
        Its number from 0, the first axis running fastest.
    name : str
        A folder's name that says the values: `light_scale=0.05_blend=none`.
    values : mapping
        The values by parameter.
    column, row : int
        The index of its value on the first and on the second axis.
    """

    index: int
    name: str
    values: Mapping[str, Any]
    column: int
    row: int


def parse_axes(words: Iterable[str]) -> tuple[Axis, ...]:
    """Return the axes that the words of a command line give.

    Raises
    ------
    UsageError
        `bad-axis`, `unknown-parameter`, `bad-range`, `bad-value`, `too-many-axes`, `too-many-variants`.
    """
    texts = tuple(words)
    if not texts:
        raise UsageError("bad-axis", "A wedge needs a parameter and its values, such as light_scale=0.05:0.5:5.")
    if len(texts) > MOST_AXES:
        raise UsageError("too-many-axes", f"A wedge has one or two axes, and {len(texts)} were given; leave some out.")
    axes = tuple(_axis(text) for text in texts)
    if len({axis.parameter for axis in axes}) < len(axes):
        raise UsageError("bad-axis", f"Both axes are {axes[0].parameter}; write all of its values into one axis.")
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST_VARIANTS:
        raise UsageError(
            "too-many-variants", f"The wedge has {count} variants, and at most {MOST_VARIANTS} fit; give fewer values."
        )
    return axes


def variants_of(axes: tuple[Axis, ...]) -> tuple[Variant, ...]:
    """Return every combination of the axes' values, the first axis running fastest."""
    found: list[Variant] = []
    names: set[str] = set()
    columns, rows = axes[0], axes[1] if len(axes) > 1 else None
    for row, column in product(range(len(rows.values) if rows else 1), range(len(columns.values))):
        values = {columns.parameter: columns.values[column]}
        if rows is not None:
            values[rows.parameter] = rows.values[row]
        name = folder_name(values)
        if name.casefold() in names:  # two long texts that begin alike
            name = f"{name}_{len(found) + 1}"
        names.add(name.casefold())
        found.append(Variant(len(found), name, values, column, row))
    return tuple(found)


def folder_name(values: Mapping[str, Any]) -> str:
    """Return a folder's name that says the values, with nothing in it that a file system or a pattern would misread."""
    text = "_".join(f"{name}={shown_value(name, value)}" for name, value in values.items())
    return re.sub(r"[^\w.=+-]+", "-", text)[:_LONGEST_NAME].rstrip(".")


def shown_value(name: str, value: Any) -> str:
    """Return a value as a table or a sheet shows it; of a source the folder's own name."""
    if name == _SOURCE:
        return str(value).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return str(value) if value != "" else "empty"


def _axis(text: str) -> Axis:
    name, equals, given = text.partition("=")
    name, given = name.strip(), given.strip()
    if not equals or not name:
        raise UsageError("bad-axis", f"'{text}' is no axis; write NAME=VALUES, such as light_scale=0.05:0.5:5.")
    if name == _SOURCE:
        return Axis(name, "Source", _all_different(name, tuple(map(_absolute, _listed(name, given)))))
    parameter = _parameter(name)
    values = _ranged(parameter, given) if _is_range(parameter, given) else _listed(name, given)
    checked = tuple(_checked(parameter, value) for value in values)
    return Axis(parameter.name, parameter.about.label, _all_different(parameter.name, checked))


def _parameter(name: str) -> Parameter:
    found = _KNOWN.get(FORMER_NAMES.get(name, name))
    if found is None:
        near = difflib.get_close_matches(name, [*_KNOWN, _SOURCE], 1)
        hint = f"did you mean {near[0]}?" if near else "faceplate parameters lists them."
        raise UsageError("unknown-parameter", f"There is no parameter '{name}'; {hint}")
    return found


def _is_range(parameter: Parameter, text: str) -> bool:
    """Return whether the values are written as a:b:n. A text may hold colons: a target is written 1001:50,60."""
    return parameter.kind in (int, float) and ":" in text


def _ranged(parameter: Parameter, text: str) -> tuple[float, ...]:
    match = _RANGE.fullmatch(text)
    how = f"{parameter.name}={text} is no range; write FROM:TO:COUNT, such as 0.05:0.5:5"
    if match is None:
        raise UsageError("bad-range", f"{how}.")
    try:
        first, last, count = float(match[1]), float(match[2]), int(match[3])
    except ValueError:
        raise UsageError("bad-range", f"{how}.") from None
    if not (math.isfinite(first) and math.isfinite(last)):
        raise UsageError("bad-range", f"{how}.")
    if count < 2:
        raise UsageError("bad-range", f"{how}, with a count of at least 2.")
    if count > MOST_VARIANTS:
        raise UsageError(
            "too-many-variants", f"{parameter.name} has {count} values, and at most {MOST_VARIANTS} fit; give fewer."
        )
    values = [first + (last - first) * step / (count - 1) for step in range(count)]
    if parameter.kind is int and any(value != round(value) for value in values):
        raise UsageError(
            "bad-range", f"{parameter.name} takes whole numbers, and {text} gives others; change the count."
        )
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)


def _listed(name: str, text: str) -> tuple[str, ...]:
    values = tuple(value.strip() for value in text.split(";" if ";" in text else ","))
    if text == "" or (len(values) > 1 and "" in values and name in _KNOWN and _KNOWN[name].kind is not str):
        raise UsageError("bad-range", f"{name}={text} lacks a value; write a list such as {name}=a,b.")
    return values


def _checked(parameter: Parameter, value: Any) -> Any:
    """Return a value as the parameter's own type. Raises `UsageError('bad-value')`."""
    if parameter.kind is int and isinstance(value, float):
        value = int(value)
    try:
        made = getattr(Parameters.model_validate({parameter.name: value}), parameter.name)
    except ValidationError:
        raise UsageError("bad-value", f"{parameter.name} cannot be '{value}'; {_allowed(parameter)}.") from None
    if isinstance(made, float) and not math.isfinite(made):
        raise UsageError("bad-value", f"{parameter.name} cannot be '{value}'; {_allowed(parameter)}.")
    # A relative path of a command line means another file in a shot file, into which the workspace may take it.
    return _absolute(str(made)) if parameter.about.path and made else made


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return f"it can be {', '.join(parameter.choices)}"
    kind = "a whole number" if parameter.kind is int else "a number"
    low, high = parameter.minimum, parameter.maximum
    if low is None and high is None:
        return f"it is {kind}"
    if high is None:
        return f"it is {kind} of at least {low:g}"
    return f"it is {kind} from {low or 0:g} to {high:g}"


def _all_different(name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise UsageError("bad-range", f"{name} has one value twice; give each value once.")
    return values
