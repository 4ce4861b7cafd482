"""The lazy reader of ONNX headers: signatures, damaged files, and weights outside the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import onnx_graphs as graphs
from faceplate.errors import RenderError
from faceplate.models import ModelStore, open_network
from faceplate.models.devices import CPU
from faceplate.models.graph import read_graph
from faceplate.models.intake import Answers, add_model
from model_cards import HOUSE_ANSWERS, refusal_code, write_test_card

# Cards and graphs ---------------------------------------------------------------------------------------------------


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
        add_model(ModelStore((tmp_path / "store",)), path, HOUSE_ANSWERS)
    assert refusal.value.code == code
    assert not (tmp_path / "store").exists()


def test_truncated_at_any_place(tmp_path: Path) -> None:
    whole = graphs.swap(tmp_path / "net.onnx", 128, emap=np.eye(512, dtype=np.float32)).read_bytes()
    for share in (0.001, 0.3, 0.7, 0.999):
        path = tmp_path / "cut.onnx"
        path.write_bytes(whole[: int(len(whole) * share)])
        assert refusal_code(lambda path=path: read_graph(path)) in ("weights-truncated", "not-onnx")
    path.write_bytes(whole[:-1])
    assert refusal_code(lambda: read_graph(path)) == "weights-truncated"


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
    write_test_card(tmp_path, "arc", "arcface_w600k_r50")
    assert open_network(ModelStore((tmp_path,)), "arc").provider == CPU
    data = bytearray(arcface.read_bytes())
    data[-3] ^= 1
    arcface.write_bytes(data)
    assert refusal_code(lambda: open_network(ModelStore((tmp_path,)), "arc")) == "weights-changed"
    arcface.unlink()
    assert refusal_code(lambda: open_network(ModelStore((tmp_path,)), "arc")) == "weights-missing"
    graphs.recogniser(tmp_path / "net.onnx")
    write_test_card(tmp_path, "net", "inswapper_128")
    with pytest.raises(RenderError, match=r"1x3x128x128, 1x512 in .* \?x3x112x112 in") as refusal:
        open_network(ModelStore((tmp_path,)), "net")
    assert refusal.value.code == "wrong-signature"


def test_an_operator_that_nobody_has(tmp_path: Path) -> None:
    graphs.unknown_op(tmp_path / "net.onnx")
    write_test_card(tmp_path, "net", "arcface_w600k_r50")
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
    assert refusal_code(lambda: open_network(ModelStore((tmp_path / "store",)), "net")) == "weights-changed"
    (tmp_path / "store" / "net.data").unlink()
    assert refusal_code(lambda: open_network(ModelStore((tmp_path / "store",)), "net")) == "weights-missing"
    (tmp_path / "in" / "net.data").unlink()
    assert refusal_code(lambda: add_model(store, path, HOUSE_ANSWERS)) == "external-missing"


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
    assert refusal_code(lambda: add_model(ModelStore((tmp_path / "store",)), path, HOUSE_ANSWERS)) == "external-outside"
    write_test_card(folder, "net", "arcface_w600k_r50")  # a card written by hand does not help either
    assert refusal_code(lambda: open_network(ModelStore((folder,)), "net")) == "external-outside"


def test_outside_weights_cannot_be_a_link_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "net.data").symlink_to(tmp_path / "secret")
    path = graphs.outside(folder / "net.onnx", "net.data", np.zeros(512), write=False)
    assert refusal_code(lambda: add_model(ModelStore((tmp_path / "store",)), path, HOUSE_ANSWERS)) == "external-outside"


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
        assert refusal_code(lambda: read_graph(path)) == "weights-truncated"
    model.graph.initializer[0].external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    assert refusal_code(lambda: read_graph(path)) == "weights-truncated"


def test_weights_that_the_card_does_not_name_are_not_opened(tmp_path: Path) -> None:
    graphs.outside(tmp_path / "net.onnx", "net.data", np.arange(512))
    write_test_card(tmp_path, "net", "arcface_w600k_r50")
    assert refusal_code(lambda: open_network(ModelStore((tmp_path,)), "net")) == "external-unlisted"


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
