"""Routes before a shot is open: the home page, folders, plates, and new shots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from faceplate.plate import Sequence
from faceplate.service.sessions import page_environ
from faceplate.system.user_paths import exists
from faceplate.workspace.browse import allowed, folder_answer, start_folder
from faceplate.workspace.demo_shot import demo_shot
from faceplate.workspace.desk import Desk
from faceplate.workspace.new_shot import create_shot, plate_answer
from faceplate.workspace.recent import recent_shots
from faceplate_client.version import __version__

__all__ = ["home_router"]


class NewShot(BaseModel):
    """A shot to create: its folder and name, the plate, and where they are known the source and the plate's space."""

    model_config = ConfigDict(extra="forbid")

    folder: str
    name: str
    plate: str
    source: str | None = None
    space: str | None = None


def home_router(desk: Desk) -> APIRouter:
    """Return the routes of the home page."""
    router = APIRouter()
    roots = desk.service.roots

    @router.get("/v1/ui/home")
    def home() -> dict[str, Any]:
        """Return the allowed folders, the shots that were opened last, and the demo."""
        demo = demo_shot(roots)
        return {
            "engine": __version__,
            "roots": [str(folder) for folder in roots.folders],
            "start": str(start_folder(roots)),
            "recent": [item for item in recent_shots() if allowed(roots, item["path"])],
            "demo": str(demo) if exists(demo) else None,
            "pictures": desk.pictures.usage(),
        }

    @router.get("/v1/ui/browse")
    def browse(folder: str = "") -> dict[str, Any]:
        """Return what lies in a folder: folders, shot files, sequences, movies."""
        return folder_answer(roots, folder)

    @router.get("/v1/ui/plate")
    def plate(pattern: str) -> dict[str, Any]:
        """Return what a plate says of itself, and the config's colour spaces."""
        sequence = Sequence.parse(pattern)
        roots.check(sequence.folder, sequence.path(0) if sequence.padding is None else None)
        roots.check(*(sequence.path(frame) for frame in sequence.on_disk()[:1]))  # it may be a link
        return plate_answer(pattern, page_environ.get().get("OCIO"))

    @router.post("/v1/ui/shots", status_code=201)
    def create(request: NewShot) -> dict[str, Any]:
        """Create a shot file."""
        sequence = Sequence.parse(request.plate)
        roots.check(request.folder, sequence.folder, request.source)
        path = create_shot(Path(request.folder), request.name, request.plate, request.source, request.space)
        return {"shot": str(path)}

    return router
