"""Model cards: reading, writing, and agreement with the files they describe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import onnx_graphs as graphs
from faceplate.errors import UsageError
from faceplate.generators.networks import FAMILIES
from faceplate.models import ModelStore, check_policy, embedded_store
from faceplate.models.card import External, read_card
from faceplate.models.graph import read_graph
from faceplate.models.intake import Answers, add_model
from faceplate.models.kinds import KINDS, candidates, known_files
from model_cards import refusal_code, write_test_card

# Cards and graphs ---------------------------------------------------------------------------------------------------


def test_shipped_cards_still_load_and_say_what_the_files_say() -> None:
    store = embedded_store()
    assert {item.name for item in store} == {
        "face_blendshapes",
        "face_landmarker",
        "face_occlusion",
        "selfie_segmentation",
        "sface",
        "yunet",
    }
    for item in store:
        graph = read_graph(store.path(item.name))
        assert [(port.name, port.shape) for port in graph.inputs] == [(port.name, port.shape) for port in item.inputs]
        assert {port.name for port in item.outputs} <= {port.name for port in graph.outputs}
        assert item.commercial and item.kind == item.name
        if item.sha256 in known_files():
            assert known_files()[item.sha256].kind in {kind.name for kind in candidates(graph)}


def test_card_round_trip(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"x")
    made = write_test_card(tmp_path, "a", "inswapper_128", fp16_ok=True, fp32="b", url="https://example.com/a.onnx", external=(
        External(file="a.data", sha256="1" * 64),))  # fmt: skip
    assert read_card(tmp_path / "a.card.json") == made
    for wrong in (
        {"file": "../a.onnx"},
        {"url": "file:///etc/passwd"},
        {"surprise": 1},
        {"external": ({"file": "../x", "sha256": "1" * 64},)},
    ):
        (tmp_path / "b.card.json").write_text(json.dumps({**made.model_dump(mode="json"), **wrong}))
        assert refusal_code(lambda: read_card(tmp_path / "b.card.json")) == "bad-card"


def test_kinds_and_recipes_belong_together() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    swaps = {kind.name for kind in KINDS if kind.role == "swap"}
    assert swaps == {*FAMILIES, "dfm"}
    for family in FAMILIES.values():
        assert family.recogniser in names and (family.converter is None or family.converter in names)
        assert family.licence != "unknown" or family.name in ("hififace_256", "uniface_256")


# Bringing a model in ------------------------------------------------------------------------------------------------


def test_what_a_card_cannot_say_is_refused_in_words(tmp_path: Path, arcface: Path) -> None:
    store = ModelStore((tmp_path / "store",))
    (tmp_path / "in").mkdir()
    for name in ("my weights.bin", "_w.bin"):
        path = graphs.outside(tmp_path / "in" / "net.onnx", name, np.arange(512))
        answers = Answers("net", "arcface_w600k_r50", "x", True)
        assert refusal_code(lambda path=path, answers=answers: add_model(store, path, answers)) == "odd-name"
    path = graphs.outside(tmp_path / "in" / "other.onnx", "net.onnx", np.arange(512))
    assert refusal_code(lambda: add_model(store, path, answers)) == "model-exists"
    ftp = Answers("net", "arcface_w600k_r50", "x", True, url="ftp://studio/net.onnx")
    assert refusal_code(lambda: add_model(store, arcface, ftp)) == "no-address"
    assert not (tmp_path / "store").exists() or not list((tmp_path / "store").iterdir())


# The store ----------------------------------------------------------------------------------------------------------


def test_policy(tmp_path: Path, arcface: Path) -> None:
    ours = write_test_card(tmp_path, "arc", "arcface_w600k_r50")
    theirs = ours.model_copy(update={"name": "inswapper", "commercial": False, "licence": "NC"})
    check_policy([ours, theirs], allow_noncommercial=True)
    check_policy([ours], allow_noncommercial=False)
    with pytest.raises(UsageError, match="'inswapper' is under 'NC'") as refusal:
        check_policy([ours, theirs], allow_noncommercial=False)
    assert refusal.value.code == "licence-forbidden" and refusal.value.exit_code == 2
