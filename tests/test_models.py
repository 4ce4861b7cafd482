"""The store: cards, hashes, bringing a model in, downloads; sessions: providers, memory, precision, devices; frames
in flight.
"""

from __future__ import annotations

import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import pytest

import onnx_graphs as graphs
from faceplate.cli import models as cli
from faceplate.errors import FaceplateError, RenderError, UsageError
from faceplate.generators.networks import FAMILIES
from faceplate.models import Card, ModelStore, Network, Runtime, check_policy, embedded_store, open_network, session
from faceplate.models.card import External, read_card, write_card
from faceplate.models.devices import CPU, CUDA, TENSORRT, Target, cuda_devices, engine_folder, plan, provider_options
from faceplate.models.fetch import Resuming, addresses, fetch_model
from faceplate.models.graph import read_graph
from faceplate.models.intake import Answers, add_model, remove_model
from faceplate.models.kinds import KINDS, candidates, known_files
from faceplate.models.pinned import pinned_array
from faceplate.models.store import digest, store_folders
from faceplate.render.scheduler import Stage, pipelined
from faceplate.system.paths import cache_folder, data_folder

CROSS = ("ghost", "simswap", "hififace")
HOUSE = Answers(licence="CC0-1.0", commercial=True)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(FaceplateError) as refusal:
        call()
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)
    return refusal.value.code


def card(folder: Path, name: str, family: str | None = None, **more: Any) -> Card:
    path = folder / f"{name}.onnx"
    values = {
        "name": name, "role": "swap", "file": path.name, "sha256": digest(path) if path.exists() else "0" * 64,
        "version": "1", "licence": "CC0-1.0", "commercial": True, "source": "test", "converted": "none", "inputs": (),
        "outputs": (), "family": family, **more,
    }  # fmt: skip
    made = Card.model_validate(values)
    write_card(folder, made)
    return made


@pytest.fixture
def arcface(tmp_path: Path) -> Path:
    return graphs.recogniser(tmp_path / "arc.onnx")


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
    made = card(tmp_path, "a", "inswapper_128", fp16_ok=True, fp32="b", url="https://example.com/a.onnx", external=(
        External(file="a.data", sha256="1" * 64),))  # fmt: skip
    assert read_card(tmp_path / "a.card.json") == made
    for wrong in (
        {"file": "../a.onnx"},
        {"url": "file:///etc/passwd"},
        {"surprise": 1},
        {"external": ({"file": "../x", "sha256": "1" * 64},)},
    ):
        (tmp_path / "b.card.json").write_text(json.dumps({**made.model_dump(mode="json"), **wrong}))
        assert code_of(lambda: read_card(tmp_path / "b.card.json")) == "bad-card"


def test_graph_reader_agrees_with_onnx(tmp_path: Path) -> None:
    paths = [
        graphs.swap(tmp_path / "a.onnx", 128, emap=np.eye(512, dtype=np.float32), batched=True),
        graphs.dfm(tmp_path / "b.onnx", 224, gains=(1, 1, 1)),
        graphs.restorer(tmp_path / "c.onnx", 512, gains=(1, 1, 1), weight=True),
        graphs.bisenet(tmp_path / "d.onnx"),
    ]
    for path in paths:
        mine, theirs = read_graph(path), onnx.load(path).graph
        for own, other in ((mine.inputs, theirs.input), (mine.outputs, theirs.output)):
            assert [(port.name, port.kind, port.shape) for port in own] == [
                (
                    info.name,
                    info.type.tensor_type.elem_type,
                    tuple(side.dim_value for side in info.type.tensor_type.shape.dim),
                )
                for info in other
            ]
        assert [(item.name, item.shape) for item in mine.initializers] == [
            (item.name, tuple(item.dims)) for item in theirs.initializer
        ]


def test_kinds_and_recipes_belong_together() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    swaps = {kind.name for kind in KINDS if kind.role == "swap"}
    assert swaps == {*FAMILIES, "dfm"}
    for family in FAMILIES.values():
        assert family.recogniser in names and (family.converter is None or family.converter in names)
        assert family.licence != "unknown" or family.name in ("hififace_256", "uniface_256")


