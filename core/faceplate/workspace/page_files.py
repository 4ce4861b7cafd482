"""Serves the files of the page: under its own folder alone, with a policy that loads nothing from elsewhere."""

from __future__ import annotations

import mimetypes
from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from faceplate.service.guard import PAGE

__all__ = ["FOLDER", "HEADERS", "page_router"]

FOLDER = Path(__file__).parent / "page"
"""The built files of the page."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every file of the page: nothing from the network, nothing inline, no frame around it."""

# What Python's own table, which a system may change, must not decide.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}


def page_router(folder: Path = FOLDER) -> APIRouter:
    """Return the routes of the page's files in `folder`."""
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE.rstrip("/"))
    def short() -> RedirectResponse:
        return RedirectResponse(PAGE)

    @router.get(PAGE + "{name:path}")
    def file(name: str) -> Response:
        """Send one file of the page; index.html where no name is given."""
        found = _file(folder, name or "index.html")
        if found is None:
            return JSONResponse(
                {"error": {"code": "no-route", "message": f"The page has no file {name or 'index.html'}."}},
                404,
                headers=HEADERS,
            )
        kind = _TYPES.get(found.suffix) or mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        kept = "no-store" if found.suffix == ".html" else "private, max-age=31536000, immutable"
        return FileResponse(found, media_type=kind, headers={**HEADERS, "Cache-Control": kept})

    return router


def _file(folder: Path, name: str) -> Path | None:
    """Return the file `name` in `folder`; None where there is none, or where the name leaves the folder."""
    parts = PurePosixPath(name).parts
    if "\\" in name or "\0" in name or any(part in ("..", "/") or part.startswith(".") for part in parts):
        return None
    path = folder.joinpath(*parts)
    real = path.resolve()
    return real if real.is_relative_to(folder.resolve()) and real.is_file() else None
