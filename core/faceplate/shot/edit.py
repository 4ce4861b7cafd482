"""Changes to a shot document: values, keys, overrides, takes. Each gives a new document; nothing here writes a file."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from faceplate.errors import UsageError
from faceplate.shot.curves import Curve, Interpolation, Key
from faceplate.shot.document import ShotDocument, parse_document, plain_document
from faceplate.shot.parameters import FORMER_NAMES, PARAMETERS, current_names

__all__ = ["changes", "made_document", "new_document", "record_take", "restore_take", "set_key", "set_values"]

_PARAMETERS = {parameter.name: parameter for parameter in PARAMETERS}
# Keys that `set_values` must not change.
_OWN = ("faceplate_shot", "takes", "host", "overrides", "parameters", "faces", "id")
# What a take records and restores.
_TAKEN = ("parameters", "overrides", "faces")


def new_document(**keys: Any) -> ShotDocument:
    """Create a document with a new id and the given keys. Raises `UsageError('bad-shot')`."""
    return made_document({"id": uuid.uuid4().hex, **{key: value for key, value in keys.items() if value is not None}})


def set_values(
    document: ShotDocument, values: Mapping[str, Any], frames: str | None = None, note: str = ""
) -> ShotDocument:
    """Return the document with keys or parameters set; the value None removes one.

    Values are JSON values. With `frames` the parameters are set as an override of those frames.

    Raises
    ------
    UsageError
        `bad-shot`, `no-such-key`.
    """
    plain, values = plain_document(document), current_names(values)
    settable = [key for key in ShotDocument.model_fields if key not in _OWN]
    unknown = [key for key in values if key not in _PARAMETERS and key not in settable]
    if unknown:
        raise UsageError("no-such-key", f"A shot has no key or parameter '{unknown[0]}'; see faceplate shot show.")
    if frames is not None:
        return made_document(_with_override(plain, values, frames, note))
    for key, value in values.items():
        place = plain.setdefault("parameters", {}) if key in _PARAMETERS else plain
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value
    return made_document(plain)


def set_key(
    document: ShotDocument, name: str, frame: int, value: float | None, interpolation: Interpolation = "linear"
) -> ShotDocument:
    """Return the document with a key of a parameter set at `frame`, or removed when `value` is None.

    A curve replaces a constant. When the last key is removed, the default applies.

    Raises
    ------
    UsageError
        `no-such-key`, `not-animatable`, `no-key`, `bad-shot`.
    """
    name = FORMER_NAMES.get(name, name)
    parameter = _PARAMETERS.get(name)
    if parameter is None:
        raise UsageError("no-such-key", f"There is no parameter '{name}'; see faceplate parameters.")
    if not parameter.about.animatable:
        raise UsageError("not-animatable", f"The parameter '{name}' cannot be keyed; use faceplate shot set --frames.")
    have = getattr(document.parameters, name) if document.parameters is not None else None
    curve = have if isinstance(have, Curve) else None
    if value is None:
        if curve is None or all(key.frame != frame for key in curve.keys):
            raise UsageError("no-key", f"The parameter '{name}' has no key at frame {frame}.")
        curve = curve.without_key(frame)
    else:
        key = Key(frame, value, interpolation)
        curve = curve.with_key(key) if curve else Curve(keys=(key,))
    return set_values(document, {name: None if curve is None else curve.model_dump(mode="json")})


def record_take(document: ShotDocument, note: str = "", made: datetime | None = None) -> ShotDocument:
    """Return the document with a new take: its number, its time, and the values that restore it."""
    plain = plain_document(document)
    takes = plain.setdefault("takes", [])
    values = {key: plain[key] for key in _TAKEN if key in plain}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    number = max((take["take"] for take in takes), default=0) + 1
    moment = (made or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    output = plain.get("output", "").replace("{take}", f"{number:03d}")
    take = {"take": number, "made": moment, "output": output, "parameters_sha256": digest, "note": note, **values}
    if "frames" in plain:
        take["frames"] = plain["frames"]
    takes.append(take)
    return made_document(plain)


def restore_take(document: ShotDocument, number: int) -> ShotDocument:
    """Return the document with the parameters, overrides and faces of an earlier take. Raises `UsageError('no-take')`."""
    plain = plain_document(document)
    take = next((take for take in plain.get("takes", []) if take["take"] == number), None)
    if take is None:
        raise UsageError("no-take", f"The shot has no take {number}; faceplate shot take --list names them.")
    for key in _TAKEN:
        plain.pop(key, None)
        if key in take:
            plain[key] = take[key]
    return made_document(plain)


def changes(before: ShotDocument, after: ShotDocument) -> Iterator[tuple[str, Any, Any]]:
    """Yield each difference: the key (`parameters.grain`), the value before and the value after; None where absent."""
    one, two = _flat(plain_document(before)), _flat(plain_document(after))
    for key in dict.fromkeys([*one, *two]):
        if one.get(key) != two.get(key):
            yield key, one.get(key), two.get(key)


def _flat(plain: dict[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in plain.items() if key not in ("parameters", "faces")}
    flat |= {f"parameters.{name}": value for name, value in plain.get("parameters", {}).items()}
    for face in plain.get("faces", []):
        flat |= {f"faces.{face['name']}.{key}": value for key, value in _flat(face).items()}
    return flat


def _with_override(plain: dict[str, Any], values: Mapping[str, Any], frames: str, note: str) -> dict[str, Any]:
    outside = [key for key in values if key not in _PARAMETERS]
    if outside:
        raise UsageError(
            "no-such-key", f"'{outside[0]}' is not a parameter; an override of frames holds parameters only."
        )
    overrides = plain.setdefault("overrides", [])
    same = next((item for item in overrides if item["frames"] == frames), None)
    if same is None:
        same = {"frames": frames, "parameters": {}}
        overrides.append(same)
    for name, value in values.items():
        if value is None:
            same["parameters"].pop(name, None)
        else:
            same["parameters"][name] = value
    if note:
        same["note"] = note
    if not same["parameters"]:
        overrides.remove(same)
    return plain


def made_document(plain: Mapping[str, Any]) -> ShotDocument:
    """Return the document of plain JSON values. Raises `UsageError('bad-shot')`."""
    return parse_document(json.dumps({"faceplate_shot": 1, **plain}), ShotDocument, "The shot")
