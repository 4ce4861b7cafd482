"""Notes on frames and the approval of a shot, in a file beside the shot file: `sh010.notes.json`.

It is a file of its own, so that a supervisor's note does not change what frames are made of. It is written whole or not at all.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceplate.errors import UsageError
from faceplate.shot import first_fault
from faceplate.system.atomic import write_bytes
from faceplate.system.user_paths import exists, read_bytes
from faceplate.workspace.shot_file import etag_of

__all__ = ["Approval", "Note", "Notes", "edit_notes", "notes_path", "read_notes"]

VERSION = 1
_WRITING = threading.Lock()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Note(_Part):
    """A note: on a plate frame, or on the whole shot where `frame` is None. `made` is the time in UTC."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    frame: Annotated[int, Field(ge=-10_000_000, le=10_000_000)] | None = None
    text: Annotated[str, Field(min_length=1, max_length=10_000)]
    author: Annotated[str, Field(max_length=200)] = ""
    made: str
    done: bool = False
    take: Annotated[int, Field(ge=1)] | None = None


class Approval(_Part):
    """A decision on the shot, with the name of the person who made it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    made: str
    state: Literal["approved", "changes"] = "approved"
    take: Annotated[int, Field(ge=1)] | None = None
    comment: Annotated[str, Field(max_length=10_000)] = ""


class Notes(_Part):
    """The file of a shot's notes."""

    faceplate_notes: Literal[1] = VERSION
    notes: tuple[Note, ...] = ()
    approval: Approval | None = None


def notes_path(shot: Path) -> Path:
    """Return the file of a shot file's notes, beside it."""
    return shot.with_name(shot.name.removesuffix(".shot.json") + ".notes.json")


def read_notes(path: Path) -> Notes:
    """Read a file of notes; an absent one has none. Raises `UsageError` `bad-notes`, `newer-notes`."""
    if not exists(path):
        return Notes()
    try:
        text = read_bytes(path)
    except OSError as error:
        raise UsageError("bad-notes", f"The notes {path} cannot be read: {error.strerror}.") from error
    try:
        return Notes.model_validate_json(text)
    except ValidationError as error:
        if any(fault["loc"] == ("faceplate_notes",) and _is_newer(fault["input"]) for fault in error.errors()):
            raise UsageError(
                "newer-notes", f"{path} was written by a newer Faceplate; this one reads version {VERSION}."
            ) from error
        raise UsageError("bad-notes", f"{path} is not usable: {first_fault(error)}.") from error


def edit_notes(path: Path, edits: Sequence[Mapping[str, Any]], etag: str, take: int | None) -> Notes:
    """Apply edits (`add`, `done`, `remove`, `approve`, `withdraw`) to the notes and write them.

    `take` is the shot's latest take, to which new notes and an approval belong. Raises `UsageError` `notes-changed` where
    the file is not the one of `etag`, `bad-edit`, and those of `read_notes`.
    """
    with _WRITING:
        if etag_of(path) != etag:
            raise UsageError("notes-changed", f"{path.name} was changed by somebody else; it is shown as it is now.")
        notes = read_notes(path)
        for edit in edits:
            notes = _edited(notes, edit, take)
        write_bytes(path, (notes.model_dump_json(indent=1, exclude_none=True) + "\n").encode())
        return notes


def _edited(notes: Notes, edit: Mapping[str, Any], take: int | None) -> Notes:
    do, now = edit.get("do"), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    held = {note.id: note for note in notes.notes}
    try:
        if do == "add":
            given = {name: edit[name] for name in ("frame", "text", "author") if name in edit}
            note = Note(id=secrets.token_hex(6), made=now, take=take, **given)
            return notes.model_copy(update={"notes": (*notes.notes, note)})
        if do in ("done", "remove"):
            if edit["id"] not in held:
                raise UsageError("bad-edit", f"There is no note '{edit['id']}'; it may have been removed.")
            if do == "remove":
                return notes.model_copy(update={"notes": tuple(n for n in notes.notes if n.id != edit["id"])})
            held[edit["id"]] = held[edit["id"]].model_copy(update={"done": bool(edit["done"])})
            return notes.model_copy(update={"notes": tuple(held.values())})
        if do == "approve":
            given = {name: edit[name] for name in ("name", "state", "comment") if name in edit}
            return notes.model_copy(update={"approval": Approval(made=now, take=take, **given)})
        if do == "withdraw":
            return notes.model_copy(update={"approval": None})
    except KeyError as error:
        raise UsageError("bad-edit", f"The edit '{do}' lacks the field {error.args[0]!r}.") from error
    except ValidationError as error:
        raise UsageError("bad-edit", f"The edit '{do}' is wrong: {first_fault(error)}.") from error
    raise UsageError("bad-edit", f"There is no edit '{do}'; it can be add, done, remove, approve or withdraw.")


def _is_newer(value: Any) -> bool:
    return isinstance(value, int) and value > VERSION
