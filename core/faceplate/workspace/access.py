"""Lets the page in: a ticket for a link, and a session for a ticket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from faceplate.service.app import Service
from faceplate.service.guard import EXCHANGE, PAGE, PAGE_KEY, cookie_name, session_of
from faceplate_client.version import __version__

__all__ = ["access_router"]


class TicketRequest(BaseModel):
    """The shot file that the page is to open, or the folder of a model, "" for none; and the user's variables, as `$OCIO`."""

    model_config = ConfigDict(extra="forbid")

    shot: str = ""
    model: str = ""
    environ: dict[str, str] = Field(default_factory=dict)


class ExchangeRequest(BaseModel):
    """A ticket from a link."""

    model_config = ConfigDict(extra="forbid")

    ticket: str


def access_router(service: Service) -> APIRouter:
    """Return the routes of tickets and sessions."""
    router = APIRouter()
    started = datetime.now(UTC).isoformat(timespec="milliseconds")

    @router.post("/v1/ui/ticket")
    def ticket(request: TicketRequest) -> dict[str, Any]:
        """Return a link that opens the page once, within a minute. Needs the token."""
        service.roots.check(request.shot, request.model)
        text = service.sessions.ticket(request.shot, request.environ)
        place = f"#shot={quote(request.shot)}" if request.shot else ""
        place = f"#train={quote(request.model)}" if request.model else place
        return {"ticket": text, "url": f"http://127.0.0.1:{service.port}{PAGE}?ticket={text}{place}"}

    @router.post(EXCHANGE)
    def exchange(request: ExchangeRequest, response: Response) -> dict[str, Any]:
        """Exchange a ticket for a session: a cookie, and the key that every request of the page carries."""
        cookie, key, shot = service.sessions.exchange(request.ticket)
        response.set_cookie(cookie_name(service.port), cookie, httponly=True, samesite="strict", path="/")
        response.headers["Cache-Control"] = "no-store"
        return {"key": key, "engine": __version__, "shot": shot or None, "started": started}

    @router.get(EXCHANGE)
    def session() -> dict[str, Any]:
        """Return the engine's version and when it was started, to a page that has a session."""
        return {"engine": __version__, "started": started}

    @router.delete(EXCHANGE)
    def end(request: Request) -> dict[str, Any]:
        """End the session of the page that asks."""
        headers = {**request.headers, PAGE_KEY: request.headers.get(PAGE_KEY, "")}
        service.sessions.end(*session_of(headers, service.port))
        return {"ended": True}

    return router
