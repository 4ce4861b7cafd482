"""Writes a trained network as an ONNX graph with the signature of a DFM, node by node.

The people are chosen here: the input is the double's face, the own halves of the actor and of the double become
constants, and a person's scales are folded into the convolutions before them. So the file holds the actor's face and
nothing of how it was trained, and other tools that run DFM files read it.
"""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from faceplate.train.network import SLOPE, Decoder, Stage, SwapNetwork

__all__ = ["INPUT", "OUTPUTS", "dfm_model"]

INPUT = "in_face:0"
"""NHWC BGR, network space."""

OUTPUTS = ("out_face_mask:0", "out_celeb_face:0", "out_celeb_face_mask:0")
"""The double's matte, the actor's face (NHWC BGR) and its matte."""

_OPSET = 13
_IR = 8


@dataclass
class _Graph:
    """Nodes and constants in the order in which they are added; `half` stores and computes in float16."""

    half: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the output's name."""
        output = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Tensor | np.ndarray | np.generic) -> str:
        """Add a constant: numbers in the graph's precision, indices as they are."""
        array = value if isinstance(value, np.ndarray | np.generic) else value.detach().cpu().numpy()
        if array.dtype.kind == "f":
            array = array.astype(np.float16 if self.half else np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def cast(self, x: str, to: int, name: str = "") -> str:
        """Convert between the outside's float32 and the graph's precision."""
        return self.add("Cast", x, to=to, name=name) if self.half else x

    def convolution(self, x: str, weight: Tensor, bias: Tensor | None, stride: int = 1) -> str:
        """Add a convolution with zero padding of half its kernel."""
        assert bias is not None
        kernel = weight.shape[-1]
        pads = [kernel // 2] * 4
        names = self.constant(weight), self.constant(bias)
        return self.add("Conv", x, *names, kernel_shape=[kernel] * 2, pads=pads, strides=[stride] * 2)

    def linear(self, x: str, weight: Tensor, bias: Tensor) -> str:
        """Add `x @ weight.T + bias`."""
        return self.add("Gemm", x, self.constant(weight), self.constant(bias), transB=1)

    def bend(self, x: str) -> str:
        """Add the leaky rectifier."""
        return self.add("LeakyRelu", x, alpha=SLOPE)

    def shuffle(self, x: str) -> str:
        """Add a pixel shuffle by 2."""
        return self.add("DepthToSpace", x, blocksize=2, mode="CRD")


def dfm_model(
    network: SwapNetwork, actor: str, double: str, half: bool = False, facts: dict[str, str] | None = None
) -> onnx.ModelProto:
    """Return the ONNX model that puts `actor` on the faces of `double`, in float32 or with weights in float16.

    Input and outputs are float32 in both cases. `facts` are written into the model's metadata.
    """
    graph, side = _Graph(half), network.shape.side
    people = network.shape.people
    code = _encoder(graph, network)
    of_actor = _halves(graph, network, code, people.index(actor))
    of_double = _halves(graph, network, code, people.index(double))
    _matte(graph, network.matte, of_double, OUTPUTS[0])
    _face(graph, network, of_actor, people.index(actor))
    _matte(graph, network.matte, of_actor, OUTPUTS[2])
    shape = ["faces", side, side]
    made = helper.make_graph(
        graph.nodes,
        "faceplate_dfm",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [*shape, 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [*shape, channels])
            for name, channels in zip(OUTPUTS, (1, 3, 1), strict=True)
        ],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    model.producer_name = "faceplate"
    helper.set_model_props(model, facts or {})
    onnx.checker.check_model(model)
    return model


def _convolutions(modules: nn.ModuleList) -> list[nn.Conv2d]:
    """Return the modules of a list that holds convolutions alone."""
    return cast("list[nn.Conv2d]", list(modules))


def _encoder(graph: _Graph, network: SwapNetwork) -> str:
    x = graph.add("Transpose", graph.cast(INPUT, TensorProto.FLOAT16), perm=[0, 3, 1, 2])
    x = graph.add("Sub", graph.add("Mul", x, graph.constant(np.float32(2))), graph.constant(np.float32(1)))
    for index, conv in enumerate(_convolutions(network.encoder.convs)):
        weight = conv.weight.flip(1) if index == 0 else conv.weight  # BGR in the file, RGB in training
        x = graph.bend(graph.convolution(x, weight, conv.bias, stride=2))
    to_code = network.encoder.to_code
    code = graph.linear(graph.add("Flatten", x, axis=1), to_code.weight, to_code.bias)
    code = graph.cast(code, TensorProto.FLOAT)  # squares of a code do not fit into float16 with certainty
    tiny = numpy_helper.from_array(np.array(1e-6, np.float32), "tiny")
    graph.constants.append(tiny)
    square = graph.add("ReduceMean", graph.add("Mul", code, code), axes=[1], keepdims=1)
    length = graph.add("Sqrt", graph.add("Add", square, "tiny"))
    return graph.cast(graph.add("Div", code, length), TensorProto.FLOAT16)


def _halves(graph: _Graph, network: SwapNetwork, code: str, person: int) -> str:
    shared = graph.linear(code, network.shared.weight, network.shared.bias)
    own = graph.linear(code, network.own_weight[person], network.own_bias[person])
    grid = network.shape.grid
    both = graph.add("Concat", shared, own, axis=1)
    form = graph.constant(np.array([-1, network.half_width * 2, grid, grid], np.int64))
    return graph.bend(graph.add("Reshape", both, form))


def _stages(graph: _Graph, decoder: Decoder, x: str, scales: list[Tensor] | None) -> str:
    for index, stage in enumerate(cast("list[Stage]", list(decoder.stages))):
        weight, bias = stage.up.weight, stage.up.bias
        if scales is not None:  # the shuffle takes four channels for each of its own
            factor, shift = (part.repeat_interleave(4) for part in (1 + scales[index][0], scales[index][1]))
            assert bias is not None
            weight, bias = weight * factor[:, None, None, None], bias * factor + shift
        x = graph.bend(graph.shuffle(graph.convolution(x, weight, bias)))
        for first, second in zip(_convolutions(stage.first), _convolutions(stage.second), strict=True):
            bent = graph.bend(graph.convolution(x, first.weight, first.bias))
            x = graph.bend(graph.add("Add", x, graph.convolution(bent, second.weight, second.bias)))
    return x


def _face(graph: _Graph, network: SwapNetwork, halves: str, person: int) -> None:
    x = _stages(graph, network.face, halves, [scale[person] for scale in network.scales])
    head: nn.Conv2d = network.face.head
    order = torch.arange(12).view(3, 4).flip(0).flatten()  # RGB in training, BGR in the file
    assert head.bias is not None
    # network.SwapNetwork.decode brings the head's answer to 0..1 by 0.5 x + 0.5
    x = graph.shuffle(graph.convolution(x, head.weight[order] * 0.5, head.bias[order] * 0.5 + 0.5))
    _outside(graph, x, OUTPUTS[1])


def _matte(graph: _Graph, decoder: Decoder, halves: str, name: str) -> None:
    x = _stages(graph, decoder, halves, None)
    x = graph.shuffle(graph.convolution(x, decoder.head.weight, decoder.head.bias))
    _outside(graph, graph.add("Sigmoid", x), name)


def _outside(graph: _Graph, x: str, name: str) -> None:
    """End with float32 NHWC under the signature's name."""
    if graph.half:
        graph.cast(graph.add("Transpose", x, perm=[0, 2, 3, 1]), TensorProto.FLOAT, name=name)
    else:
        graph.add("Transpose", x, perm=[0, 2, 3, 1], name=name)
