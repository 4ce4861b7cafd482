"""Routes of the viewer: pictures, pixel values, layers."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AfterValidator

from faceplate.render.composite import LAYERS
from faceplate.workspace.desk import Desk
from faceplate.workspace.picture_kinds import file_layers
from faceplate.workspace.takes import output_of_take
from faceplate.workspace.viewer import Asked, From, Viewer

__all__ = ["picture_router"]


def _checked_proxy(proxy: int) -> int:
    if proxy not in (1, 2, 4):
        raise ValueError("it can be 1, 2 or 4")
    return proxy


def _asked(
    shot: str,
    frame: int,
    show: str = "result",
    proxy: Annotated[int, AfterValidator(_checked_proxy)] = 1,
    origin: Annotated[From, Query(alias="from")] = "auto",
    take: int | None = None,
    values: str = "",
    tab: str = "",
) -> Asked:
    return Asked(shot, frame, show, proxy, origin, take, values, tab)


AskedQuery = Annotated[Asked, Depends(_asked)]


def picture_router(desk: Desk) -> APIRouter:
    """Return the routes of the viewer."""
    router = APIRouter()
    viewer = Viewer(desk)

    @router.get("/v1/ui/picture")
    def picture(asked: AskedQuery, if_none_match: Annotated[str, Header()] = "") -> Response:
        """Return a picture of a frame: half-float pixels in plate space, described by the header Faceplate-Picture."""
        found = viewer.find(asked)
        headers = {"ETag": found.etag, "Cache-Control": "no-store"}
        if found.etag == if_none_match:
            return Response(status_code=304, headers=headers)
        made = viewer.picture(asked, found)
        headers["Faceplate-Picture"] = json.dumps(made.about)
        return Response(made.data, media_type="application/octet-stream", headers=headers)

    @router.get("/v1/ui/probe")
    def probe(asked: AskedQuery, x: int, y: int) -> dict[str, Any]:
        """Return the values of one pixel of the plate's grid, in plate space, as float32."""
        return viewer.values_at(asked, x, y)

    @router.get("/v1/ui/layers")
    def layers(shot: str, take: int | None = None) -> dict[str, Any]:
        """Return the pictures that can be shown: of frames rendered now, and of the rendered files."""
        opened = desk.open(shot)
        output = output_of_take(opened, take) if opened.shot.output or take is not None else None
        first = next((output.path(frame) for frame in output.on_disk()), None) if output is not None else None
        live = ["plate", "result", "element", "matte", *(name for name in LAYERS if name not in ("matte", "parts"))]
        return {"live": live, "file": [] if first is None else file_layers(first)}

    return router