# Bad files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"", "weights-truncated", "empty"),
        (b"<!DOCTYPE html><html>not found</html>", "not-onnx", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not-onnx", "Git LFS"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "not-onnx", "not an ONNX"),
        (b"\x08\x07", "not-onnx", "no graph"),
        (bytes(range(8, 255)) * 40, "weights-truncated", "damaged"),
    ],
)
def test_what_is_no_network(tmp_path: Path, content: bytes, code: str, word: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(RenderError, match=word) as refusal:
        add_model(ModelStore((tmp_path / "store",)), path, HOUSE)
    assert refusal.value.code == code
    assert not (tmp_path / "store").exists()


def test_truncated_at_any_place(tmp_path: Path) -> None:
    whole = graphs.swap(tmp_path / "net.onnx", 128, emap=np.eye(512, dtype=np.float32)).read_bytes()
    for share in (0.001, 0.3, 0.7, 0.999):
        path = tmp_path / "cut.onnx"
        path.write_bytes(whole[: int(len(whole) * share)])
        assert code_of(lambda path=path: read_graph(path)) in ("weights-truncated", "not-onnx")
    path.write_bytes(whole[:-1])
    assert code_of(lambda: read_graph(path)) == "weights-truncated"


def test_graph_reader_never_breaks_on_noise(tmp_path: Path) -> None:
    whole = bytearray(graphs.recogniser(tmp_path / "net.onnx").read_bytes())
    random = np.random.default_rng(1)
    for _ in range(300):
        broken = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            broken[place] = random.integers(0, 256)
        (tmp_path / "broken.onnx").write_bytes(broken)
        try:
            read_graph(tmp_path / "broken.onnx")
        except RenderError as error:
            assert error.code in ("weights-truncated", "not-onnx")


def test_wrong_hash_and_wrong_signature(tmp_path: Path, arcface: Path) -> None:
    card(tmp_path, "arc", "arcface_w600k_r50")
    assert open_network(ModelStore((tmp_path,)), "arc").provider == CPU
    data = bytearray(arcface.read_bytes())
    data[-3] ^= 1
    arcface.write_bytes(data)
    assert code_of(lambda: open_network(ModelStore((tmp_path,)), "arc")) == "weights-changed"
    arcface.unlink()
    assert code_of(lambda: open_network(ModelStore((tmp_path,)), "arc")) == "weights-missing"
    graphs.recogniser(tmp_path / "net.onnx")
    card(tmp_path, "net", "inswapper_128")
    with pytest.raises(RenderError, match=r"1x3x128x128, 1x512 in .* \?x3x112x112 in") as refusal:
        open_network(ModelStore((tmp_path,)), "net")
    assert refusal.value.code == "wrong-signature"


def test_an_operator_that_nobody_has(tmp_path: Path) -> None:
    graphs.unknown_op(tmp_path / "net.onnx")
    card(tmp_path, "net", "arcface_w600k_r50")
    with pytest.raises(RenderError, match="NoSuchOperator") as refusal:
        open_network(ModelStore((tmp_path,)), "net")
    assert refusal.value.code == "weights-unusable"


def test_weights_outside_the_graph(tmp_path: Path) -> None:
    values = np.arange(512, dtype=np.float32)
    (tmp_path / "in").mkdir()
    path = graphs.outside(tmp_path / "in" / "net.onnx", "net.data", values)
    store = ModelStore((tmp_path / "store",))
    made = add_model(store, path, Answers("net", "arcface_w600k_r50", "CC0-1.0", True))
    assert [item.file for item in made.external] == ["net.data"]
    opened = open_network(ModelStore((tmp_path / "store",)), "net")
    ones = np.ones((1, 3, 112, 112), np.float32)
    assert np.allclose(opened.run(ones)["516"][0], values * ones.sum())
    (tmp_path / "store" / "net.data").write_bytes(b"other")
    assert code_of(lambda: open_network(ModelStore((tmp_path / "store",)), "net")) == "weights-changed"
    (tmp_path / "store" / "net.data").unlink()
    assert code_of(lambda: open_network(ModelStore((tmp_path / "store",)), "net")) == "weights-missing"
    (tmp_path / "in" / "net.data").unlink()
    assert code_of(lambda: add_model(store, path, HOUSE)) == "external-missing"


@pytest.mark.parametrize(
    "location",
    [
        "../secret",
        "../../secret",
        "/etc/passwd",
        "sub/../../secret",
        "..",
        "..\\secret",
        "C:\\secret",
        "\\\\server\\x",
        "sub/x",
        "",
    ],
)
def test_outside_weights_cannot_leave_the_folder(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    folder = tmp_path / "in"
    folder.mkdir()
    path = graphs.outside(folder / "net.onnx", location, np.zeros(512), write=False)
    assert code_of(lambda: add_model(ModelStore((tmp_path / "store",)), path, HOUSE)) == "external-outside"
    card(folder, "net", "arcface_w600k_r50")  # a card written by hand does not help either
    assert code_of(lambda: open_network(ModelStore((folder,)), "net")) == "external-outside"


def test_outside_weights_cannot_be_a_link_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "net.data").symlink_to(tmp_path / "secret")
    path = graphs.outside(folder / "net.onnx", "net.data", np.zeros(512), write=False)
    assert code_of(lambda: add_model(ModelStore((tmp_path / "store",)), path, HOUSE)) == "external-outside"


def test_outside_weights_are_read_as_the_runtime_reads_them(tmp_path: Path) -> None:
    """Files on which two readers of the format could disagree are refused, not guessed at."""
    path = graphs.outside(tmp_path / "net.onnx", "net.data", np.zeros(512))
    model = onnx.load(path, load_external_data=False)
    head, plain = onnx.ModelProto(ir_version=8).SerializeToString(), graphs.recogniser(tmp_path / "p.onnx").read_bytes()
    graph = model.graph.SerializeToString()

    def varint(value: int) -> bytes:
        return bytes([value & 127 | 128]) + varint(value >> 7) if value > 127 else bytes([value])

    def field(key: int, content: bytes) -> bytes:
        return varint(key) + varint(len(content)) + content

    graph_key = 7 << 3 | 2
    for content in (
        head + field(graph_key, graph) + plain[len(head) :],  # two graphs, which some readers merge
        plain + field(1 << 32 | graph_key, graph),  # a key that 32 bits turn into the graph's
    ):
        path.write_bytes(content)
        assert code_of(lambda: read_graph(path)) == "weights-truncated"
    model.graph.initializer[0].external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    assert code_of(lambda: read_graph(path)) == "weights-truncated"


def test_weights_that_the_card_does_not_name_are_not_opened(tmp_path: Path) -> None:
    graphs.outside(tmp_path / "net.onnx", "net.data", np.arange(512))
    card(tmp_path, "net", "arcface_w600k_r50")
    assert code_of(lambda: open_network(ModelStore((tmp_path,)), "net")) == "external-unlisted"


def test_outside_weights_in_a_constant_or_a_branch_are_seen(tmp_path: Path) -> None:
    """Weights can hide in a node's attribute and in a graph inside a node, not only among the initialisers."""
    path = graphs.outside(tmp_path / "net.onnx", "net.data", np.zeros(512))
    model = onnx.load(path, load_external_data=False)
    tensor = model.graph.initializer[0]
    tensor.external_data[0].value = "../secret"
    hidden = onnx.helper.make_node("Constant", [], ["c"], value=tensor)
    inner = onnx.helper.make_graph([hidden], "inner", [], [])
    for node in (hidden, onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner)):
        del model.graph.initializer[:]
        del model.graph.node[:]
        model.graph.node.append(node)
        path.write_bytes(model.SerializeToString())
        assert read_graph(path).externals == ("../secret",)


