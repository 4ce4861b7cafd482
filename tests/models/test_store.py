"""The model store: its folders, their order, verifying and removing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import onnx_graphs as graphs
from faceplate.models import ModelStore, embedded_store, open_network
from faceplate.models.intake import Answers, add_model, remove_model
from faceplate.models.store import digest, store_folders
from model_cards import refusal_code, write_test_card


def test_where_the_store_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"FACEPLATE_MODELS": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])}
    assert store_folders(named) == (tmp_path / "a", tmp_path / "b")
    monkeypatch.setenv("XDG_DATA_HOME", "/x")
    assert store_folders({}) == (Path("/x/faceplate/models"),) or os.name == "nt"


def test_the_first_folder_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ModelStore((tmp_path / "file" / "a", tmp_path / "b", tmp_path / "c"))
    assert store.writable() == tmp_path / "b"
    assert refusal_code(lambda: ModelStore((tmp_path / "file" / "a",)).writable()) == "store-read-only"


def test_earlier_folders_win_and_reading_writes_nothing(tmp_path: Path) -> None:
    for folder, numbers in (("show", 512), ("studio", 512)):
        (tmp_path / folder).mkdir()
        graphs.recogniser(tmp_path / folder / "arc.onnx", numbers)
    write_test_card(tmp_path / "show", "arc", "arcface_w600k_mbf", version="show")
    write_test_card(tmp_path / "studio", "arc", "arcface_w600k_r50", version="studio")
    store = ModelStore((tmp_path / "show", tmp_path / "studio"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert store.card("arc").version == "show" and open_network(store, "arc").card.version == "show"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_verify_and_remove(tmp_path: Path, arcface: Path) -> None:
    write_test_card(tmp_path, "arc", "arcface_w600k_r50")
    write_test_card(tmp_path, "twin", "arcface_w600k_r50", file="arc.onnx", sha256=digest(arcface))
    store = ModelStore((tmp_path, *embedded_store().folders))
    assert set(store.verify().values()) == {""}
    assert [path.name for path in remove_model(store, "twin")] == ["twin.card.json"]  # the file is another card's too
    arcface.write_bytes(b"x")
    found = ModelStore((tmp_path,)).verify()
    assert (
        "not the file on their card" in found["arc"] and refusal_code(lambda: store.verify(["none"])) == "unknown-model"
    )
    assert {path.name for path in remove_model(ModelStore((tmp_path,)), "arc")} == {"arc.card.json", "arc.onnx"}
    assert refusal_code(lambda: remove_model(store, "sface")) == "store-read-only"


def test_a_card_that_cannot_be_read_stops_nobody_else(tmp_path: Path, arcface: Path) -> None:
    store = ModelStore((tmp_path / "store", tmp_path / "other"))
    add_model(store, arcface, Answers("net", "arcface_w600k_r50", "x", True))
    bad = tmp_path / "store" / "bad.card.json"
    bad.write_text("{}")
    fresh = ModelStore(store.folders)
    assert {item.name for item in fresh} == {"net"} and open_network(fresh, "net").card.name == "net"
    assert refusal_code(lambda: fresh.card("bad")) == "bad-card"
    assert "not valid" in fresh.verify()["bad"] and fresh.verify()["net"] == ""
    assert remove_model(fresh, "bad") == (bad,) and not bad.exists()


def test_a_kind_is_answered_by_a_file_that_is_there(tmp_path: Path, arcface: Path) -> None:
    write_test_card(tmp_path, "a", "arcface_w600k_r50")
    add_model(ModelStore((tmp_path,)), arcface, Answers("b", "arcface_w600k_r50", "x", True))
    found = ModelStore((tmp_path,)).of_family("arcface_w600k_r50")
    assert found is not None and found.name == "b"
