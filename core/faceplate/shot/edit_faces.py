"""Changes to the faces of a shot document: add, change, key and remove one. Nothing here writes a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceplate.errors import UsageError
from faceplate.shot.curves import Interpolation
from faceplate.shot.document import DocumentFace, ShotDocument, plain_document
from faceplate.shot.edit import made_document, set_key, set_values
from faceplate.shot.parameters import PARAMETERS, current_names

__all__ = ["remove_face", "set_face", "set_face_key"]

_PARAMETERS = {parameter.name for parameter in PARAMETERS}
_KEYS = tuple(key for key in DocumentFace.model_fields if key not in ("name", "parameters", "overrides"))


def set_face(
    document: ShotDocument, name: str, values: Mapping[str, Any], frames: str | None = None, note: str = ""
) -> ShotDocument:
    """Return the document with keys or parameters of the face `name` set; the value None removes one.

    A face that the document does not list is added at the end of the list. With `frames` the parameters are set as an
    override of those frames.

    Raises
    ------
    UsageError
        `bad-shot`, `no-such-key`.
    """
    values = current_names(values)
    unknown = [key for key in values if key not in _PARAMETERS and key not in _KEYS]
    if unknown:
        raise UsageError("no-such-key", f"A face has no key or parameter '{unknown[0]}'; it has {', '.join(_KEYS)}.")
    plain = plain_document(document)
    faces = plain.setdefault("faces", [])
    face = next((item for item in faces if item["name"] == name), None)
    if face is None:
        face = {"name": name}
        faces.append(face)
    keys = {key: value for key, value in values.items() if key in _KEYS}
    face |= keys
    own = set_values(_values_of(face), {key: values[key] for key in values if key not in keys}, frames, note)
    return _with_values(plain, face, own)


def set_face_key(
    document: ShotDocument,
    face: str,
    name: str,
    frame: int,
    value: float | None,
    interpolation: Interpolation = "linear",
) -> ShotDocument:
    """Return the document with a key of a face's parameter set at `frame`, or removed when `value` is None.

    Raises
    ------
    UsageError
        `no-such-face`, and those of `set_key`.
    """
    plain = plain_document(document)
    found = _found(plain, face)
    return _with_values(plain, found, set_key(_values_of(found), name, frame, value, interpolation))


def remove_face(document: ShotDocument, name: str) -> ShotDocument:
    """Return the document without the face `name`. Raises `UsageError('no-such-face')`."""
    plain = plain_document(document)
    plain["faces"].remove(_found(plain, name))
    if not plain["faces"]:
        del plain["faces"]
    return made_document(plain)


def _found(plain: Mapping[str, Any], name: str) -> dict[str, Any]:
    faces = plain.get("faces", [])
    face = next((item for item in faces if item["name"] == name), None)
    if face is None:
        known = ", ".join(item["name"] for item in faces) or "none"
        raise UsageError("no-such-face", f"The shot has no face '{name}'; its faces: {known}.")
    return face


def _values_of(face: Mapping[str, Any]) -> ShotDocument:
    """Return a document with the face's parameters alone, which the functions of `edit` change."""
    return made_document({key: face[key] for key in ("parameters", "overrides") if key in face})


def _with_values(plain: dict[str, Any], face: dict[str, Any], values: ShotDocument) -> ShotDocument:
    """Return the document `plain` in which `face`, one of its faces, has the parameters of `values`."""
    own = plain_document(values)
    for key in ("parameters", "overrides"):
        face.pop(key, None)
        if own.get(key):
            face[key] = own[key]
    return made_document(plain)