# Bringing a model in ------------------------------------------------------------------------------------------------


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
    assert code_of(lambda: add_model(store, arcface, HOUSE)) == "say-family"
    assert code_of(lambda: add_model(store, arcface, Answers(family="arcface_w600k_r50"))) == "say-licence"
    assert code_of(lambda: add_model(store, arcface, Answers(family="arcface_w600k_r50", licence="x"))) == "say-licence"
    assert code_of(lambda: add_model(store, arcface, Answers(family="ghost_256"))) == "unknown-network"
    builder = graphs.Builder()
    builder.op("Identity", "x", out="y")
    odd = builder.save(tmp_path / "odd.onnx", [("x", [7, 7])], [("y", [7, 7])])
    assert code_of(lambda: add_model(store, odd, HOUSE)) == "unknown-network"
    assert code_of(lambda: add_model(store, tmp_path / "none.onnx", HOUSE)) == "weights-missing"
    assert not (tmp_path / "store").exists()
    answers = Answers(family="arcface_w600k_r50", licence="x", commercial=False)
    add_model(store, arcface, answers)
    assert code_of(lambda: add_model(store, arcface, answers)) == "model-exists"
    assert code_of(lambda: add_model(ModelStore((embedded_store().folders[0],)), arcface, answers)) == "store-read-only"


def test_add_never_replaces_another_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "store").mkdir()
    store = ModelStore((tmp_path / "store",))
    answers = Answers("net", "arcface_w600k_r50", "x", True)
    for name in ("other.card.json", "weights.bin"):
        (tmp_path / "store" / name).write_text("mine")
        path = graphs.outside(tmp_path / "in" / "net.onnx", name, np.zeros(512))
        assert code_of(lambda path=path: add_model(store, path, answers)) == "model-exists"
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
    assert code_of(lambda: add_model(store, tmp_path / "cut.zip", HOUSE)) in ("weights-truncated", "not-onnx")


@pytest.mark.parametrize("member", ["../evil.onnx", "/tmp/evil.onnx", "a/../../evil.onnx", "..\\evil.onnx", "link"])
def test_archive_cannot_write_elsewhere(tmp_path: Path, member: str) -> None:
    graph = graphs.recogniser(tmp_path / "arc.onnx").read_bytes()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        info = zipfile.ZipInfo(member)
        if member == "link":
            info.external_attr = 0o120777 << 16
        archive.writestr(info, graph)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert code_of(lambda: add_model(ModelStore((tmp_path / "s",)), tmp_path / "evil.zip", HOUSE)) == "archive-outside"
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_archives_that_cannot_be_taken(tmp_path: Path, arcface: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, path = ModelStore((tmp_path / "s",)), tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(arcface, "net/arc.onnx")
    assert code_of(lambda: add_model(store, path, HOUSE)) == "archive-folders"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(arcface, "arc.onnx")
    monkeypatch.setattr("faceplate.models.intake._MOST_UNPACKED", 10)
    assert code_of(lambda: add_model(store, path, HOUSE)) == "archive-too-large"
    monkeypatch.undo()
    whole = path.read_bytes()
    central = whole.index(b"PK\x01\x02")
    for offset, value in ((6, b"\x01\x00"), (8, b"\x63\x00")):  # encrypted; a compression that nobody has
        odd = bytearray(whole)
        odd[offset : offset + 2] = odd[central + offset + 2 : central + offset + 4] = value
        path.write_bytes(odd)
        assert code_of(lambda: add_model(store, path, HOUSE)) == "archive-unreadable"
    assert not (tmp_path / "s").exists()


def test_what_a_card_cannot_say_is_refused_in_words(tmp_path: Path, arcface: Path) -> None:
    store = ModelStore((tmp_path / "store",))
    (tmp_path / "in").mkdir()
    for name in ("my weights.bin", "_w.bin"):
        path = graphs.outside(tmp_path / "in" / "net.onnx", name, np.arange(512))
        answers = Answers("net", "arcface_w600k_r50", "x", True)
        assert code_of(lambda path=path, answers=answers: add_model(store, path, answers)) == "odd-name"
    path = graphs.outside(tmp_path / "in" / "other.onnx", "net.onnx", np.arange(512))
    assert code_of(lambda: add_model(store, path, answers)) == "model-exists"
    ftp = Answers("net", "arcface_w600k_r50", "x", True, url="ftp://studio/net.onnx")
    assert code_of(lambda: add_model(store, arcface, ftp)) == "no-address"
    assert not (tmp_path / "store").exists() or not list((tmp_path / "store").iterdir())


# The store ----------------------------------------------------------------------------------------------------------


def test_where_the_store_lies(tmp_path: Path) -> None:
    named = {"FACEPLATE_MODELS": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])}
    assert store_folders(named) == (tmp_path / "a", tmp_path / "b")
    assert store_folders({"XDG_DATA_HOME": "/x"}) == (Path("/x/faceplate/models"),) or os.name == "nt"


def test_the_users_own_places() -> None:
    home, windows = {"HOME": "/h"}, {"LOCALAPPDATA": "/l"}
    assert data_folder(home, "linux") == Path("/h/.local/share/faceplate")
    assert data_folder(home, "darwin") == Path("/h/Library/Application Support/Faceplate")
    assert data_folder(windows, "win32") == Path("/l/Faceplate")
    assert cache_folder(home, "linux") == Path("/h/.cache/faceplate")
    assert cache_folder({**home, "XDG_CACHE_HOME": "/x"}, "linux") == Path("/x/faceplate")
    assert cache_folder(home, "darwin") == Path("/h/Library/Caches/Faceplate")
    assert cache_folder(windows, "win32") == Path("/l/Faceplate/cache")
    assert cache_folder({}, "linux").is_relative_to(Path.home())


def test_the_first_folder_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ModelStore((tmp_path / "file" / "a", tmp_path / "b", tmp_path / "c"))
    assert store.writable() == tmp_path / "b"
    assert code_of(lambda: ModelStore((tmp_path / "file" / "a",)).writable()) == "store-read-only"


