"""Routes of the notes and the approval of a shot."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header

from faceplate.shot import ShotDocument, read_document
from faceplate.workspace.desk import Desk
from faceplate.workspace.notes import Notes, edit_notes, notes_path, read_notes
from faceplate.workspace.shot_file import etag_of
from faceplate.workspace.shot_routes import Edits

__all__ = ["notes_router"]


def notes_router(desk: Desk) -> APIRouter:
    """Return the routes of notes."""
    router = APIRouter()

    @router.get("/v1/ui/notes")
    def read(shot: str) -> dict[str, Any]:
        """Return the notes and the approval of a shot; the etag is "" where there is no file yet."""
        path = notes_path(desk.path(shot))
        etag = etag_of(path)
        return _answer(str(path), etag, read_notes(path))

    @router.post("/v1/ui/notes")
    def change(shot: str, edits: Edits, if_match: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Change the notes by a list of edits, where they still have the etag of If-Match."""
        file = desk.path(shot)
        take = max((take.take for take in read_document(file, ShotDocument).takes or ()), default=None)
        path = notes_path(file)
        notes = edit_notes(path, edits.edits, if_match, take)
        return _answer(str(path), etag_of(path), notes)

    return router


def _answer(path: str, etag: str, notes: Notes) -> dict[str, Any]:
    held = notes.model_dump(mode="json")
    return {"path": path, "etag": etag, "notes": held["notes"], "approval": held["approval"]}
