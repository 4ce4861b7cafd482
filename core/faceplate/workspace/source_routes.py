"""Routes of a shot's source: its pictures, its sheet, and pictures that are dropped in."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from faceplate.cache import code_mark
from faceplate.errors import UsageError
from faceplate.render import Renderer
from faceplate.review.source_sheet import write_source_sheet
from faceplate.source.pictures import source_files
from faceplate.system.paths import cache_folder
from faceplate.system.user_paths import exists, fingerprint_of
from faceplate.workspace.desk import Desk
from faceplate.workspace.source_view import find_picture, map_thumbnail, source_answer, thumbnail
from faceplate.workspace.upload import take_picture

__all__ = ["UPLOAD", "source_router"]

UPLOAD = "/v1/ui/source/picture"
"""The route that takes a picture as its body."""


def source_router(desk: Desk) -> APIRouter:
    """Return the routes of sources."""
    router = APIRouter()

    @router.get("/v1/ui/source")
    def read(shot: str, face: str | None = None) -> dict[str, Any]:
        """Return a shot's source: its pictures, what is missing, its release."""
        return source_answer(_with_source(desk, shot, face))

    @router.get(UPLOAD)
    def picture(
        shot: str, name: str, face: str | None = None, size: Annotated[int, Query(ge=16, le=2048)] = 256
    ) -> Response:
        """Return a picture of the source as a small JPEG."""
        renderer = _with_source(desk, shot, face)
        file = find_picture(_folder(renderer), name)
        desk.service.roots.check(file)
        return _jpeg(thumbnail(file, renderer.color, renderer.shot.source_space, size))

    @router.get("/v1/ui/source/map")
    def one_map(
        shot: str,
        name: str,
        kind: Literal["maps", "texture", "own"],
        face: str | None = None,
        size: Annotated[int, Query(ge=16, le=2048)] = 256,
    ) -> Response:
        """Return what was found in a used picture as a small JPEG: hair, glasses and shadow; its texture; its own skin."""
        return _jpeg(map_thumbnail(_with_source(desk, shot, face).source, name, kind, size))

    @router.get("/v1/ui/source/sheet")
    def sheet(shot: str, face: str | None = None) -> Response:
        """Return the source's sheet as JPEG: each picture with its maps and texture, and the atlas."""
        renderer = _with_source(desk, shot, face)
        pictures = fingerprint_of(source_files(_folder(renderer)))
        name = hashlib.sha256(f"{pictures} {code_mark()}".encode()).hexdigest()[:24]
        path = cache_folder() / "sheets" / f"{name}.jpg"
        if not exists(path):
            write_source_sheet(renderer.source, path)
        return _jpeg(path.read_bytes())

    @router.post(UPLOAD, status_code=201)
    async def add(shot: str, name: str, request: Request, face: str | None = None) -> dict[str, Any]:
        """Add a picture, the body's bytes, to the source's folder."""
        data = await request.body()
        return await run_in_threadpool(_added, desk, shot, face, name, data)

    return router


def _added(desk: Desk, shot: str, face: str | None, name: str, data: bytes) -> dict[str, Any]:
    folder = _folder(_with_source(desk, shot, face))
    desk.service.roots.check(folder)
    take_picture(folder, name, data)
    return source_answer(_with_source(desk, shot, face))


def _with_source(desk: Desk, shot: str, face: str | None) -> Renderer:
    renderer = desk.renderer(shot, face)
    return renderer.faces[0] if renderer.faces else renderer


def _folder(renderer: Renderer) -> Path:
    if renderer.shot.source is None:
        raise UsageError("no-source", "The shot names no source yet; choose a folder of the person's pictures.")
    return renderer.shot.source


def _jpeg(data: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type="image/jpeg", headers=headers)
