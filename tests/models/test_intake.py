"""Bringing a model into the store: signatures, questions, archives."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

import onnx_graphs as graphs
from faceplate.models import ModelStore, embedded_store
from faceplate.models.card import read_card
from faceplate.models.graph import read_graph
from faceplate.models.intake import Answers, add_model
from faceplate.models.kinds import KINDS, candidates, known_files
from faceplate.models.store import digest
from model_cards import HOUSE_ANSWERS, refusal_code

CROSS = ("ghost", "simswap", "hififace")


def test_signatures(tmp_path: Path) -> None:
    wanted = {
        graphs.swap(tmp_path / "a.onnx", 128, emap=np.eye(512, dtype=np.float32)): {"inswapper_128"},
        graphs.swap(tmp_path / "b.onnx", 128): set(),
        graphs.swap(tmp_path / "c.onnx", 256): {"hyperswap_256", "ghost_256", "simswap_256", "hififace_256"},
        graphs.swap(tmp_path / "d.onnx", 512): {"simswap_512"},
        graphs.swap(tmp_path / "e.onnx", 256, source=112): {"blendswap_256"},
        graphs.swap(tmp_path / "f.onnx", 256, source=256): {"uniface_256"},
        graphs.dfm(tmp_path / "g.onnx", 224, gains=(1, 1, 1)): {"dfm"},
        graphs.dfm(tmp_path / "h.onnx", 320, gains=(1, 1, 1), morph=False): {"dfm"},
        graphs.converter(tmp_path / "i.onnx", np.eye(512), 0.0): {f"crossface_{name}" for name in CROSS},
        graphs.restorer(tmp_path / "j.onnx", 512, gains=(1, 1, 1)): {"gfpgan", "restoreformer", "codeformer", "gpen"},
        graphs.restorer(tmp_path / "k.onnx", 512, gains=(1, 1, 1), weight=True): {"gfpgan", "restoreformer", "codeformer", "gpen"},
        graphs.restorer(tmp_path / "l.onnx", 2048, gains=(1, 1, 1)): {"gpen"},
        graphs.scrfd(tmp_path / "m.onnx", 8, 0, [1] * 4, [0] * 10): {"scrfd", "retinaface"},
        graphs.yolo(tmp_path / "n.onnx", 0, [0] * 20): {"yoloface"},
        graphs.points(tmp_path / "o.onnx", "2dfan4", np.zeros((68, 2))): {"2dfan4"},
        graphs.points(tmp_path / "p.onnx", "2d106det", np.zeros((106, 2))): {"2d106det"},
        graphs.recogniser(tmp_path / "q.onnx"): {"arcface_w600k_r50", "arcface_w600k_mbf"},
        graphs.recogniser(tmp_path / "r.onnx", 128): {"sface"},
        graphs.xseg(tmp_path / "s.onnx"): {"xseg", "selfie_segmentation"},
        graphs.bisenet(tmp_path / "t.onnx"): {"bisenet"},
    }  # fmt: skip
    for path, kinds in wanted.items():
        assert {kind.name for kind in candidates(read_graph(path))} == kinds, path.name


def test_add_asks_only_what_it_cannot_know(tmp_path: Path) -> None:
    asked: list[tuple[str, str, tuple[str, ...]]] = []

    def ask(question: str, usual: str, choices: tuple[str, ...]) -> str:
        asked.append((question, usual, choices))
        return "ghost_256" if "kind" in question else usual

    store = ModelStore((tmp_path / "store",))
    made = add_model(store, graphs.swap(tmp_path / "My Net.onnx", 256), Answers(), ask)
    assert (made.name, made.family, made.licence, made.commercial) == ("my_net", "ghost_256", "Apache-2.0", True)
    assert [question[0] for question in asked] == [
        "Which kind is it", "A name for it", "Its licence", "May it be used commercially",
    ]  # fmt: skip
    assert asked[0][2] == ("hyperswap_256", "ghost_256", "simswap_256", "hififace_256")
    assert read_card(tmp_path / "store" / "my_net.card.json") == made
    assert digest(tmp_path / "store" / "my_net.onnx") == made.sha256
    assert {path.name for path in (tmp_path / "store").iterdir()} == {"my_net.onnx", "my_net.card.json"}
    asked.clear()
    add_model(store, graphs.swap(tmp_path / "b.onnx", 512), Answers("other", licence="x", commercial=False), ask)
    assert asked == []


def test_add_knows_a_published_file_by_its_hash(tmp_path: Path) -> None:
    """The shipped detector, brought as if it were a download: nothing is asked."""
    embedded = embedded_store()
    shutil.copy(embedded.path("yunet"), tmp_path / "face.onnx")
    made = add_model(ModelStore((tmp_path / "store",)), tmp_path / "face.onnx", Answers())
    assert (made.name, made.family, made.licence, made.commercial) == ("yunet", "yunet", "MIT", True)
    known = {entry.name: entry for entry in known_files().values()}
    assert not known["scrfd_500m"].commercial and not known["arcface_w600k_mbf"].commercial
    assert {entry.kind for entry in known.values()} <= {kind.name for kind in KINDS}


def test_add_refuses_without_answers(tmp_path: Path, arcface: Path) -> None:
    store = ModelStore((tmp_path / "store",))
    assert refusal_code(lambda: add_model(store, arcface, HOUSE_ANSWERS)) == "say-family"
    assert refusal_code(lambda: add_model(store, arcface, Answers(family="arcface_w600k_r50"))) == "say-licence"
    assert (
        refusal_code(lambda: add_model(store, arcface, Answers(family="arcface_w600k_r50", licence="x")))
        == "say-licence"
    )
    assert refusal_code(lambda: add_model(store, arcface, Answers(family="ghost_256"))) == "unknown-network"
    builder = graphs.Builder()
    builder.op("Identity", "x", out="y")
    odd = builder.save(tmp_path / "odd.onnx", [("x", [7, 7])], [("y", [7, 7])])
    assert refusal_code(lambda: add_model(store, odd, HOUSE_ANSWERS)) == "unknown-network"
    assert refusal_code(lambda: add_model(store, tmp_path / "none.onnx", HOUSE_ANSWERS)) == "weights-missing"
    assert not (tmp_path / "store").exists()
    answers = Answers(family="arcface_w600k_r50", licence="x", commercial=False)
    add_model(store, arcface, answers)
    assert refusal_code(lambda: add_model(store, arcface, answers)) == "model-exists"
    assert (
        refusal_code(lambda: add_model(ModelStore((embedded_store().folders[0],)), arcface, answers))
        == "store-read-only"
    )


def test_add_never_replaces_another_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "store").mkdir()
    store = ModelStore((tmp_path / "store",))
    answers = Answers("net", "arcface_w600k_r50", "x", True)
    for name in ("other.card.json", "weights.bin"):
        (tmp_path / "store" / name).write_text("mine")
        path = graphs.outside(tmp_path / "in" / "net.onnx", name, np.zeros(512))
        assert refusal_code(lambda path=path: add_model(store, path, answers)) == "model-exists"
        assert (tmp_path / "store" / name).read_text() == "mine"
        (tmp_path / "store" / name).unlink()


def test_archive(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = graphs.outside(tmp_path / "in" / "net.onnx", "net.data", np.arange(512))
    with zipfile.ZipFile(tmp_path / "net.zip", "w") as archive:
        for item in (path, path.parent / "net.data"):
            archive.write(item, item.name)
    store = ModelStore((tmp_path / "store",))
    made = add_model(store, tmp_path / "net.zip", Answers("net", "arcface_w600k_r50", "x", True))
    assert made.source == "brought as net.zip" and (tmp_path / "store" / "net.data").exists()
    whole = (tmp_path / "net.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:200] + whole[-200:])
    assert refusal_code(lambda: add_model(store, tmp_path / "cut.zip", HOUSE_ANSWERS)) in (
        "weights-truncated",
        "not-onnx",
    )


@pytest.mark.parametrize("member", ["../evil.onnx", "/tmp/evil.onnx", "a/../../evil.onnx", "..\\evil.onnx", "link"])
def test_archive_cannot_write_elsewhere(tmp_path: Path, member: str) -> None:
    graph = graphs.recogniser(tmp_path / "arc.onnx").read_bytes()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        info = zipfile.ZipInfo(member)
        if member == "link":
            info.external_attr = 0o120777 << 16
        archive.writestr(info, graph)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert (
        refusal_code(lambda: add_model(ModelStore((tmp_path / "s",)), tmp_path / "evil.zip", HOUSE_ANSWERS))
        == "archive-outside"
    )
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_archives_that_cannot_be_taken(tmp_path: Path, arcface: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = ModelStore((tmp_path / "s",)), tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(arcface, "net/arc.onnx")
    assert refusal_code(lambda: add_model(store, path, HOUSE_ANSWERS)) == "archive-folders"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(arcface, "arc.onnx")
    monkeypatch.setattr("faceplate.models.archive._MAX_UNPACKED", 10)
    assert refusal_code(lambda: add_model(store, path, HOUSE_ANSWERS)) == "archive-too-large"
    monkeypatch.undo()
    whole = path.read_bytes()
    central = whole.index(b"PK\x01\x02")
    for offset, value in ((6, b"\x01\x00"), (8, b"\x63\x00")):  # encrypted; a compression that nobody has
        odd = bytearray(whole)
        odd[offset : offset + 2] = odd[central + offset + 2 : central + offset + 4] = value
        path.write_bytes(odd)
        assert refusal_code(lambda: add_model(store, path, HOUSE_ANSWERS)) == "archive-unreadable"
    assert not (tmp_path / "s").exists()


def test_a_trained_network_brings_its_releases(tmp_path: Path) -> None:
    path = graphs.dfm(tmp_path / "ada_v3.onnx", 64, gains=(1, 1, 1))
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"faceplate:steps": "9", "faceplate:releases": "ada-1, ben-1"})
    onnx.save(model, path)
    store = ModelStore((tmp_path / "store",))
    assert add_model(store, path, HOUSE_ANSWERS).releases == ("ada-1", "ben-1")
    plain = graphs.dfm(tmp_path / "plain.onnx", 64, gains=(1, 1, 0.5))
    assert add_model(store, plain, HOUSE_ANSWERS).releases == ()
