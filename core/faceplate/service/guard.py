"""Checks every request before its route: the token, where the request comes from, and the size of its body.

A loopback address is not enough: a web page in a browser of the same machine can send requests to it, under a host name
that resolves to 127.0.0.1 (DNS rebinding). So the Host header must name this service, an Origin header, where there is
one, too, and the token must be right.

The workspace's page has no token but a session (`Sessions`): its cookie, and its key in the header `Faceplate-Page`. A request
of a session that changes something must name this service as its Origin, which browsers set and scripts cannot.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from faceplate.service.sessions import Sessions, page_environ

__all__ = ["EXCHANGE", "PAGE", "PAGE_KEY", "Guard", "answer", "client", "cookie_name", "session_of"]

PAGE = "/ui/"
"""The folder of the workspace's page."""

PAGE_KEY = "faceplate-page"
"""The header with the key of a session."""

EXCHANGE = "/v1/ui/session"
"""The route that gives a session for a ticket."""

# A browser has no token. These pages describe the service and show nothing of any job.
_OPEN = {"/docs", "/openapi.json"}
# A session is the page's; what ends the engine or lets others in needs the token.
_TOKEN_ONLY = {"/v1/stop", "/v1/ui/ticket"}
_READS = ("GET", "HEAD")
_BODY_PATIENCE = 30.0


class Guard:
    """ASGI middleware.

    `port` is the port that Host and Origin must name; `seen(pid, bound, quiet)` is called for every accepted request. A body
    may hold `body_limit` bytes, or what `body_limits` says for its path.
    """

    def __init__(
        self,
        app: Any,
        *,
        port: int,
        token: str,
        body_limit: int,
        seen: Callable[[int | None, bool, bool], None],
        sessions: Sessions | None = None,
        body_limits: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._port = port
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._token = token
        self._limit = body_limit
        self._limits = body_limits or {}
        self._seen = seen
        self._sessions = sessions or Sessions()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass an accepted request on with its whole body, or answer why it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], scope["path"], headers)
        body = refusal or await self._body(headers, receive, self._limits.get(scope["path"], self._limit))
        if isinstance(body, tuple):
            await answer(send, *body)
            return
        if PAGE_KEY in headers:
            page_environ.set(self._sessions.environ(*session_of(headers, self._port)))
        if not _is_open(scope["method"], scope["path"]):
            self._seen(*client(headers.get("faceplate-client", "")), scope["path"] == "/v1/status")
        await self._app(scope, _replayed(body, receive), send)

    def _refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str, str] | None:
        if headers.get("host", "").lower() not in self._hosts:
            return 403, "foreign-host", "The engine answers only to its own address on this machine."
        origin = headers.get("origin")
        if origin is not None and origin.lower().removeprefix("http://") not in self._hosts:
            return 403, "foreign-origin", "The engine does not answer to web pages."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "foreign-origin", "The engine does not answer to web pages."
        if _is_open(method, path):
            return None
        if (method, path) == ("POST", EXCHANGE):  # the ticket in its body is checked by the route
            return None if origin is not None else _NO_ORIGIN
        if "authorization" not in headers and PAGE_KEY in headers:
            return self._page_refusal(method, path, headers)
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secrets.compare_digest(token.strip().encode(), self._token.encode()):
            return 401, "bad-token", "The token is missing or wrong; read it from the engine's state file."
        return None

    def _page_refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str, str] | None:
        """Return why a request of the workspace's page is refused."""
        if not self._sessions.accepts(*session_of(headers, self._port)):
            return 401, "bad-session", "The page's session has ended; open the page again with faceplate ui."
        if path in _TOKEN_ONLY:
            return 401, "bad-token", "A page cannot ask for this; it needs the token of the engine's state file."
        # A browser sends Origin with every request that is not GET or HEAD; one without it comes from something else.
        return _NO_ORIGIN if method not in _READS and "origin" not in headers else None

    async def _body(self, headers: dict[str, str], receive: Any, limit: int) -> bytes | tuple[int, str, str]:
        """Return the whole body, or why it is refused. It is read before any route, so that a large or slow body ends here."""
        too_large = (413, "body-too-large", f"A request may hold {limit >> 20} MiB; send the rest as files.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            return too_large
        parts, size = [], 0
        try:
            async with asyncio.timeout(_BODY_PATIENCE):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return 400, "bad-request", "The request was cut off."
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limit:
                        return too_large
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            return 408, "too-slow", f"The request did not arrive within {_BODY_PATIENCE:g} s."


_NO_ORIGIN = (403, "foreign-origin", "A page's request must say that it comes from the engine's own page.")


def _is_open(method: str, path: str) -> bool:
    """Say whether anybody may read `path`: the list of routes, and the files of the page, which hold no data."""
    return path in _OPEN or (method in _READS and (path == PAGE.rstrip("/") or path.startswith(PAGE)))


def cookie_name(port: int) -> str:
    """Return the name of the session's cookie; the port is part of it, because ports of one host share their cookies."""
    return f"faceplate_{port}"


def session_of(headers: Mapping[str, str], port: int) -> tuple[str, str]:
    """Return the cookie and the key of a request, "" where they are missing."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(port))
    except CookieError:
        found = None
    return (found.value if found else ""), headers.get(PAGE_KEY, "").strip()


async def answer(send: Any, status: int, code: str, message: str) -> None:
    """Send an error. The connection is closed, because the rest of the body may still be on its way."""
    data = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": data})


def client(header: str) -> tuple[int | None, bool]:
    """Return the process that asks, and whether its jobs end with it, from the Faceplate-Client header."""
    words = header.split()
    return (int(words[0]) if words and words[0].isdigit() else None), "bound" in words


def _replayed(body: bytes, receive: Any) -> Any:
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
