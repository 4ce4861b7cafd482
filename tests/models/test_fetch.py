"""Downloading a model: resuming, mirrors, and proof of the hash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.errors import RenderError
from faceplate.models import ModelStore, open_network
from faceplate.models.card import write_card
from faceplate.models.fetch import Resuming, addresses, fetch_model
from faceplate.models.intake import Answers, add_model
from model_cards import refusal_code
from model_server import Server


def test_fetch(wanted: tuple[ModelStore, bytes]) -> None:
    store, content = wanted
    assert "faceplate models fetch net" in store.verify(["net"])["net"]
    heard: list[tuple[int, int]] = []
    path = fetch_model(store, "net", {}, lambda have, total: heard.append((have, total)))
    assert path.read_bytes() == content and heard[-1] == (len(content), len(content))
    assert open_network(store, "net").card.name == "net"
    assert [item.name for item in path.parent.iterdir() if item.name.startswith(".")] == []
    fetch_model(store, "net", {})
    assert len(Server.asked) == 1  # a whole file is not fetched again


def test_fetch_resumes_a_broken_connection(wanted: tuple[ModelStore, bytes]) -> None:
    store, content = wanted
    half = len(content) // 2
    Server.breaks = [half, 1000]
    assert fetch_model(store, "net", {}).read_bytes() == content
    assert [wanted for _, wanted in Server.asked] == [None, f"bytes={half}-", f"bytes={half + 1000}-"]


def test_fetch_resumes_in_a_later_call(wanted: tuple[ModelStore, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    store, content = wanted
    half = len(content) // 2
    monkeypatch.setattr("faceplate.models.fetch._MAX_TRIES", 1)
    Server.breaks = [half, 0]
    with pytest.raises(RenderError, match="it resumes") as refusal:
        fetch_model(store, "net", {})
    assert refusal.value.code == "download-failed"
    assert not (store.folders[0] / "net.onnx").exists()
    assert fetch_model(store, "net", {}).read_bytes() == content
    assert Server.asked[-1][1] == f"bytes={half}-"


def test_fetch_from_a_server_without_ranges(wanted: tuple[ModelStore, bytes]) -> None:
    store, content = wanted
    Server.ranges = False
    Server.breaks = [5000]
    assert fetch_model(store, "net", {}).read_bytes() == content


def test_fetch_starts_over_what_is_too_long(wanted: tuple[ModelStore, bytes], tmp_path: Path) -> None:
    _, content = wanted
    (tmp_path / "part").write_bytes(content + b"more")
    store = wanted[0]
    address = store.card("net").url
    assert address is not None
    Resuming(tmp_path / "part")(address, str(tmp_path / "out"), None)
    assert (tmp_path / "out").read_bytes() == content


def test_fetch_proves_the_hash(wanted: tuple[ModelStore, bytes]) -> None:
    store, content = wanted
    Server.files = {"/files/net.onnx": content[:-1] + b"?"}
    assert refusal_code(lambda: fetch_model(store, "net", {})) == "weights-changed"
    assert [path.name for path in store.folders[0].iterdir()] == ["net.card.json"]
    Server.files = {}
    assert refusal_code(lambda: fetch_model(store, "net", {})) == "download-failed"


def test_fetch_through_a_mirror(wanted: tuple[ModelStore, bytes], server: str) -> None:
    store, content = wanted
    Server.files = {"/mirror/net.onnx": content}
    assert fetch_model(store, "net", {"FACEPLATE_MIRROR": f"{server}/mirror/"}).read_bytes() == content
    assert [path for path, _ in Server.asked] == ["/mirror/net.onnx"]
    # A mirror that lacks the file, or has another, is passed over for the card's own address.
    (store.folders[0] / "net.onnx").unlink()
    Server.files = {"/mirror/net.onnx": b"stale", "/files/net.onnx": content}
    assert fetch_model(store, "net", {"FACEPLATE_MIRROR": f"{server}/none {server}/mirror"}).read_bytes() == content


def test_fetch_brings_the_weights_beside_the_graph(tmp_path: Path, server: str) -> None:
    (tmp_path / "in").mkdir()
    path = graphs.outside(tmp_path / "in" / "net.onnx", "net.data", np.arange(512))
    store = ModelStore((tmp_path / "store",))
    url = f"{server}/files/net.onnx?version=2"
    add_model(store, path, Answers("net", "arcface_w600k_r50", "x", True, url=url))
    content = {name: (tmp_path / "store" / name).read_bytes() for name in ("net.onnx", "net.data")}
    for name in content:
        (tmp_path / "store" / name).unlink()
    Server.files = {"/files/net.onnx?version=2": content["net.onnx"], "/files/net.data": b"another"}
    fresh = ModelStore(store.folders)
    assert refusal_code(lambda: fetch_model(fresh, "net", {})) == "weights-changed"
    assert not (tmp_path / "store" / "net.onnx").exists()
    Server.files["/files/net.data"] = content["net.data"]
    fetch_model(fresh, "net", {})
    assert fresh.verify() == {"net": ""} and open_network(fresh, "net").card.name == "net"


@pytest.mark.parametrize("odd", ["no http", "length", "chunks"])
def test_fetch_from_a_server_that_talks_nonsense(
    wanted: tuple[ModelStore, bytes], odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, content = wanted
    monkeypatch.setattr("faceplate.models.fetch._MAX_TRIES", 1)

    def answer(self: Server) -> None:
        if odd == "no http":
            self.wfile.write(b"hello\n")
            return
        self.send_response(200)
        self.send_header(*("Content-Length", "many") if odd == "length" else ("Transfer-Encoding", "chunked"))
        self.end_headers()
        self.wfile.write(content if odd == "length" else b"10\r\nshort")

    monkeypatch.setattr(Server, "do_GET", answer)
    if odd == "length":
        assert fetch_model(store, "net", {}).read_bytes() == content
    else:
        assert refusal_code(lambda: fetch_model(store, "net", {})) == "download-failed"


def test_fetch_refuses_what_is_no_web_address(wanted: tuple[ModelStore, bytes], tmp_path: Path) -> None:
    store, _ = wanted
    assert refusal_code(lambda: addresses(store.card("net"), {"FACEPLATE_MIRROR": "file:///etc"})) == "no-address"
    for address in ("http://studio/a file.onnx", "http:///net.onnx", "http://[x/net.onnx"):
        odd = store.card("net").model_copy(update={"url": address})
        assert refusal_code(lambda odd=odd: addresses(odd, {})) == "no-address"
    bare = store.card("net").model_copy(update={"url": None, "name": "bare"})
    write_card(store.folders[0], bare)
    assert refusal_code(lambda: fetch_model(ModelStore(store.folders), "bare", {})) == "no-address"
