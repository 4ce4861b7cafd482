"""The losses of a training: structure, pixels and their slopes, matte, expression, and likeness to the actor.

Structure is the multi-scale structural similarity of Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multi-scale structural
similarity for image quality assessment", Asilomar 2003, over uniform windows of 7 pixels, with each scale weighted
alike and each window by what the face's matte and regions say.
"""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from faceplate.color.encoding import SHOULDER
from faceplate.train.curve import KNEE, LIMIT, SCALE
from faceplate.train.network import Answer
from faceplate.train.presets import LossWeights

__all__ = [
    "expression_loss",
    "likeness_loss",
    "pixel_weights",
    "plain_picture",
    "reconstruction",
    "structure_loss",
    "structure_scale",
]

_WINDOW = 7
_SCALES = 3
_C1, _C2 = 0.01**2, 0.03**2  # the paper's constants for a range of 1


def pixel_weights(layers: Tensor, weights: LossWeights) -> Tensor:
    """Return each pixel's weight (n, 1, S, S), mean 1, from matte, eyes and mouth (n, 3, S, S)."""
    matte, eyes, mouth = layers[:, 0:1], layers[:, 1:2], layers[:, 2:3]
    weight = weights.background + matte * (1 - weights.background)
    weight = weight + eyes * (weights.eyes - 1) + mouth * (weights.mouth - 1)
    return weight / weight.mean((1, 2, 3), keepdim=True)


def structure_loss(made: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Return (1 - MS-SSIM) / 2 of pictures (n, 3, S, S) 0..1, 0 for equal ones; `weight` (n, 1, S, S) has mean 1."""
    total = made.new_zeros(())
    for scale in range(_SCALES):
        if scale:
            made, wanted, weight = (functional.avg_pool2d(part, 2) for part in (made, wanted, weight))
        total = total + structure_scale(made, wanted, weight)
    return total / _SCALES


def structure_scale(made: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Return the structure loss of one scale, the mean over windows of (1 - SSIM) / 2, weighted."""
    stack = torch.cat([made, wanted, made * made, wanted * wanted, made * wanted], 1)
    mean_a, mean_b, aa, bb, ab = functional.avg_pool2d(stack, _WINDOW, 2).chunk(5, 1)
    variance = (aa - mean_a * mean_a) + (bb - mean_b * mean_b)
    together = ab - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a * mean_a + mean_b * mean_b + _C1)
    contrast = (2 * together + _C2) / (variance + _C2)
    each = (1 - luminance * contrast) * 0.5
    return (each * functional.avg_pool2d(weight, _WINDOW, 2)).mean()


def reconstruction(answer: Answer, targets: Tensor, layers: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    """Return the losses of rebuilt faces: `structure`, `pixel`, `detail`, `matte`, unweighted, and their weighted sum `total`."""
    face, logits = answer
    weight = pixel_weights(layers, weights)
    structure = structure_loss(face, targets, weight)
    error = plain_picture(face) - plain_picture(targets)
    pixel = (error.abs() * weight).mean()
    detail = _slopes(error, weight)
    matte = (
        functional.binary_cross_entropy_with_logits(logits, layers[:, 0:1])
        + (torch.sigmoid(logits) - layers[:, 0:1]).abs().mean()
    )
    total = structure * weights.structure + pixel * weights.pixel + detail * weights.detail + matte * weights.matte
    return {"total": total, "structure": structure, "pixel": pixel, "detail": detail, "matte": matte}


def _slopes(error: Tensor, weight: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels of the error, weighted: 0 where all edges are as wanted."""
    across = (error[..., :, 1:] - error[..., :, :-1]).abs() * weight[..., :, 1:]
    down = (error[..., 1:, :] - error[..., :-1, :]).abs() * weight[..., 1:, :]
    return across.mean() + down.mean()


def plain_picture(network: Tensor) -> Tensor:
    """Return network space (any shape) as plain sRGB that goes on above 1 (`train.curve`), with a gradient everywhere."""
    high = network.clamp(KNEE, LIMIT)
    linear = SHOULDER.knee_linear + (SCALE / SHOULDER.slope) * torch.expm1((high - KNEE) / SCALE)
    plain = 1.055 * linear ** (1 / 2.4) - 0.055
    return torch.where(network > KNEE, plain + (network - high), network)


def expression_loss(code: Tensor, wanted: Tensor) -> Tensor:
    """Return half the mean squared difference of codes (n, c) of mean square 1: 1 - their cosine similarity."""
    return (code - wanted).square().mean() * 0.5


def likeness_loss(embeddings: Tensor, wanted: Tensor, replaced: Tensor | None = None, most: float = 1.0) -> Tensor:
    """Return how much likeness embeddings (n, 128) lack to the person `wanted`, (128,) or (n, 128) of length 1.

    `most` is the cosine similarity that the likest photographs of that person have: a face that has as much misses nothing. Beyond
    it a network only paints what the recogniser takes for the person. `replaced` is the embedding of the person who is replaced. A
    face that is more like that person than the wanted one is adds what it is too much.
    """
    faces = functional.normalize(embeddings, dim=1)
    away = functional.relu(most - (faces * wanted).sum(1)).mean()
    if replaced is None:
        return away
    return away + functional.relu(faces @ replaced - (wanted * replaced).sum(-1)).mean()
