"""Checks every request before its route: the token, where the request comes from, and the size of its body.

A loopback address is not enough: a web page in a browser of the same machine can send requests to it, under a host name
that resolves to 127.0.0.1 (DNS rebinding). So the Host header must name this service, an Origin header, where there is
one, too, and the token must be right.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

__all__ = ["Guard", "answer", "client"]

# A browser has no token. These pages describe the service and show nothing of any job.
_OPEN = {"/docs", "/openapi.json"}
_BODY_PATIENCE = 30.0


class Guard:
    """ASGI middleware.

    `port` is the port that Host and Origin must name; `seen(pid, bound, quiet)` is called for every accepted request.
    """

    def __init__(
        self, app: Any, *, port: int, token: str, body_limit: int, seen: Callable[[int | None, bool, bool], None]
    ) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._token = token
        self._limit = body_limit
        self._seen = seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass an accepted request on with its whole body, or answer why it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["path"], headers)
        body = refusal or await self._body(headers, receive)
        if isinstance(body, tuple):
            await answer(send, *body)
            return
        if scope["path"] not in _OPEN:
            self._seen(*client(headers.get("faceplate-client", "")), scope["path"] == "/v1/status")
        await self._app(scope, _replayed(body, receive), send)

    def _refusal(self, path: str, headers: dict[str, str]) -> tuple[int, str, str] | None:
        if headers.get("host", "").lower() not in self._hosts:
            return 403, "foreign-host", "The engine answers only to its own address on this machine."
        origin = headers.get("origin")
        if origin is not None and origin.lower().removeprefix("http://") not in self._hosts:
            return 403, "foreign-origin", "The engine does not answer to web pages."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "foreign-origin", "The engine does not answer to web pages."
        if path in _OPEN:
            return None
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secrets.compare_digest(token.strip().encode(), self._token.encode()):
            return 401, "bad-token", "The token is missing or wrong; read it from the engine's state file."
        return None

    async def _body(self, headers: dict[str, str], receive: Any) -> bytes | tuple[int, str, str]:
        """Return the whole body, or why it is refused. It is read before any route, so that a large or slow body ends here."""
        too_large = (413, "body-too-large", f"A request may hold {self._limit >> 20} MiB; send the rest as files.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limit:
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
                    if size > self._limit:
                        return too_large
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            return 408, "too-slow", f"The request did not arrive within {_BODY_PATIENCE:g} s."


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
