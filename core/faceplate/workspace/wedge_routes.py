"""Routes of wedges: which ones lie beside a shot, what one holds, and its sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from faceplate.errors import UsageError
from faceplate.review.wedge import read_wedge
from faceplate.review.wedge.document import DOCUMENT
from faceplate.system.user_paths import entries, is_file, read_bytes
from faceplate.workspace.desk import Desk

__all__ = ["wedge_router"]


def wedge_router(desk: Desk) -> APIRouter:
    """Return the routes of wedges."""
    router = APIRouter()

    @router.get("/v1/ui/wedges")
    def wedges(shot: str) -> dict[str, Any]:
        """Return the folders of the wedges that lie beside a shot file."""
        folder = desk.path(shot).parent
        return {"folders": [str(path) for path in entries(folder) if is_file(path / DOCUMENT)]}

    @router.get("/v1/ui/wedge")
    def wedge(folder: str) -> dict[str, Any]:
        """Return what a wedge holds: `wedge.json`, and its folder."""
        return {**read_wedge(_folder(desk, folder)).model_dump(mode="json"), "folder": folder}

    @router.get("/v1/ui/wedge/sheet")
    def sheet(folder: str, frame: int) -> Response:
        """Return the contact sheet of one frame as PNG."""
        place = _folder(desk, folder)
        found = next((sheet.file for sheet in read_wedge(place).sheets if sheet.frame == frame), None)
        # A document that somebody else wrote must not name a file outside its folder.
        if found is None or Path(found).name != found or not found.endswith(".png"):
            raise UsageError("no-sheet", f"The wedge {folder} has no sheet of frame {frame}.")
        path = place / found
        desk.service.roots.check(path)
        try:
            data = read_bytes(path)
        except OSError as error:
            raise UsageError("no-sheet", f"The sheet {path} cannot be read; make the wedge again.") from error
        return Response(
            data, media_type="image/png", headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        )

    return router


def _folder(desk: Desk, folder: str) -> Path:
    """Return the folder of a wedge. Raises `UsageError` `no-wedge`, `outside-roots`."""
    desk.service.roots.check(folder)
    if not Path(folder).is_absolute():
        raise UsageError("no-wedge", f"'{folder}' is not the full path of a wedge's folder.")
    return Path(folder)
