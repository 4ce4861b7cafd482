"""Who may ask the engine: tokens, hosts, origins, sizes."""

from __future__ import annotations

import http.client
import json
import stat
import sys
from pathlib import Path

import pytest

import faceplate
from engines import running, state_of
from faceplate.service import run as server_run
from faceplate.service.page import page_of
from faceplate_client import Engine, EngineError
from raw_requests import raw_request

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


class TestDoor:
    """Who is let in."""

    @pytest.mark.parametrize("token", ["", "Bearer wrong", "Basic abc", "Bearer "])
    def test_needs_the_token(self, engine: Engine, token: str) -> None:
        for method, path in (("GET", "/v1/status"), ("POST", "/v1/jobs"), ("POST", "/v1/stop"), ("GET", "/none")):
            status, answer, _ = raw_request(engine, method, path, Authorization=token)
            assert (status, answer["error"]["code"]) == (401, "bad-token")
        assert engine.status()["engine"] == faceplate.__version__

    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "10.0.0.1:{port}"]
    )
    def test_a_name_that_resolves_here_is_not_ours(self, engine: Engine, host: str) -> None:
        """DNS rebinding: the browser believes that it talks to the page's own server."""
        port = (state_of(Path(engine.folder)) or {})["port"]
        status, answer, _ = raw_request(engine, "GET", "/v1/status", Host=host.format(port=port))
        assert (status, answer["error"]["code"]) == (403, "foreign-host")
        assert raw_request(engine, "GET", "/docs", Host=host.format(port=port))[0] == 403

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "file://"]
    )
    def test_pages_in_a_browser_are_refused(self, engine: Engine, origin: str) -> None:
        port = (state_of(Path(engine.folder)) or {})["port"]
        for method in ("POST", "OPTIONS"):
            status, answer, response = raw_request(engine, method, "/v1/stop", b"{}", Origin=origin.format(port=port))
            assert (status, answer["error"]["code"]) == (403, "foreign-origin")
            assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
        assert raw_request(engine, "GET", "/v1/status", Sec_Fetch_Site="cross-site")[0] == 403
        assert (
            raw_request(engine, "GET", "/v1/status", Sec_Fetch_Site="same-origin", Origin=f"http://127.0.0.1:{port}")[0]
            == 200
        )

    def test_the_page_of_the_routes_opens_without_a_token(self, engine: Engine) -> None:
        status, routes, _ = raw_request(engine, "GET", "/openapi.json", Authorization="")
        assert status == 200 and {"/v1/status", "/v1/jobs", "/v1/jobs/{job}/events"} <= set(routes["paths"])
        status, _, page = raw_request(engine, "GET", "/docs", Authorization="")
        assert status == 200 and "default-src 'none'" in page.getheader("Content-Security-Policy", "")
        text = page_of(routes)
        assert "http:" not in text and "<script" not in text, "it must open without the internet"
        assert all(path in text for path in routes["paths"]) and "skip_current" in text

    def test_large_bodies(self, engine: Engine) -> None:
        large = b"x" * (server_run.BODY_LIMIT + 1)
        status, answer, _ = raw_request(engine, "POST", "/v1/shots", b"{}", Content_Length=str(len(large)))
        assert (status, answer["error"]["code"]) == (413, "body-too-large")
        state = state_of(Path(engine.folder)) or {}
        connection = http.client.HTTPConnection("127.0.0.1", state["port"], timeout=30)
        pieces = (large[start : start + (1 << 20)] for start in range(0, len(large), 1 << 20))
        headers = {"Authorization": f"Bearer {state['token']}"}
        try:  # the engine may hang up while the rest is being sent
            connection.request("POST", "/v1/shots", pieces, headers, encode_chunked=True)
            assert connection.getresponse().status == 413
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            connection.close()
        assert engine.status()["pid"] == state["pid"]

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"kind": "paint"}', b'{"kind": "render", "shto": 1}', b"\xff"]
    )
    def test_bad_requests_get_a_sentence(self, engine: Engine, body: bytes) -> None:
        status, answer, _ = raw_request(engine, "POST", "/v1/jobs", body, Content_Type="application/json")
        assert (status, answer["error"]["code"]) == (400, "bad-request")
        assert answer["error"]["message"].endswith(".") and "\n" not in answer["error"]["message"]

    @linux
    def test_listens_on_loopback_alone(self, engine: Engine) -> None:
        state = state_of(Path(engine.folder)) or {}
        listening = [
            line.split()[1]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[1].endswith(f":{state['port']:04X}")
        ]
        assert listening == [f"0100007F:{state['port']:04X}"]

    def test_only_the_user_can_read_the_token(self, engine: Engine) -> None:
        run = Path(engine.folder)
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        (state,) = run.glob("engine-*.json")
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        token = json.loads(state.read_text())["token"]
        assert all(token not in path.read_text("utf-8", "replace") for path in run.iterdir() if path != state)

    def test_an_open_folder_is_not_trusted(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run").chmod(0o755)
        with running(tmp_path / "run", start=False) as engine, pytest.raises(EngineError, match="chmod 700") as refused:
            engine.reach()
        assert refused.value.code == "run-folder"
