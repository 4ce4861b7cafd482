"""Shot files as the page edits them: read with an etag, changed by a list of edits, written once and only over what was read."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from faceplate.errors import UsageError
from faceplate.shot import (
    ShotDocument,
    parse_document,
    record_take,
    set_face,
    set_face_key,
    set_key,
    set_values,
    write_document,
)
from faceplate.shot.document import plain_document
from faceplate.shot.edit import made_document, restore_take
from faceplate.system.user_paths import read_bytes, stat_or_none

__all__ = ["Edit", "ShotFile", "edit_shot_file", "edited", "etag_of", "read_shot_file", "watched_etag"]

Edit = Mapping[str, Any]

# One writer at a time in this process; other programs are noticed by the etag.
_WRITING = threading.Lock()
# Parts of a document whose entries are undone one by one, so that an undo leaves what somebody else has changed since.
_BY_ENTRY = ("parameters",)


@dataclass(frozen=True)
class ShotFile:
    """A shot file as it was read; `etag` changes with its bytes."""

    path: Path
    document: ShotDocument
    etag: str


def etag_of(path: Path) -> str:
    """Return a quoted text that changes with the bytes of the file; "" where there is no file."""
    try:
        return f'"{hashlib.sha256(read_bytes(path)).hexdigest()[:32]}"'
    except OSError:
        return ""


def watched_etag(path: Path) -> str:
    """Return `etag_of` for a file that is looked at every second: it is read again where its date or size has changed."""
    known = stat_or_none(path)
    return "" if known is None else _etag_at(path, known.st_mtime_ns, known.st_size, known.st_ino)


@lru_cache(maxsize=256)
def _etag_at(path: Path, *_mark: int) -> str:
    return etag_of(path)


def read_shot_file(path: Path) -> ShotFile:
    """Read a shot file. Raises `UsageError` `no-shot` and the codes of `parse_document`."""
    try:
        text = read_bytes(path)
    except OSError as error:
        raise UsageError("no-shot", f"The file {path} cannot be read: {error.strerror}.") from error
    etag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    return ShotFile(path, parse_document(text, ShotDocument, str(path)), etag)


def edit_shot_file(path: Path, edits: Sequence[Edit], etag: str) -> tuple[ShotFile, list[dict[str, Any]]]:
    """Apply `edits` to a shot file and write it; return it with the edits that bring back what was.

    Raises
    ------
    UsageError
        `shot-changed` where the file is no longer the one of `etag`, and what the edits raise. The file is then as it was.
    """
    with _WRITING:
        before = read_shot_file(path)
        if before.etag != etag:
            raise UsageError("shot-changed", f"{path.name} was changed by somebody else; it is shown as it is now.")
        document = before.document
        for edit in edits:
            document = edited(document, edit)
        if document != before.document:
            write_document(document, path)
        return read_shot_file(path), _undoing(before.document, document)


def edited(document: ShotDocument, edit: Edit) -> ShotDocument:
    """Return the document with one edit applied: `set`, `key`, `unkey`, `put`, `take` or `restore-take`.

    Raises `UsageError` `bad-edit`, and what the functions of `faceplate.shot.edit` raise.
    """
    do = edit.get("do")
    face = edit.get("face")
    try:
        if do == "set":
            frames = edit.get("frames")
            values = {edit["name"]: edit["value"]}
            return set_face(document, face, values, frames) if face else set_values(document, values, frames)
        if do in ("key", "unkey"):
            name, frame = edit["name"], edit["frame"]
            value = edit["value"] if do == "key" else None
            how = edit.get("interpolation", "linear")
            if face:
                return set_face_key(document, face, name, frame, value, how)
            return set_key(document, name, frame, value, how)
        if do == "put":
            return _put(document, edit["path"], edit["value"])
        if do == "take":
            return record_take(document, edit.get("note", ""))
        if do == "restore-take":
            return restore_take(document, edit["take"])
    except KeyError as error:
        raise UsageError("bad-edit", f"The edit '{do}' lacks the field {error.args[0]!r}.") from error
    raise UsageError("bad-edit", f"There is no edit '{do}'; it can be set, key, unkey, put, take or restore-take.")


def _put(document: ShotDocument, path: Sequence[str], value: Any) -> ShotDocument:
    """Return the document with the value at `path`, a key or a key and an entry of it; None removes it."""
    plain = plain_document(document)
    known = len(path) == 1 and path[0] in ShotDocument.model_fields
    if not known and not (len(path) == 2 and path[0] in _BY_ENTRY):
        raise UsageError("bad-edit", f"A shot has no place {'.'.join(map(str, path)) or '(none)'}.")
    place = plain
    for part in path[:-1]:
        place = place.setdefault(part, {})
    if value is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return made_document(plain)


def _undoing(before: ShotDocument, after: ShotDocument) -> list[dict[str, Any]]:
    """Return the `put` edits that turn `after` back into `before`."""
    old, new = plain_document(before), plain_document(after)
    edits: list[dict[str, Any]] = []
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) == new.get(key):
            continue
        if key in _BY_ENTRY:
            one, two = old.get(key, {}), new.get(key, {})
            edits += [
                {"do": "put", "path": [key, name], "value": one.get(name)}
                for name in dict.fromkeys([*one, *two])
                if one.get(name) != two.get(name)
            ]
        else:
            edits.append({"do": "put", "path": [key], "value": old.get(key)})
    return edits
