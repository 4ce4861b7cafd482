"""SFace as PyTorch operators, so that likeness has a gradient. The weights are those of the ONNX file that ships."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.errors import RenderError
from faceplate.face.recognisers import SIDE
from faceplate.models import ModelStore

__all__ = ["Recogniser", "open_recogniser"]

_NAME = "sface"
_LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


class Recogniser(nn.Module):
    """Computes the embedding of faces in crops, of their luma alone: a colour that pleases the recogniser is no likeness.

    Its weights are constant.
    """

    luma: Tensor

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers.requires_grad_(False).eval()
        self.register_buffer("luma", torch.tensor(_LUMA).view(1, 3, 1, 1))

    def forward(self, faces: Tensor, matrices: Tensor) -> Tensor:
        """Return raw embeddings (n, 128).

        Parameters
        ----------
        faces : Tensor
            (n, 3, S, S), RGB in network space.
        matrices : Tensor
            (n, 2, 3), from the recogniser's crop to the faces' crop, continuous pixels.
        """
        side = faces.shape[-1]
        # grid_sample works in coordinates from -1 to 1 over the whole picture: x_unit = 2 x / side - 1, on both sides.
        turn = matrices[:, :, :2] * (SIDE / side)
        shift = (matrices[:, :, :2].sum(2) * (SIDE / 2) + matrices[:, :, 2]) * (2 / side) - 1
        grid = functional.affine_grid(
            torch.cat([turn, shift[:, :, None]], 2), [len(faces), 3, SIDE, SIDE], align_corners=False
        )
        crops = functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)
        luma = (crops.clamp(0, 1) * self.luma).sum(1, keepdim=True)
        return self.layers(luma.expand(-1, 3, -1, -1) * 255)


def open_recogniser(store: ModelStore) -> Recogniser:
    """Build the recogniser from the store's SFace. Raises what `ModelStore.path` raises, and `weights-unusable`."""
    return Recogniser(_sequential(store.path(_NAME)))


class _Scale(nn.Module):
    def __init__(self, minus: float, factor: float) -> None:
        super().__init__()
        self.minus, self.factor = minus, factor

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.minus) * self.factor


def _sequential(path: Path) -> nn.Sequential:
    """Translate the graph, a chain of nodes, to a chain of modules."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {item.name: torch.from_numpy(numpy_helper.to_array(item).copy()) for item in graph.initializer}
    modules: list[nn.Module] = []
    for node in graph.node:
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        weights = [stored[name] for name in node.input if name in stored]
        build = _BUILDERS.get(node.op_type)
        if build is None:
            raise RenderError(
                "weights-unusable", f"{path.name} has an operator that training does not know: {node.op_type}."
            )
        modules.append(build(weights, attributes))
    return nn.Sequential(*modules)


def _convolution(weights: list[Tensor], attributes: dict[str, Any]) -> nn.Module:
    weight, groups = weights[0], int(attributes.get("group", 1))
    out, height, width = weight.shape[0], weight.shape[2], weight.shape[3]
    made = nn.Conv2d(
        weight.shape[1] * groups,
        out,
        (height, width),
        tuple(attributes["strides"]),
        tuple(attributes["pads"][:2]),
        groups=groups,
        bias=len(weights) > 1,
    )
    made.weight.data = weight
    if len(weights) > 1:
        made.bias.data = weights[1]  # type: ignore[union-attr]
    return made


class _Norm(nn.Module):
    """Batch normalisation with stored statistics, for maps (n, c, h, w) and for rows (n, c)."""

    factor: Tensor
    offset: Tensor

    def __init__(self, weights: list[Tensor], epsilon: float) -> None:
        super().__init__()
        gamma, beta, mean, variance = weights
        self.register_buffer("factor", gamma * torch.rsqrt(variance + epsilon))
        self.register_buffer("offset", beta - mean * gamma * torch.rsqrt(variance + epsilon))

    def forward(self, x: Tensor) -> Tensor:
        along = (1, -1) + (1,) * (x.ndim - 2)
        return x * self.factor.view(along) + self.offset.view(along)


def _prelu(weights: list[Tensor], _: dict[str, Any]) -> nn.Module:
    made = nn.PReLU(weights[0].numel())
    made.weight.data = weights[0].reshape(-1)
    return made


def _linear(weights: list[Tensor], _: dict[str, Any]) -> nn.Module:
    made = nn.Linear(weights[0].shape[1], weights[0].shape[0])
    made.weight.data, made.bias.data = weights
    return made


_BUILDERS = {
    "Sub": lambda weights, _: _Scale(float(weights[0]), 1.0),
    "Mul": lambda weights, _: _Scale(0.0, float(weights[0])),
    "Conv": _convolution,
    "BatchNormalization": lambda weights, attributes: _Norm(weights, attributes["epsilon"]),
    "PRelu": _prelu,
    "Dropout": lambda *_: nn.Identity(),
    "Flatten": lambda *_: nn.Flatten(),
    "Gemm": _linear,
}
