"""HTTP requests to the engine on this machine: JSON both ways, never through a proxy."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from typing import Any

from .errors import EngineError
from .version import __version__

__all__ = ["Address", "LostError", "events", "request"]

# Seconds without data after which a stream counts as lost; the engine sends a ping every few seconds.
SILENCE = 30.0


class LostError(Exception):
    """The engine does not answer, or the connection broke."""


class Address:
    """An engine's port and token, and whether it drops this process's jobs when this process ends (`bound`)."""

    def __init__(self, port: int, token: str, bound: bool = False) -> None:
        self.port = port
        self.token = token
        self.bound = bound

    def headers(self) -> dict[str, str]:
        """Return the headers of a request: token, process, client version."""
        return {
            "Authorization": "Bearer " + self.token,
            "Faceplate-Client": "{} {}{}".format(os.getpid(), __version__, " bound" if self.bound else ""),
            "Accept": "application/json",
        }


def request(address: Address, method: str, path: str, body: Any = None, timeout: float = 60.0) -> Any:
    """Send a request and return the answer's JSON.

    Raises
    ------
    EngineError
        With the engine's own code and sentence.
    LostError
        When the engine does not answer.
    """
    connection, response = _send(address, method, path, body, timeout)
    try:
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise LostError(str(error)) from None
    finally:
        connection.close()
    return _checked(response.status, data)


def events(address: Address, path: str, after: int = 0, silence: float = SILENCE) -> Iterator[dict[str, Any]]:
    """Yield the events of a server-sent stream, each ``{"event": kind, "id": number, …its data}``, until it ends.

    Parameters
    ----------
    address : Address
    path : str
    after : int
        Number of the last event that is already known.
    silence : float
        Seconds without data after which the stream counts as lost.

    Raises
    ------
    LostError
        When the stream breaks off.
    EngineError
        As `request` does.
    """
    extra = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    connection, response = _send(address, "GET", path, None, silence, extra)
    try:
        if response.status != 200:
            _checked(response.status, response.read())
        fields: dict[str, str] = {}
        for raw in response:
            line = raw.decode("utf-8").rstrip("\r\n")
            if line:
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value[1:] if value.startswith(" ") else value
            elif "data" in fields:
                event = json.loads(fields["data"])
                event["event"] = fields.get("event", "message")
                event["id"] = int(fields.get("id", "0"))
                fields = {}
                yield event
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LostError(str(error)) from None
    finally:
        connection.close()


def _send(address, method, path, body, timeout, extra=None):
    # Unlike urllib, http.client ignores the variable http_proxy.
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=timeout)
    headers = address.headers()
    headers.update(extra or {})
    data = None
    if body is not None:
        data = json.dumps(body).encode("utf-8")
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, data, headers)
        return connection, connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise LostError(str(error) or type(error).__name__) from None


def _checked(status: int, data: bytes) -> Any:
    try:
        value = json.loads(data.decode("utf-8")) if data else {}
    except ValueError:
        value = {}
    if status < 400:
        return value
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        raise EngineError("engine-answer", f"The engine answered with HTTP status {status}.")
    # Another engine may have been started on the port of one that has ended; its state file has the new token.
    if error.get("code") in ("engine-stopping", "bad-token"):
        raise LostError(str(error.get("message")))
    raise EngineError(str(error.get("code")), str(error.get("message")))
