"""Fixtures of the model tests: stores in a temporary folder, and a server to fetch from."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import onnx_graphs as graphs
from faceplate.models import ModelStore
from model_cards import write_test_card
from model_server import Server


@pytest.fixture
def arcface(tmp_path: Path) -> Path:
    return graphs.recogniser(tmp_path / "arc.onnx")


# Downloads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[str]:
    Server.files, Server.breaks, Server.ranges, Server.asked = {}, [], True, []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


@pytest.fixture
def wanted(tmp_path: Path, server: str) -> tuple[ModelStore, bytes]:
    """A store with a card whose file is still to be fetched, and the file's content."""
    (tmp_path / "store").mkdir()
    path = graphs.swap(tmp_path / "store" / "net.onnx", 256)
    content = path.read_bytes()
    write_test_card(tmp_path / "store", "net", "simswap_256", url=f"{server}/files/net.onnx")
    path.unlink()
    Server.files = {"/files/net.onnx": content}
    return ModelStore((tmp_path / "store",)), content


# Sessions -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    graphs.recogniser(tmp_path / "net.onnx")
    write_test_card(tmp_path, "net")
    return ModelStore((tmp_path,))
