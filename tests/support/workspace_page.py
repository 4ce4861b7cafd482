"""A page of the workspace as a browser would be one: an engine in this process behind its guard, a session, and requests."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import uvicorn

from faceplate.cache import StageCache
from faceplate.cache.stages import CacheSettings
from faceplate.render.cache_types import KINDS
from faceplate.service.app import Service, make_app
from faceplate.service.guard import Guard
from faceplate.service.roots import Roots
from faceplate.service.sessions import Sessions
from faceplate.workspace import extension

__all__ = ["Answer", "Page", "serving"]

TOKEN = "token-of-the-tests"


@dataclass(frozen=True)
class Answer:
    """An answer: status, headers, bytes."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]

    @property
    def picture(self) -> tuple[dict[str, Any], np.ndarray]:
        about = json.loads(self.headers["faceplate-picture"])
        pixels = np.frombuffer(self.data, "<f2").reshape(about["height"], about["width"], about["channels"])
        return about, pixels.astype(np.float32)


@dataclass
class Page:
    """One page, or whoever pretends to be one: `headers` are sent with every request."""

    port: int
    service: Service
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        sent = {**self.headers, **(headers or {})}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None and not isinstance(body, bytes):
            sent["Content-Type"] = "application/json"
        chosen = {name: value for name, value in query.items() if value is not None}
        connection.request(method, f"{path}?{urlencode(chosen)}" if chosen else path, data, sent)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status == 200, (path, answer.status, answer.data[:400])
        return answer.json

    def picture(self, shot: Path, frame: int, **query: Any) -> tuple[dict[str, Any], np.ndarray]:
        answer = self.ask("GET", "/v1/ui/picture", shot=str(shot), frame=frame, **query)
        assert answer.status == 200, answer.data[:400]
        return answer.picture

    def finished(self, job: dict[str, Any], seconds: float = 120.0) -> dict[str, Any]:
        end, found = time.monotonic() + seconds, job
        while time.monotonic() < end:
            found = self.get(f"/v1/jobs/{job['job']}")
            if found["state"] in ("done", "failed", "cancelled", "superseded"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"the job did not end: {found}")


@contextmanager
def serving(roots: tuple[Path, ...] = (), sessions: Path | None = None, cache: bool = True) -> Iterator[Page]:
    """An engine with the workspace on a port of its own, and a page that has a session."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    service = Service(
        roots=Roots(roots),
        cache=StageCache(CacheSettings(1 << 29), KINDS) if cache else StageCache(CacheSettings(0), KINDS),
        sessions=Sessions(sessions),
        port=port,
    )
    more = extension()
    app = make_app(service)
    more.add(app, service)
    guarded = Guard(
        app,
        port=port,
        token=TOKEN,
        body_limit=8 << 20,
        seen=lambda *_: None,
        sessions=service.sessions,
        body_limits=more.body_limits,
    )
    server = uvicorn.Server(uvicorn.Config(guarded, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    service.queue.start()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield let_in(Page(port, service))
    finally:
        service.stopping = True
        server.should_exit = True
        service.queue.close(5.0)
        thread.join(10)
        listener.close()


def let_in(page: Page, shot: str = "", **environ: str) -> Page:
    """A page that has exchanged a ticket for a session; `environ` are its user's variables."""
    origin = {"Origin": f"http://127.0.0.1:{page.port}", "Sec-Fetch-Site": "same-origin"}
    token = Page(page.port, page.service, {"Authorization": f"Bearer {TOKEN}"})
    ticket = token.ask("POST", "/v1/ui/ticket", {"shot": shot, "environ": environ}).json["ticket"]
    answer = Page(page.port, page.service, origin).ask("POST", "/v1/ui/session", {"ticket": ticket})
    assert answer.status == 200, answer.data
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return Page(page.port, page.service, {**origin, "Cookie": cookie, "Faceplate-Page": answer.json["key"]})
