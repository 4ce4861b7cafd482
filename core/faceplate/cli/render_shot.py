"""Makes the shot that `faceplate render` renders, from a plate or a shot file and the options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceplate.cli.options import parameters_from, plain_values
from faceplate.errors import UsageError
from faceplate.plate import parse_frames
from faceplate.shot import Shot, load_shot, read_rules

__all__ = ["parse_rectangle", "shot_of_file", "shot_of_plate"]

_CHOICES = {"mode": ("element", "over"), "missing": ("fail", "skip", "hold")}


def shot_of_plate(plate: str, options: Mapping[str, Any], values: Mapping[str, Any]) -> Shot:
    """Return the shot of a plate. `options` are the shot's keys, `values` the parameters.

    Raises `UsageError` `bad-option`, `bad-search`, `bad-frames`, `no-output`.
    """
    keys = {key: value for key, value in _checked(options).items() if key != "purpose" or value is not None}
    if not keys["output"]:
        raise UsageError("no-output", "Missing option '--output' / '-o'. See faceplate render --help.")
    keys["frames"] = parse_frames(keys["frames"]) if keys["frames"] else None
    return Shot(plate=plate, parameters=parameters_from(dict(values)), **keys)


def shot_of_file(
    file: str, options: Mapping[str, Any], values: Mapping[str, Any], written: set[str], path_mapping: Path | None
) -> Shot:
    """Return the shot of a shot file, changed by the options whose names are in `written`.

    Raises what `load_shot` raises, and `UsageError` `bad-option`, `bad-search`, `no-output`.
    """
    keys = _checked(options)
    changes: dict[str, Any] = {key: value for key, value in keys.items() if key in written}
    if keys["purpose"] is not None:
        changes["purpose"] = keys["purpose"]
    changes["parameters"] = plain_values({name: value for name, value in values.items() if name in written})
    rules = read_rules(path_mapping) if path_mapping else ()
    shot = load_shot(file, mapping=rules, changes=changes)
    if not shot.output:
        raise UsageError("no-output", f"The shot {file} names no output; give --output swap.####.exr.")
    return shot


def parse_rectangle(text: str | None) -> tuple[int, int, int, int] | None:
    """Return the rectangle of `--search`, x, y, width, height; None without one. Raises `UsageError('bad-search')`."""
    if not text:
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError("bad-search", f"--search is '{text}'; write x,y,width,height in whole pixels.") from None
    return x, y, width, height


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with `search` as numbers. Raises `UsageError` for a word that an option does not know."""
    for name, choices in _CHOICES.items():
        if options[name] not in choices:
            raise UsageError("bad-option", f"--{name} is '{options[name]}'; it can be {', '.join(choices)}.")
    return {**options, "search": parse_rectangle(options["search"])}
