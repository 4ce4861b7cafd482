"""A web server of model files that breaks off, ignores ranges or answers nonsense as a test asks."""

from __future__ import annotations

import http.server
from typing import ClassVar


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `files`; breaks the connection after `breaks` bytes as often as it says; knows ranges if `ranges`."""

    files: ClassVar[dict[str, bytes]] = {}
    breaks: ClassVar[list[int]] = []
    ranges: ClassVar[bool] = True
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and self.ranges else 0
        if wanted and self.ranges and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if wanted and self.ranges else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if wanted and self.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        end = start + self.breaks.pop(0) if self.breaks else len(content)
        self.wfile.write(content[start:end])
        if end < len(content):
            self.wfile.flush()
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        pass
