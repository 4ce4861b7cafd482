"""PReLU written as simpler operators: the same results to the last bit, and nothing else of a file is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from faceplate.models import embedded_store
from faceplate.models.prelu import without_prelu


def _graph(
    path: Path, slope: np.ndarray, *, opset: int = 13, stored: bool = True, kind: int = TensorProto.FLOAT
) -> Path:
    """Write x -> Neg -> PRelu -> Identity with a `slope` that is a weight, or an input where it is not `stored`."""
    value = helper.make_tensor_value_info("x", kind, [1, 3, None])
    given = [] if stored else [helper.make_tensor_value_info("slope", kind, list(slope.shape))]
    nodes = [
        helper.make_node("Neg", ["x"], ["turned"]),
        helper.make_node("PRelu", ["turned", "slope"], ["bent"]),
        helper.make_node("Identity", ["bent"], ["y"]),
    ]
    weights = [numpy_helper.from_array(slope, "slope")] if stored else []
    graph = helper.make_graph(
        nodes, "g", [value, *given], [helper.make_tensor_value_info("y", kind, [1, 3, None])], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    helper.set_model_props(model, {"author": "a studio"})
    onnx.save(model, path)
    return path


def _run(graph: bytes, **feed: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    made = session.run(None, dict(zip(names, feed.values(), strict=True)))
    return [np.asarray(array) for array in made]


def test_results_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    """Slopes below 0, between 0 and 1, and above 1; negative, huge and infinite numbers, and NaN."""
    path = _graph(tmp_path / "n.onnx", np.array([-0.3, 0.25, 19.8], np.float32).reshape(3, 1))
    x = np.random.default_rng(2).standard_normal((1, 3, 1000), np.float32) * 10
    x[..., :6] = 0.0, np.inf, -np.inf, np.nan, 3e38, 1e-42
    simple = without_prelu(path)
    assert simple is not None
    before, after = _run(path.read_bytes(), x=x)[0], _run(simple, x=x)[0]
    assert np.array_equal(before, after, equal_nan=True)


def test_only_the_node_changes(tmp_path: Path) -> None:
    path = _graph(tmp_path / "n.onnx", np.full((3, 1), 0.25, np.float32))
    simple = without_prelu(path)
    assert simple is not None
    old, new = onnx.load(path), onnx.load_from_string(simple)
    onnx.checker.check_model(new)
    assert [node.op_type for node in new.graph.node] == ["Neg", "Relu", "Min", "Mul", "Add", "Identity"]
    assert old.graph.node[0] == new.graph.node[0] and old.graph.node[2] == new.graph.node[-1]
    assert list(old.graph.initializer) == list(new.graph.initializer)[:-1]
    assert (old.graph.input, old.graph.output) == (new.graph.input, new.graph.output)
    assert old.metadata_props == new.metadata_props and old.opset_import == new.opset_import


@pytest.mark.parametrize(
    "made",
    [
        {"slope": np.full((3, 1), 0.25, np.float32), "opset": 7},
        {"slope": np.full((3, 1), 0.25, np.float32), "stored": False},
        {"slope": np.full((3, 1), 0.25, np.float16), "kind": TensorProto.FLOAT16},
    ],
    ids=["old operators", "slope given at run time", "half precision"],
)
def test_other_graphs_are_left_alone(tmp_path: Path, made: dict) -> None:
    assert without_prelu(_graph(tmp_path / "n.onnx", **made)) is None


def test_files_that_are_no_whole_graph_are_left_to_the_runtime(tmp_path: Path) -> None:
    path = _graph(tmp_path / "n.onnx", np.full((3, 1), 0.25, np.float32))
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(path.read_bytes()[:-40])
    (tmp_path / "text.onnx").write_text("no graph")
    assert [without_prelu(tmp_path / name) for name in ("cut.onnx", "text.onnx", "missing.onnx")] == [None] * 3


@pytest.mark.parametrize("name", ["face_landmarker", "sface"])
def test_shipped_networks(name: str) -> None:
    store = embedded_store()
    path = store.path(name)
    simple = without_prelu(path)
    assert simple is not None and not any(node.op_type == "PRelu" for node in onnx.load_from_string(simple).graph.node)
    side, scale = (256, 1.0) if name == "face_landmarker" else (112, 255.0)
    shape = (1, side, side, 3) if name == "face_landmarker" else (1, 3, side, side)
    x = np.random.default_rng(3).random(shape, np.float32) * np.float32(scale)
    before, after = (_run(graph, x=x) for graph in (path.read_bytes(), simple))
    assert all(np.array_equal(first, second) for first, second in zip(before, after, strict=True))