def test_earlier_folders_win_and_reading_writes_nothing(tmp_path: Path) -> None:
    for folder, numbers in (("show", 512), ("studio", 512)):
        (tmp_path / folder).mkdir()
        graphs.recogniser(tmp_path / folder / "arc.onnx", numbers)
    card(tmp_path / "show", "arc", "arcface_w600k_mbf", version="show")
    card(tmp_path / "studio", "arc", "arcface_w600k_r50", version="studio")
    store = ModelStore((tmp_path / "show", tmp_path / "studio"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert store.card("arc").version == "show" and open_network(store, "arc").card.version == "show"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_verify_and_remove(tmp_path: Path, arcface: Path) -> None:
    card(tmp_path, "arc", "arcface_w600k_r50")
    card(tmp_path, "twin", "arcface_w600k_r50", file="arc.onnx", sha256=digest(arcface))
    store = ModelStore((tmp_path, *embedded_store().folders))
    assert set(store.verify().values()) == {""}
    assert [path.name for path in remove_model(store, "twin")] == ["twin.card.json"]  # the file is another card's too
    arcface.write_bytes(b"x")
    found = ModelStore((tmp_path,)).verify()
    assert "not the file on their card" in found["arc"] and code_of(lambda: store.verify(["none"])) == "unknown-model"
    assert {path.name for path in remove_model(ModelStore((tmp_path,)), "arc")} == {"arc.card.json", "arc.onnx"}
    assert code_of(lambda: remove_model(store, "sface")) == "store-read-only"


def test_a_card_that_cannot_be_read_stops_nobody_else(tmp_path: Path, arcface: Path) -> None:
    store = ModelStore((tmp_path / "store", tmp_path / "other"))
    add_model(store, arcface, Answers("net", "arcface_w600k_r50", "x", True))
    bad = tmp_path / "store" / "bad.card.json"
    bad.write_text("{}")
    fresh = ModelStore(store.folders)
    assert {item.name for item in fresh} == {"net"} and open_network(fresh, "net").card.name == "net"
    assert code_of(lambda: fresh.card("bad")) == "bad-card"
    assert "not valid" in fresh.verify()["bad"] and fresh.verify()["net"] == ""
    assert remove_model(fresh, "bad") == (bad,) and not bad.exists()


def test_a_kind_is_answered_by_a_file_that_is_there(tmp_path: Path, arcface: Path) -> None:
    card(tmp_path, "a", "arcface_w600k_r50")
    add_model(ModelStore((tmp_path,)), arcface, Answers("b", "arcface_w600k_r50", "x", True))
    found = ModelStore((tmp_path,)).of_family("arcface_w600k_r50")
    assert found is not None and found.name == "b"


def test_policy(tmp_path: Path, arcface: Path) -> None:
    ours = card(tmp_path, "arc", "arcface_w600k_r50")
    theirs = ours.model_copy(update={"name": "inswapper", "commercial": False, "licence": "NC"})
    check_policy([ours, theirs], allow_noncommercial=True)
    check_policy([ours], allow_noncommercial=False)
    with pytest.raises(UsageError, match="'inswapper' is under 'NC'") as refusal:
        check_policy([ours, theirs], allow_noncommercial=False)
    assert refusal.value.code == "licence-forbidden" and refusal.value.exit_code == 2


def test_command_line(
    tmp_path: Path, arcface: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("FACEPLATE_MODELS", str(tmp_path / "store"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(*words: str) -> str:
        cli.app(args=list(words), standalone_mode=False)
        return capsys.readouterr().out

    said = run(
        "add",
        str(arcface),
        "--name",
        "ours",
        "--family",
        "arcface_w600k_r50",
        "--licence",
        "CC0-1.0",
        "--noncommercial",
    )
    assert said.startswith("ours: arcface_w600k_r50, CC0-1.0, not for commercial use")
    listed = run("list")
    assert any(line.split()[:4] == ["ours", "identity", "arcface_w600k_r50", "no"] for line in listed.splitlines())
    assert "sface" in listed and str(tmp_path / "store") in listed
    assert "ours: whole" in run("verify", "ours")
    (tmp_path / "store" / "ours.onnx").write_bytes(b"x")
    assert cli.app(args=["verify", "ours"], standalone_mode=False) == 1
    capsys.readouterr()
    assert "removed" in run("remove", "ours") and "ours" not in run("list")
    with pytest.raises(UsageError):
        run("add", str(arcface))


# Downloads ----------------------------------------------------------------------------------------------------------


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
    card(tmp_path / "store", "net", "simswap_256", url=f"{server}/files/net.onnx")
    path.unlink()
    Server.files = {"/files/net.onnx": content}
    return ModelStore((tmp_path / "store",)), content


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
    monkeypatch.setattr("faceplate.models.fetch._TRIES", 1)
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
    assert code_of(lambda: fetch_model(store, "net", {})) == "weights-changed"
    assert [path.name for path in store.folders[0].iterdir()] == ["net.card.json"]
    Server.files = {}
    assert code_of(lambda: fetch_model(store, "net", {})) == "download-failed"


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
    assert code_of(lambda: fetch_model(fresh, "net", {})) == "weights-changed"
    assert not (tmp_path / "store" / "net.onnx").exists()
    Server.files["/files/net.data"] = content["net.data"]
    fetch_model(fresh, "net", {})
    assert fresh.verify() == {"net": ""} and open_network(fresh, "net").card.name == "net"


@pytest.mark.parametrize("odd", ["no http", "length", "chunks"])
def test_fetch_from_a_server_that_talks_nonsense(
    wanted: tuple[ModelStore, bytes], odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, content = wanted
    monkeypatch.setattr("faceplate.models.fetch._TRIES", 1)

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
        assert code_of(lambda: fetch_model(store, "net", {})) == "download-failed"


def test_fetch_refuses_what_is_no_web_address(wanted: tuple[ModelStore, bytes], tmp_path: Path) -> None:
    store, _ = wanted
    assert code_of(lambda: addresses(store.card("net"), {"FACEPLATE_MIRROR": "file:///etc"})) == "no-address"
    for address in ("http://studio/a file.onnx", "http:///net.onnx", "http://[x/net.onnx"):
        odd = store.card("net").model_copy(update={"url": address})
        assert code_of(lambda odd=odd: addresses(odd, {})) == "no-address"
    bare = store.card("net").model_copy(update={"url": None, "name": "bare"})
    write_card(store.folders[0], bare)
    assert code_of(lambda: fetch_model(ModelStore(store.folders), "bare", {})) == "no-address"


# Sessions -----------------------------------------------------------------------------------------------------------


class FakeNode:
    def __init__(self, name: str, shape: list[Any], kind: str = "tensor(float)") -> None:
        self.name, self.shape, self.type = name, shape, kind


class FakeSession:
    """A session that doubles its input, on a provider of one's choice, with room for `room` tiles at once."""

    def __init__(self, provider: str, room: int = 10**9, batch: Any = "n", pause: float = 0.0) -> None:
        self._provider, self._room, self._batch, self._pause = provider, room, batch, pause
        self.sizes: list[int] = []
        self.complaint = "Failed to allocate memory for requested buffer of size 5"
        self.inside = self.most = 0

    def get_providers(self) -> list[str]:
        return [self._provider, CPU]

    def get_inputs(self) -> list[FakeNode]:
        return [FakeNode("target", [self._batch, 4]), FakeNode("source", [self._batch, 1])]

    def get_outputs(self) -> list[FakeNode]:
        return [FakeNode("output", [self._batch, 4])]

    def run(self, _: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.sizes.append(len(feed["target"]))
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(self._pause)
        self.inside -= 1
        if len(feed["target"]) > self._room:
            raise RuntimeError(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {self.complaint}")
        assert len(feed["source"]) in (1, len(feed["target"]))
        return [feed["target"] * 2 + feed["source"]]


def fakes(monkeypatch: pytest.MonkeyPatch, providers: tuple[str, ...], gpus: int = 1) -> None:
    """A machine with these providers, seen by `open_network`, and no IO binding on its make-believe GPUs."""
    monkeypatch.setattr(session, "plan", lambda runtime: plan(runtime, providers, gpus))
    real = session._Lane
    monkeypatch.setattr(session, "_Lane", lambda made, target: real(made, target, bind=False))


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    graphs.recogniser(tmp_path / "net.onnx")
    card(tmp_path, "net")
    return ModelStore((tmp_path,))


TILES = np.arange(64, dtype=np.float32).reshape(16, 4)
FEED = {"target": TILES, "source": np.ones((1, 1), np.float32)}


def test_provider_order() -> None:
    built = (TENSORRT, CUDA, CPU)
    assert plan(Runtime(), (CUDA, CPU), 2) == ((Target(CUDA, 0), Target(CUDA, 1)), (Target(CPU),))
    assert plan(Runtime(), (CPU,), 0) == ((Target(CPU),),)
    asked = plan(Runtime(providers=("tensorrt", "cuda"), devices=(1,)), built, 2)
    assert asked == ((Target(TENSORRT, 1),), (Target(CUDA, 1),), (Target(CPU),))
    for name, provider in (("directml", "DmlExecutionProvider"), ("coreml", "CoreMLExecutionProvider")):
        assert plan(Runtime(providers=(name,)), (CPU,), 0)[0][0].provider == provider
    assert code_of(lambda: plan(Runtime(providers=("quantum",)), built, 1)) == "unknown-provider"
    assert code_of(lambda: plan(Runtime(devices=(3,)), built, 2)) == "no-such-device"


def test_runtime_from_the_environment() -> None:
    made = Runtime.from_environment(
        {
            "FACEPLATE_PROVIDERS": "cuda, cpu",
            "FACEPLATE_GPUS": "0,2",
            "FACEPLATE_GPU_MEMORY": "1.5",
            "FACEPLATE_CACHE": "/c",
        },
        workers=3,
    )
    kept = Path("/c/networks")
    assert made == Runtime(("cuda", "cpu"), (0, 2), workers=3, memory=3 << 29, cache=kept, engines=kept)
    assert Runtime.from_environment({"FACEPLATE_CACHE": "off"}) == Runtime()
    own = Runtime.from_environment({"XDG_CACHE_HOME": "/x", "LOCALAPPDATA": "/x", "HOME": "/x"})
    assert own.cache is None and own.engines is not None and own.engines.is_relative_to("/x")
    shared = Runtime.from_environment({"FACEPLATE_THREADS": "3", "FACEPLATE_WORKERS": "4"})
    assert (shared.threads, shared.workers, shared.intra_op) == (3, 4, 3)
    assert code_of(lambda: Runtime.from_environment({"FACEPLATE_WORKERS": "many"})) == "bad-runtime"
    assert code_of(lambda: Runtime.from_environment({"FACEPLATE_GPUS": "first"})) == "bad-runtime"


def test_threads_follow_the_machine_and_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceplate.models.devices.cores", lambda: 16)
    assert [Runtime(workers=n).intra_op for n in (1, 2, 5, 40)] == [0, 8, 3, 1]
    assert Runtime(threads=7, workers=4).intra_op == 7


def test_provider_options(store: ModelStore, tmp_path: Path) -> None:
    plain = store.card("net")
    half = plain.model_copy(update={"fp16_ok": True})
    limited = Runtime(memory=1 << 30, engines=tmp_path)
    cuda = provider_options(Target(CUDA, 1), plain, limited)
    assert (cuda["device_id"], cuda["gpu_mem_limit"], cuda["use_tf32"]) == ("1", str(1 << 30), "0")
    assert provider_options(Target(CUDA), half, limited)["use_tf32"] == "1"
    assert "gpu_mem_limit" not in provider_options(Target(CUDA), plain, Runtime())
    engine = provider_options(Target(TENSORRT), half, limited)
    assert engine["trt_fp16_enable"] == "True" and engine["trt_engine_cache_enable"] == "True"
    assert plain.sha256[:16] in engine["trt_engine_cache_path"]
    refused = provider_options(Target(TENSORRT), half, Runtime(half=False))
    assert refused["trt_fp16_enable"] == "False" and "trt_engine_cache_path" not in refused
    folders = {
        engine_folder(tmp_path, item, precision, gpu, driver)
        for item in (plain, plain.model_copy(update={"sha256": "1" * 64}))
        for precision in (True, False)
        for gpu in ("A40", "H200/MIG 1")
        for driver in ("550.1", "580.2")
    }
    assert len(folders) == 16 and all(folder.parent.parent == tmp_path / "tensorrt" for folder in folders)


def test_a_provider_that_cannot_is_passed_over_and_said_once(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes(monkeypatch, (CUDA, CPU))

    def opener(path: Path, made: Card, target: Target, runtime: Runtime) -> FakeSession:
        if target.provider == CUDA:
            raise RuntimeError(
                "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for GridSample(20)"
            )
        return FakeSession(CPU)

    opened = open_network(store, "net", opener=opener)
    assert opened.provider == CPU
    (note,) = opened.new_notes()
    assert "cuda:0 cannot run 'net'" in note and "GridSample" in note and "cpu is tried" in note
    opened.infer(FEED, each=["target"])
    assert opened.new_notes() == ()


def test_a_provider_that_silently_did_not_start_is_noticed(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes(monkeypatch, (CUDA, CPU))
    opened = open_network(store, "net", opener=lambda *_: FakeSession(CPU))
    assert opened.targets == ("cpu",) and "did not start" in opened.notes[0]
    # The real thing: asking for CUDA where there is no driver.
    monkeypatch.undo()
    asked = open_network(store, "net", runtime=Runtime(providers=("cuda",)))
    assert asked.targets == ("cpu",) or asked.targets[0].startswith("cuda")


def test_what_is_not_built_in_is_passed_over_with_its_reason(store: ModelStore, capfd: pytest.CaptureFixture) -> None:
    """The real thing on a machine without a GPU: a note, and nothing that ONNX Runtime prints by itself."""
    built = onnxruntime.get_available_providers()
    for name, full in (("directml", "DmlExecutionProvider"), ("coreml", "CoreMLExecutionProvider")):
        if full not in built:
            opened = open_network(store, "net", runtime=Runtime(providers=(name,)))
            assert opened.targets == ("cpu",) and "built without it" in opened.notes[0]
    if not cuda_devices():
        for name in ("cuda", "tensorrt"):
            opened = open_network(store, "net", runtime=Runtime(providers=(name,)))
            assert opened.targets == ("cpu",) and name in opened.notes[0] and "cpu is tried" in opened.notes[0]
    assert capfd.readouterr() == ("", "")


def test_a_provider_is_asked_for_alone(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ONNX Runtime hears: no falling back of its own, and CUDA behind TensorRT for what that cannot compile."""
    heard: list[tuple[list[Any], dict[str, Any]]] = []

    def listen(_path: Path, _options: Any, providers: list[Any], **more: Any) -> FakeSession:
        heard.append((providers, more))
        return FakeSession(providers[0][0])

    monkeypatch.setattr(onnxruntime, "InferenceSession", listen)
    monkeypatch.setattr(session, "_refuse_absent", lambda target: None)
    fakes(monkeypatch, (TENSORRT, CUDA, CPU))
    open_network(store, "net", runtime=Runtime(providers=("tensorrt",), memory=1 << 30))
    ((providers, more),) = heard
    assert [name if isinstance(name, str) else name[0] for name in providers] == [TENSORRT, CUDA, CPU]
    assert providers[1][1]["gpu_mem_limit"] == str(1 << 30) and more == {"enable_fallback": 0}


def test_a_device_that_cannot_is_left_out_and_the_others_work(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes(monkeypatch, (CUDA, CPU), gpus=3)

    def opener(path: Path, made: Card, target: Target, runtime: Runtime) -> FakeSession:
        if target.device == 1 and target.provider == CUDA:
            raise RuntimeError("CUDA failure 2: out of memory")
        return FakeSession(target.provider)

    opened = open_network(store, "net", opener=opener)
    assert opened.targets == ("cuda:0", "cuda:2")
    assert opened.notes == ("cuda:1 cannot run 'net' (CUDA failure 2: out of memory): left out",)


def test_every_wording_of_no_memory_is_known(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes(monkeypatch, (CUDA, CPU))
    for said in (
        "Available memory of 3145728 is smaller than requested bytes of 16777216",  # an arena with a limit
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
        "887A0005 8007000E Not enough memory resources are available to complete this operation.",
    ):
        gpu = FakeSession(CUDA, room=5)
        gpu.complaint = said
        opened = open_network(store, "net", opener=lambda *_, gpu=gpu: gpu)
        assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
        assert "tiles at a time" in opened.notes[0]


def test_a_real_arena_with_a_limit_is_answered_by_smaller_batches(tmp_path: Path) -> None:
    """ONNX Runtime's own allocator, held to so many bytes, says in its own words that there is no more."""
    graphs.swap(tmp_path / "net.onnx", 256, gains=(0.5, 0.6, 0.7), batched=True)
    card(tmp_path, "net", "simswap_256")
    program = """
import sys, numpy as np, onnxruntime
from pathlib import Path
from onnxruntime.capi import _pybind_state as C
from faceplate.models import ModelStore, open_network
memory = C.OrtMemoryInfo("Cpu", C.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, C.OrtMemType.DEFAULT)
C.create_and_register_allocator(memory, C.OrtArenaCfg({"max_mem": 20 << 20, "arena_extend_strategy": 1}))

def opener(path, card, target, runtime):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

network = open_network(ModelStore((Path(sys.argv[1]),)), "net", opener=opener)
tiles = np.random.default_rng(0).uniform(size=(16, 3, 256, 256)).astype(np.float32)
feed = {"target": tiles, "source": np.zeros((16, 512), np.float32)}
made = network.infer(feed, ["target", "source"])["output"]
assert made.shape == tiles.shape
print(network.notes)
"""
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and "tiles at a time" in ran.stdout, ran.stdout + ran.stderr


def test_out_of_memory_halves_the_batch_then_takes_the_next_provider(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes(monkeypatch, (CUDA, CPU))
    gpu, cpu = FakeSession(CUDA, room=5), FakeSession(CPU)
    opened = open_network(store, "net", opener=lambda p, c, target, r: gpu if target.provider == CUDA else cpu)
    assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
    assert gpu.sizes == [16, 8, 4, 4, 4, 4]
    assert opened.targets == ("cuda:0",) and "4 tiles at a time" in opened.notes[-1]
    opened.infer(FEED, each=["target"])
    assert gpu.sizes[6:] == [4, 4, 4, 4]  # the lesson is kept
    gpu._room = 0
    assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
    assert opened.targets == ("cpu",) and "it runs on cpu from now on" in opened.notes[-1]
    cpu._room = 0
    assert code_of(lambda: opened.infer(FEED, each=["target"])) == "out-of-memory"


def test_a_graph_with_a_fixed_batch_is_run_tile_by_tile(store: ModelStore) -> None:
    fixed = FakeSession(CPU, batch=1)
    opened = open_network(store, "net", opener=lambda *_: fixed)
    assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)
    assert fixed.sizes == [1] * 16
    few = FakeSession(CPU)
    opened = open_network(store, "net", runtime=Runtime(batch=6), opener=lambda *_: few)
    opened.infer(FEED, each=["target"])
    assert few.sizes == [6, 6, 4]


def test_several_gpus_are_all_kept_busy(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three devices, one twice as slow: each runs one thing at a time, none waits while there is work."""
    fakes(monkeypatch, (CUDA, CPU), gpus=3)
    devices = [FakeSession(CUDA, pause=pause) for pause in (0.01, 0.01, 0.03)]
    opened = open_network(store, "net", opener=lambda p, c, target, r: devices[target.device])
    assert opened.targets == ("cuda:0", "cuda:1", "cuda:2")
    jobs = list(range(60))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not jobs:
                    return
                jobs.pop()
            assert np.array_equal(opened.infer(FEED, each=["target"])["output"], TILES * 2 + 1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = [len(device.sizes) for device in devices]
    assert sum(runs) == 60 and max(device.most for device in devices) == 1
    assert runs[0] > runs[2] and runs[1] > runs[2] and runs[2] >= 3


def test_one_cpu_session_serves_many_threads(store: ModelStore) -> None:
    opened = open_network(store, "net", runtime=Runtime(workers=4))
    crops = np.random.default_rng(0).uniform(size=(12, 1, 3, 112, 112)).astype(np.float32)
    results: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda index=index: results.update({index: opened.run(crops[index])["516"][0]}))
        for index in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, result in results.items():
        assert np.abs(result - graphs.block_means(crops[index, 0].transpose(1, 2, 0))).max() < 1e-5
    assert len(results) == 12


def test_io_binding_gives_the_same(tmp_path: Path) -> None:
    """The buffers that stay on a device, exercised on the CPU: same answers, and an input that stays is seen to
    change.
    """
    path = graphs.swap(tmp_path / "net.onnx", 128, gains=(0.5, 0.6, 0.7), mix=1.0, batched=True)
    made = onnxruntime.InferenceSession(path)
    plain, bound = session._Lane(made, Target(CPU), bind=False), session._Lane(made, Target(CPU), bind=True)
    random = np.random.default_rng(2)
    source = random.normal(size=(1, 512)).astype(np.float32)
    for count in (1, 1, 4, 4, 2):
        feed = {
            "target": random.uniform(size=(count, 3, 128, 128)).astype(np.float32),
            "source": source.repeat(count, axis=0),
        }
        assert np.array_equal(plain.run(feed)["output"], bound.run(feed)["output"])
    source[:] += 1  # in place, as a careless caller would
    feed = {"target": feed["target"], "source": source.repeat(2, axis=0)}
    assert np.array_equal(plain.run(feed)["output"], bound.run(feed)["output"])


def test_half_precision_overflow_falls_back(tmp_path: Path) -> None:
    graphs.overflowing(tmp_path / "net_fp16.onnx", 256, half=True)
    card(tmp_path, "net_fp16", "simswap_256")
    feed = {"target": np.full((1, 3, 256, 256), 0.8, np.float32), "source": np.zeros((1, 512), np.float32)}
    alone = open_network(ModelStore((tmp_path,)), "net_fp16")
    small = alone.infer({**feed, "target": feed["target"] * 1e-3})["output"]
    assert small.dtype == np.float32 and abs(small.mean() - 96) < 0.1
    assert code_of(lambda: alone.infer(feed)) == "network-overflow"
    graphs.overflowing(tmp_path / "net.onnx", 256, half=False)
    card(tmp_path, "net", "simswap_256")
    both = open_network(ModelStore((tmp_path,)), "net_fp16")
    assert np.allclose(both.infer(feed)["output"], 96000)
    assert "overflowed in half precision: 'net' runs instead" in both.new_notes()[0]
    assert np.allclose(both.infer(feed)["output"], 96000) and both.new_notes() == ()
    assert both.card.name == "net_fp16" and both.running.name == "net"
    feed["target"][0, 0, 0, 0] = np.nan
    assert code_of(lambda: both.infer(feed)) == "network-failed"


def test_optimised_graph_is_kept_and_proved(tmp_path: Path, store: ModelStore) -> None:
    cache = tmp_path / "cache"
    crop = np.random.default_rng(0).uniform(size=(1, 3, 112, 112)).astype(np.float32)
    wanted = open_network(store, "net").run(crop)["516"]
    first = open_network(store, "net", runtime=Runtime(cache=cache))
    (kept,) = (cache / "optimised").glob("*.onnx")
    stamp = kept.stat().st_mtime_ns
    again = open_network(store, "net", runtime=Runtime(cache=cache))
    assert kept.stat().st_mtime_ns == stamp
    kept.write_bytes(b"tampered")
    healed = open_network(store, "net", runtime=Runtime(cache=cache))
    assert kept.read_bytes() != b"tampered"
    for opened in (first, again, healed):
        assert np.abs(opened.run(crop)["516"] - wanted).max() < 1e-6
    (tmp_path / "file").write_text("in the way")
    blocked = open_network(store, "net", runtime=Runtime(cache=tmp_path / "file"))
    assert np.abs(blocked.run(crop)["516"] - wanted).max() < 1e-6


def test_a_cache_that_is_full_stops_nothing(tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime says with a class of its own that it could not write its optimised graph."""

    @contextmanager
    def nowhere(path: Path) -> Iterator[Path]:
        yield path.parent / "no such folder" / path.name

    monkeypatch.setattr(session, "temporary_beside", nowhere)
    opened = open_network(store, "net", runtime=Runtime(cache=tmp_path / "cache"))
    assert opened.run(np.zeros((1, 3, 112, 112), np.float32))["516"].shape == (1, 512)


class FakeDriver:
    """The calls of the CUDA driver that page-locking needs; `grants` says whether it locks."""

    def __init__(self, grants: bool) -> None:
        self.grants, self.locked, self.contexts = grants, {}, []

    def cuInit(self, _: int) -> int:  # noqa: N802
        return 0

    def cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> int:  # noqa: N802
        return 0

    def cuCtxGetCurrent(self, context: Any) -> int:  # noqa: N802
        return 0

    def cuCtxSetCurrent(self, context: Any) -> int:  # noqa: N802
        self.contexts.append(context.value)
        return 0

    def cuMemHostRegister_v2(self, address: Any, count: Any, flags: int) -> int:  # noqa: N802
        if self.grants:
            self.locked[address.value] = count.value
        return 0 if self.grants else 2

    def cuMemHostUnregister(self, address: Any) -> int:  # noqa: N802
        del self.locked[address.value]
        return 0


def test_pinned_memory_is_locked_as_long_as_it_is_used() -> None:
    driver = FakeDriver(grants=True)
    made = pinned_array((3, 5, 7), np.float16, 0, driver)
    assert made.shape == (3, 5, 7) and made.dtype == np.float16 and made.flags.c_contiguous and made.flags.writeable
    assert driver.locked == {made.ctypes.data: 210} and made.ctypes.data % 4096 == 0
    view = made[1]
    del made
    assert len(driver.locked) == 1  # a view still reads it
    del view
    assert driver.locked == {} and len(driver.contexts) == 2  # and the thread has its own context back
    refused = pinned_array((2, 2), np.float32, 0, FakeDriver(grants=False))
    refused[:] = 3
    assert refused.sum() == 12


def test_network_made_by_hand_still_works(tmp_path: Path, arcface: Path) -> None:
    made = Network(card(tmp_path, "arc"), onnxruntime.InferenceSession(arcface))
    assert (
        made.provider == CPU and made.notes == () and list(made.run(np.zeros((1, 3, 112, 112), np.float32))) == ["516"]
    )


# Frames in flight ---------------------------------------------------------------------------------------------------


def test_pipeline_keeps_the_order() -> None:
    random = np.random.default_rng(0).uniform(0, 0.004, 40).tolist()
    stages = [lambda n: n, Stage(lambda n: (time.sleep(random[n]), n * 2)[1], workers=4), lambda n: n + 1]
    outcomes = list(pipelined(range(40), stages, ahead=8))
    assert [outcome.item for outcome in outcomes] == list(range(40))
    assert [outcome.value for outcome in outcomes] == [2 * n + 1 for n in range(40)]


def test_pipeline_stages_run_at_the_same_time() -> None:
    reading, writing = threading.Event(), threading.Event()

    def read(n: int) -> int:
        if n == 1:
            reading.set()
            assert writing.wait(10), "the second item was not read while the first was written"
        return n

    def write(n: int) -> int:
        if n == 0:
            writing.set()
            assert reading.wait(10), "the first item was not written while the second was read"
        return n

    assert [outcome.error for outcome in pipelined(range(3), [read, write])] == [None] * 3


def test_pipeline_is_bounded() -> None:
    """No more than `ahead` items have begun and not been handed out, however slow the last stage is."""
    begun, handed, most = 0, 0, 0

    def begin(n: int) -> int:
        nonlocal begun, most
        begun += 1
        most = max(most, begun - handed)
        return n

    for _ in pipelined(range(60), [begin, lambda n: time.sleep(0.001)], ahead=4):
        handed += 1
    assert 2 <= most <= 5


def test_pipeline_hands_on_an_error_and_goes_on() -> None:
    seen: list[int] = []

    def fail(n: int) -> int:
        if n in (2, 5):
            raise RenderError("plate-missing", f"{n} is missing.")
        return n

    outcomes = list(pipelined(range(8), [fail, lambda n: seen.append(n) or n]))
    assert [outcome.item for outcome in outcomes if outcome.error] == [2, 5]
    assert isinstance(outcomes[2].error, RenderError) and seen == [0, 1, 3, 4, 6, 7]
    late = TimeoutError("a stage's own")
    assert next(pipelined([1], [lambda _: (_ for _ in ()).throw(late)])).error is late


def test_pipeline_stops_cleanly() -> None:
    """A listener that leaves, as Ctrl-C makes it: begun work is finished, nothing else is begun, no thread stays."""
    before = threading.active_count()
    started: list[int] = []
    written: list[int] = []

    def read(n: int) -> int:
        started.append(n)
        return n

    def write(n: int) -> int:
        time.sleep(0.01)
        written.append(n)
        return n

    with pytest.raises(KeyboardInterrupt):
        for outcome in pipelined(range(1000), [read, write], ahead=4):
            if outcome.item == 5:
                raise KeyboardInterrupt
    count = len(started)
    time.sleep(0.05)
    assert len(started) == count <= 12 and written == list(range(len(written)))
    assert threading.active_count() == before
