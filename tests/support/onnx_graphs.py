"""Tiny ONNX graphs with the true signatures of public networks and answers that can be worked out on paper.

Each function writes a file and returns its path. What a graph answers is in its docstring, so that a test can work
out the same with plain numpy and hold the recipe against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE


class Builder:
    """A graph under construction: `put` stores a constant, `op` adds a node and names its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._count = 0

    def put(self, values: np.ndarray | list | tuple, dtype: type = np.float32, name: str | None = None) -> str:
        name = name or self._name()
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def op(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        out = out or self._name()
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def save(self, path: Path, inputs: list[Any], outputs: list[Any]) -> Path:
        """`inputs` and `outputs` are (name, shape[, type])."""
        model = self.model(inputs, outputs)
        path.write_bytes(model.SerializeToString())
        return path

    def model(self, inputs: list[Any], outputs: list[Any]) -> onnx.ModelProto:
        def infos(items: list[Any]) -> list[onnx.ValueInfoProto]:
            return [
                helper.make_tensor_value_info(item[0], item[2] if len(item) > 2 else FLOAT, item[1]) for item in items
            ]

        graph = helper.make_graph(self.nodes, "probe", infos(inputs), infos(outputs), self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)

    def _name(self) -> str:
        self._count += 1
        return f"t{self._count}"


def ramps(side: int, ramp: tuple[float, float]) -> np.ndarray:
    """float32 (side, side): `ramp` = (a, b) gives a · x + b · y at pixel centres, in fractions of the side."""
    places = (np.arange(side, dtype=np.float64) + 0.5) / side
    return (ramp[0] * places[None, :] + ramp[1] * places[:, None]).astype(np.float32)


def swap(
    path: Path,
    side: int,
    *,
    source: int = 512,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    offsets: tuple[float, float, float] = (0.0, 0.0, 0.0),
    mix: float = 0.0,
    ramp: tuple[float, float] = (0.0, 0.0),
    means: bool = False,
    emap: np.ndarray | None = None,
    emap_raw: bool = True,
    batched: bool = False,
    mask: bool = False,
) -> Path:
    """A swap network. Channel c of the answer is target[c] · gains[c] + offsets[c] + mix · (5 + c-th number of the
    embedding, or the source picture's mean over channel c) + a · x + b · y. With `means` the target is first replaced
    by its mean over each tile.

    `source` is 512 for an embedding, else the side of a source picture. `emap` is stored as the last 512x512 matrix,
    after another one that must not be taken. With `batched` target and source have a free batch axis. `mask` adds a
    second output.
    """
    graph = Builder()
    target = graph.op("ReduceMean", "target", axes=[2, 3], keepdims=1) if means else "target"
    scaled = graph.op("Mul", target, graph.put(np.reshape(gains, (1, 3, 1, 1))))
    shifted = graph.op("Add", scaled, graph.put(np.reshape(offsets, (1, 3, 1, 1))))
    if source == 512:
        picked = graph.op(
            "Slice", "source", graph.put([5], np.int64), graph.put([8], np.int64), graph.put([1], np.int64)
        )
        told = graph.op("Reshape", picked, graph.put([-1, 3, 1, 1], np.int64))
    else:
        told = graph.op("ReduceMean", "source", axes=[2, 3], keepdims=1)
    mixed = graph.op("Add", shifted, graph.op("Mul", told, graph.put([mix])))
    graph.op("Add", mixed, graph.put(ramps(side, ramp)[None, None]), out="output")
    if emap is not None:
        graph.put(np.full((512, 512), 7.0), name="decoy")
        graph.put(emap, name="emap")
        if not emap_raw:
            floats = helper.make_tensor("emap", FLOAT, (512, 512), np.asarray(emap, np.float32).ravel().tolist())
            graph.weights[-1] = floats
    count = "n" if batched else 1
    outputs: list[Any] = [("output", [count, 3, side, side])]
    if mask:
        graph.op("ReduceMean", "output", axes=[1], keepdims=1, out="mask")
        outputs.insert(0, ("mask", [count, 1, side, side]))
    shape = [count, 512] if source == 512 else [count, 3, source, source]
    return graph.save(path, [("target", [count, 3, side, side]), ("source", shape)], outputs)


def recogniser(path: Path, numbers: int = 512) -> Path:
    """An embedding that is its crop's statistics: the means of 8x8 blocks, channel by channel, the first `numbers` of
    them.
    """
    graph = Builder()
    pooled = graph.op("AveragePool", "input.1", kernel_shape=[8, 8], strides=[8, 8])
    flat = graph.op("Flatten", pooled, axis=1)
    ends = [graph.put([value], np.int64) for value in (0, numbers, 1)]
    graph.op("Slice", flat, *ends, out="516")
    return graph.save(path, [("input.1", ["n", 3, 112, 112])], [("516", [1, numbers])])


def block_means(crop: np.ndarray, numbers: int = 512) -> np.ndarray:
    """What `recogniser` answers to a crop (112, 112, 3)."""
    blocks = crop.reshape(14, 8, 14, 8, 3).mean(axis=(1, 3))
    return blocks.transpose(2, 0, 1).ravel()[:numbers].astype(np.float32)


def converter(path: Path, matrix: np.ndarray, offset: float) -> Path:
    """input @ matrix + offset."""
    graph = Builder()
    graph.op("Add", graph.op("MatMul", "input", graph.put(matrix)), graph.put([offset]), out="output")
    return graph.save(path, [("input", [1, 512])], [("output", [1, 512])])


def dfm(path: Path, side: int, *, gains: tuple[float, float, float], morph: bool = True, named: bool = True) -> Path:
    """out_celeb_face = in_face · gains (in its own channel order) + 0.1 · morph; the mattes are ramps over x and over
    y.
    """
    graph = Builder()
    end = ":0" if named else ""
    face = graph.op("Mul", f"in_face{end}", graph.put(np.reshape(gains, (1, 1, 1, 3))))
    if morph:
        face = graph.op("Add", face, graph.op("Mul", f"morph_value{end}", graph.put([0.1])))
    graph.op("Identity", face, out=f"out_celeb_face{end}")
    for name, ramp in (("out_face_mask", (1.0, 0.0)), ("out_celeb_face_mask", (0.0, 1.0))):
        graph.op("Identity", graph.put(ramps(side, ramp)[None, :, :, None]), out=f"{name}{end}")
    inputs = [(f"in_face{end}", [1, side, side, 3])] + ([(f"morph_value{end}", [1])] if morph else [])
    masks = [(f"out_face_mask{end}", [1, side, side, 1]), (f"out_celeb_face_mask{end}", [1, side, side, 1])]
    return graph.save(path, inputs, [masks[0], (f"out_celeb_face{end}", [1, side, side, 3]), masks[1]])


def restorer(path: Path, side: int, *, gains: tuple[float, float, float], weight: bool = False) -> Path:
    """input · gains, plus the weight (a double) where there is one."""
    graph = Builder()
    made = graph.op("Mul", "input", graph.put(np.reshape(gains, (1, 3, 1, 1))))
    if weight:
        made = graph.op("Add", made, graph.op("Cast", "weight", to=FLOAT))
    graph.op("Identity", made, out="output")
    inputs: list[Any] = [("input", [1, 3, side, side])] + ([("weight", [], DOUBLE)] if weight else [])
    return graph.save(path, inputs, [("output", [1, 3, side, side])])


def scrfd(
    path: Path, stride: int, anchor: int, distances: list[float], points: list[float], batched: bool = False
) -> Path:
    """One face, at flat position `anchor` of `stride`. Its score is 0.6 + the mean of the input's first channel, so
    it tells what was fed; a copy with score 0.55 lies on the anchor beside it for the suppression to take away.
    """
    graph = Builder()
    mean = graph.op(
        "ReduceMean", graph.op("Slice", "input.1", *[graph.put([v], np.int64) for v in (0, 1, 1)]), keepdims=0
    )
    outputs: dict[str, list] = {"score": [], "bbox": [], "kps": []}
    for size in (8, 16, 32):
        count = (640 // size) ** 2 * 2
        score, box, five = np.zeros((count, 1)), np.zeros((count, 4)), np.zeros((count, 10))
        lit = np.zeros((count, 1))
        if size == stride:
            score[anchor], lit[anchor] = 0.6, 1.0
            score[anchor ^ 1] = 0.55
            box[[anchor, anchor ^ 1]], five[[anchor, anchor ^ 1]] = distances, points
        told = graph.op("Add", graph.put(score), graph.op("Mul", mean, graph.put(lit)))
        for kind, name in (("score", told), ("bbox", graph.put(box)), ("kps", graph.put(five))):
            out = f"{kind}_{size}"
            if batched:
                graph.op("Unsqueeze", name, graph.put([0], np.int64), out=out)
            else:
                graph.op("Identity", name, out=out)
            width = {"score": 1, "bbox": 4, "kps": 10}[kind]
            outputs[kind].append((out, [1, count, width] if batched else [count, width]))
    ends = [item for kind in ("score", "bbox", "kps") for item in outputs[kind]]
    return graph.save(path, [("input.1", [1, 3, "h", "w"])], ends)


def yolo(path: Path, column: int, face: list[float]) -> Path:
    """One face (20 numbers) in column `column`, its score raised by the mean of the input's first channel."""
    graph = Builder()
    mean = graph.op(
        "ReduceMean", graph.op("Slice", "images", *[graph.put([v], np.int64) for v in (0, 1, 1)]), keepdims=0
    )
    table, lit = np.zeros((1, 20, 8400)), np.zeros((1, 20, 8400))
    table[0, :, column] = face
    lit[0, 4, column] = 1.0
    graph.op("Add", graph.put(table), graph.op("Mul", mean, graph.put(lit)), out="output0")
    return graph.save(path, [("images", [1, 3, 640, 640])], [("output0", [1, 20, 8400])])


def points(path: Path, kind: str, places: np.ndarray) -> Path:
    """A landmarker: `places` (n, 2) in the network's own unit, plus the mean of the input's first channel in x."""
    side, count = (256, 68) if kind == "2dfan4" else (192, 106)
    name = "input" if kind == "2dfan4" else "data"
    graph = Builder()
    mean = graph.op("ReduceMean", graph.op("Slice", name, *[graph.put([v], np.int64) for v in (0, 1, 1)]), keepdims=0)
    if kind == "2dfan4":
        table = np.concatenate([places, np.ones((68, 1))], axis=1)[None]
        lit = np.zeros((1, 68, 3))
        lit[..., 0] = 1
        graph.op("Add", graph.put(table), graph.op("Mul", mean, graph.put(lit)), out="landmarks")
        graph.op("Identity", graph.put(np.zeros((1, 68, 64, 64))), out="heatmaps")
        ends: list[Any] = [("landmarks", [1, count, 3]), ("heatmaps", [1, count, 64, 64])]
    else:
        lit = np.tile([1.0, 0.0], 106)[None]
        graph.op("Add", graph.put(places.reshape(1, 212)), graph.op("Mul", mean, graph.put(lit)), out="fc1")
        ends = [("fc1", [1, 212])]
    return graph.save(path, [(name, [1, 3, side, side])], ends)


def slice_first(graph: Builder, name: str, axis: int) -> str:
    """The first channel of an input along `axis`."""
    return graph.op("Slice", name, *[graph.put([v], np.int64) for v in (0, 1, axis)])


def xseg(path: Path) -> Path:
    """The matte is the first channel of what was fed (NHWC)."""
    graph = Builder()
    graph.op("Identity", slice_first(graph, "input", 3), out="output")
    return graph.save(path, [("input", [1, 256, 256, 3])], [("output", [1, 256, 256, 1])])


def bisenet(path: Path, mean: float = 0.485, std: float = 0.229) -> Path:
    """Skin (class 1) where the fed red channel is above what plain 0.5 becomes, hair (class 17) elsewhere."""
    graph = Builder()
    red = slice_first(graph, "input", 1)
    level = graph.put([(0.5 - mean) / std])
    skin, hair = graph.op("Sub", red, level), graph.op("Sub", level, red)
    none = graph.op("Mul", red, graph.put([0.0]))
    low = graph.op("Sub", none, graph.put([100.0]))
    order = [skin if index == 1 else hair if index == 17 else low for index in range(19)]
    graph.op("Concat", *order, out="logits", axis=1)
    return graph.save(path, [("input", [1, 3, 512, 512])], [("logits", [1, 19, 512, 512])])


def overflowing(path: Path, side: int, half: bool) -> Path:
    """A swap network that answers 120000 · target: infinite in half precision as soon as the target passes 0.55."""
    graph = Builder()
    if half:
        cast = graph.op("Cast", "target", to=HALF)
        twice = graph.op("Mul", cast, graph.put([np.float16(60000)], np.float16))
        graph.op("Mul", twice, graph.put([np.float16(2)], np.float16), out="output")
    else:
        graph.op("Mul", "target", graph.put([120000.0]), out="output")
    ends = [("output", [1, 3, side, side], HALF if half else FLOAT)]
    return graph.save(path, [("target", [1, 3, side, side]), ("source", [1, 512])], ends)


def unknown_op(path: Path) -> Path:
    """A recogniser whose only node nobody implements."""
    graph = Builder()
    graph.nodes.append(helper.make_node("NoSuchOperator", ["input.1"], ["516"]))
    return graph.save(path, [("input.1", [1, 3, 112, 112])], [("516", [1, 512])])


def outside(path: Path, location: str, values: np.ndarray, write: bool = True) -> Path:
    """A recogniser-shaped graph (sum of the crop · a 512-vector) that keeps the vector in the file `location`."""
    graph = Builder()
    total = graph.op("ReduceSum", "input.1", keepdims=0)
    vector = graph.put(values.reshape(1, 512), name="vector")
    graph.op("Mul", total, vector, out="516")
    model = graph.model([("input.1", [1, 3, 112, 112])], [("516", [1, 512])])
    tensor = model.graph.initializer[0]
    raw = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(raw)))):
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    if write:
        (path.parent / location).write_bytes(raw)
    return path
