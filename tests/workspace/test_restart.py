"""A page survives its engine: killed and started again, it finds the engine on the same port, with its session."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

from engines import alive, running, state_of, until
from faceplate_client import Engine, EngineError


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, json.loads(data), response.getheader("set-cookie", "").partition(";")[0]


def killed(engine: Engine) -> None:
    state = state_of(Path(engine.folder)) or {}
    os.kill(state["pid"], signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    until(lambda: not alive(state["pid"]))


def test_the_page_and_the_host_find_the_next_engine(tmp_path: Path) -> None:
    with running(tmp_path / "run") as engine:
        link = engine.call("POST", "/v1/ui/ticket", {})
        port = int(link["url"].split(":")[2].split("/")[0])
        status, session, cookie = ask(port, "POST", "/v1/ui/session", {"ticket": link["ticket"]})
        assert status == 200
        let_in = {"Cookie": cookie, "Faceplate_Page": session["key"]}
        assert ask(port, "GET", "/v1/ui/home", **let_in)[0] == 200
        killed(engine)
        engine.status()  # the host's client starts the next engine and finds its token
        assert (state_of(Path(engine.folder)) or {})["port"] == port
        status, again, _ = ask(port, "GET", "/v1/ui/session", **let_in)
        assert status == 200 and again["started"] != session["started"]
        assert engine.status()["stopping"] is False
        kept = [path for path in Path(engine.folder).iterdir() if session["key"] in path.read_text(errors="ignore")]
        assert not kept, "no file holds the key"


def test_an_engine_without_pages_takes_any_port(tmp_path: Path) -> None:
    """Clients of earlier releases read the state file again only where nothing answers on the port."""
    with running(tmp_path / "run") as engine:
        engine.status()
        assert json.loads(next(Path(engine.folder).glob("port-*.json")).read_text())["port"]
        try:
            engine.call("POST", "/v1/ui/ticket", {"shot": 7})
        except EngineError as error:
            assert error.code == "bad-request"
        assert not list(Path(engine.folder).glob("sessions-*.json"))
