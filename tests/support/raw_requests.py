"""Raw HTTP requests to an engine, and its stream of events."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from engines import state_of
from faceplate_client import Engine


def raw_request(
    engine: Engine, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
    """A raw request, so that headers can be wrong. Underscores in names are hyphens."""
    state = state_of(Path(engine.folder))
    assert state is not None
    connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=30)
    sent = {"Authorization": f"Bearer {state['token']}"}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    connection.request(method, path, body, {name: value for name, value in sent.items() if value})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    try:
        return response.status, json.loads(data), response
    except ValueError:
        return response.status, {}, response


def event_stream(engine: Engine, job: str, after: int) -> str:
    state = state_of(Path(engine.folder)) or {}
    connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=30)
    headers = {"Authorization": f"Bearer {state['token']}", "Last-Event-ID": str(after)}
    connection.request("GET", f"/v1/jobs/{job}/events", headers=headers)
    response = connection.getresponse()
    assert response.getheader("Content-Type", "").startswith("text/event-stream")
    text = response.read().decode()
    connection.close()
    return text
