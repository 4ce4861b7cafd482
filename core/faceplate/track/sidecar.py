"""Reading and writing of the track file: every fault is named, and the file is written completely, one frame a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from faceplate.errors import UsageError
from faceplate.system.atomic import write_bytes
from faceplate.system.user_paths import read_bytes
from faceplate.track.model import VERSION, Sidecar

__all__ = ["dump", "first_fault", "load_sidecar", "parse_sidecar", "save_sidecar", "schema"]

# Lists with one item a line, so that a change of one frame changes one line.
_LINES = {"raw", "smooth", "unread", "keys", "drags", "bad", "spans", "grain", "shutters", "runs", "views"}


def load_sidecar(path: Path) -> Sidecar:
    """Read the track file at `path`.

    Raises
    ------
    UsageError
        `no-track`, `newer-track` or `bad-track`, with the field at fault.
    """
    try:
        text = read_bytes(path)
    except OSError as error:
        raise UsageError("no-track", f"The track {path} cannot be read: {error.strerror}.") from error
    return parse_sidecar(text, str(path))


def parse_sidecar(text: bytes | str, name: str = "the track") -> Sidecar:
    """Parse the track in `text`. Raises `UsageError` as `load_sidecar` does; `name` appears in the message."""
    try:
        item = from_json(text)
    except ValueError as error:
        raise UsageError(
            "bad-track", f"{name} is not a complete JSON file ({error}): restore it or track the plate again."
        ) from error
    if not isinstance(item, dict) or "faceplate_track" not in item:
        raise UsageError("bad-track", f"{name} is not a Faceplate track: its field faceplate_track is missing.")
    version = item["faceplate_track"]
    if type(version) is not int or version < 1:
        raise UsageError("bad-track", f"{name} is damaged: field faceplate_track is {version!r}, not a version number.")
    if version > VERSION:
        raise UsageError(
            "newer-track",
            f"{name} is a track of version {version} (field faceplate_track); this Faceplate reads up to {VERSION}: "
            "use a newer Faceplate or track the plate again.",
        )
    try:
        return Sidecar.model_validate({**item, "faceplate_track": VERSION})  # every older version is a part of it
    except ValidationError as error:
        raise UsageError("bad-track", f"{name} is damaged: {first_fault(error)}.") from error


def save_sidecar(sidecar: Sidecar, path: Path) -> None:
    """Write the track completely or not at all.

    Raises
    ------
    RenderError
        `output-unwritable` or `disk-full`.
    """
    write_bytes(Path(path), dump(sidecar).encode("utf-8"))


def dump(sidecar: Sidecar) -> str:
    """Return the file's text; the same track gives the same text on every machine."""
    return _pretty(sidecar.model_dump(mode="json"), "", "") + "\n"


def schema() -> str:
    """Return the JSON schema of the file, as published in `docs/track.schema.json`."""
    return json.dumps(Sidecar.model_json_schema(), indent=2, sort_keys=True) + "\n"


def first_fault(error: ValidationError) -> str:
    """Describe the first fault: the field and what it should be."""
    fault = error.errors(include_url=False)[0]
    place = ""
    for step in fault["loc"]:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    more = error.error_count() - 1
    tail = f" (and {more} more fault{'s' if more > 1 else ''})" if more else ""
    reason = fault["msg"].removeprefix("Value error, ")
    return f"field {place or 'people'}: {reason[:1].lower()}{reason[1:]}{tail}"


def _pretty(value: Any, indent: str, key: str) -> str:
    inner = indent + " "
    if isinstance(value, dict) and (key not in _LINES) and value:
        rows = [f"{inner}{json.dumps(name)}: {_pretty(item, inner, name)}" for name, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}" + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if key in _LINES or (key == "people" and "do" in value[0]):
            rows = [inner + _compact(item) for item in value]
        else:
            rows = [inner + _pretty(item, inner, "") for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
