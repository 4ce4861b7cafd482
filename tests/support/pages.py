"""The workspace's page in a real headless Chromium, on an engine of its own that runs this clone's code."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import faceplate
from engines import alive, state_of, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["PageEngine", "chromium", "opened_page", "page_engine", "picture_of", "shown_pixels"]

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A machine without a graphics card draws WebGL2 in software; a sandbox needs rights that a container lacks.
_ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
_SERVE = "from faceplate.cli.main import run; run()"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine; the test is skipped where it or Playwright is missing."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("NOT RUN: the workspace in a browser: chromium is not installed")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="NOT RUN: the workspace in a browser: the package playwright is not installed"
    )
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class PageEngine:
    """An engine whose run folder is `folder`/run. It keeps its port when it is started again."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        own = {
            "PYTHONPATH": str(Path(faceplate.__file__).parents[1]),
            "FACEPLATE_RUN": str(self.run),
            "FACEPLATE_CACHE": str(self.folder / "cache"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "engine.out").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE, "serve", "--idle", "300"],
                env={**os.environ, **own, **self.environ},
                stdout=log,
                stderr=log,
            )
        until(lambda: (state := state_of(self.run)) and alive(state["pid"]) and self._answers(), 60)

    def kill(self) -> None:
        """Kill the engine's process, as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the engine with the token that hosts use."""
        state = state_of(self.run)
        assert state is not None
        headers = {"Authorization": f"Bearer {state['token']}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{state['port']}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def link(self, shot: Path | str = "") -> str:
        """A link that opens the page once."""
        return self.call("POST", "/v1/ui/ticket", {"shot": str(shot)})["url"]

    def _answers(self) -> bool:
        try:
            return bool(self.call("GET", "/v1/status"))
        except OSError:
            return False


@contextmanager
def page_engine(folder: Path, **environ: str) -> Iterator[PageEngine]:
    """A running engine for the page; ended whatever happens."""
    engine = PageEngine(folder, environ)
    try:
        engine.start()
        yield engine
    finally:
        engine.end()


@contextmanager
def opened_page(browser: Browser, address: str, width: int = 1280, height: int = 720) -> Iterator[Page]:
    """The page at `address`. What its policy refuses, and what its script throws, fails the test at the end."""
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(40_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("request", lambda asked: faults.append(asked.url) if _is_foreign(asked.url, address) else None)
    try:
        page.goto(address)
        yield page
        assert not faults, faults
    finally:
        picture_of(page, "last")
        context.close()


def _is_foreign(url: str, address: str) -> bool:
    """Whether a request leaves the engine."""
    return not url.startswith((address.split("/ui/")[0], "blob:", "data:"))


def picture_of(page: Page, name: str) -> Path | None:
    """A screenshot under `$FACEPLATE_SCREENSHOTS`, to look at; None where no folder is given."""
    folder = os.environ.get("FACEPLATE_SCREENSHOTS")
    if not folder:
        return None
    path = Path(folder) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    return path


def shown_pixels(page: Page) -> np.ndarray:
    """The viewer's pixels as WebGL has drawn them, at rest: uint8 (height, width, 3), the first row at the top.

    At rest the viewer shows, as finely as it can, what is wished, and nothing is on its way that would change it. That and the
    pixels are read in one go, so that nothing happens in between.
    """
    found = page.wait_for_function(
        """() => {
          if (!document.querySelector(".viewer[data-settled=true]")) return null;
          const canvas = document.querySelector("canvas.pixels");
          const gl = canvas.getContext("webgl2");
          const bytes = new Uint8Array(canvas.width * canvas.height * 4);
          gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
          let text = "";
          for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
          return [canvas.width, canvas.height, btoa(text)];
        }"""
    )
    width, height, text = found.json_value()
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)
    return pixels[::-1, :, :3]
