"""The network: one encoder for everybody, inter layers with a shared and an own half, decoders for face and matte.

The encoder turns a face into a short code. Two linear layers turn the code into feature maps: the *shared* layer, one
for all people, which carries expression, pose and light, and the *own* layer, one for each person, which carries what a
person looks like. The decoders see both halves one above the other. Each stage of the face decoder is also scaled and
shifted by numbers of the person's own. To swap, the double's code passes the shared layer and the *actor's* own layer
and scales, so expression and light are the double's and the face is the actor's. That the own layer does not lose the expression
of a face that it was never shown is asked for: the swapped face, encoded again, must have the code that it was decoded from.
"""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.train.presets import Shape

__all__ = ["SLOPE", "Answer", "Decoder", "Encoder", "Stage", "SwapNetwork"]

SLOPE = 0.1
"""Slope of the leaky rectifier for negative values."""

_KEPT_OF_MATTE = 4  # the matte decoder has a quarter of the face decoder's channels

Answer = tuple[Tensor, Tensor]
"""Face (n, 3, S, S) in network space, and the logits of its matte (n, 1, S, S)."""


class Encoder(nn.Module):
    """Halves a face until at most 8 pixels are left, then a linear layer; the code has mean square 1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = [3, *(shape.channels(level) for level in range(1, shape.levels + 1))]
        self.convs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 5 if i == 0 else 3, 2, 2 if i == 0 else 1) for i in range(shape.levels)
        )
        self.to_code = nn.Linear(widths[-1] * shape.grid**2, shape.code)

    def forward(self, faces: Tensor) -> Tensor:
        """Encode faces (n, 3, S, S), network space, to codes (n, code)."""
        x = faces * 2 - 1
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), SLOPE)
        code = self.to_code(x.flatten(1)).float()
        return code * torch.rsqrt(code.square().mean(1, keepdim=True) + 1e-6)


class Stage(nn.Module):
    """Doubles a feature map: convolution, scale and shift of the person, pixel shuffle, residual blocks."""

    def __init__(self, before: int, after: int, blocks: int) -> None:
        super().__init__()
        self.after = after
        self.up = nn.Conv2d(before, after * 4, 3, 1, 1)
        self.first = nn.ModuleList(nn.Conv2d(after, after, 3, 1, 1) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Conv2d(after, after, 3, 1, 1) for _ in range(blocks))

    def forward(self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """Return the map (n, after, 2h, 2w); `scale` and `shift` (n, after) are those of the person in each row."""
        x = functional.pixel_shuffle(self.up(x), 2)
        if scale is not None and shift is not None:
            x = x * (1 + scale[:, :, None, None]) + shift[:, :, None, None]
        x = functional.leaky_relu(x, SLOPE)
        for first, second in zip(self.first, self.second, strict=True):
            x = functional.leaky_relu(x + second(functional.leaky_relu(first(x), SLOPE)), SLOPE)
        return x


class Decoder(nn.Module):
    """Turns the two halves (n, c, g, g) into a picture of `out` channels at the crop's full size."""

    def __init__(self, widths: list[int], blocks: int, out: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(Stage(widths[i], widths[i + 1], blocks) for i in range(len(widths) - 1))
        self.head = nn.Conv2d(widths[-1], out * 4, 3, 1, 1)

    def forward(self, halves: Tensor, scales: list[tuple[Tensor, Tensor]] | None = None) -> Tensor:
        """Decode the halves, with the person's scale and shift for each stage."""
        x = halves
        for index, stage in enumerate(self.stages):
            x = stage(x, *scales[index]) if scales is not None else stage(x)
        return functional.pixel_shuffle(self.head(x), 2).float()


class SwapNetwork(nn.Module):
    """Encoder, inter layers and decoders for the people of `shape`, in that order."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        top = shape.channels(shape.levels)
        self.half_width = top // 2
        cells = self.half_width * shape.grid**2
        self.encoder = Encoder(shape)
        self.shared = nn.Linear(shape.code, cells)
        first = nn.Linear(shape.code, cells)  # all people begin alike
        count = len(shape.people)
        self.own_weight = nn.Parameter(first.weight.detach().clone().repeat(count, 1, 1))
        self.own_bias = nn.Parameter(first.bias.detach().clone().repeat(count, 1))
        widths = [self.half_width * 2, *(shape.channels(level) for level in range(shape.levels - 1, 0, -1))]
        thin = [widths[0], *(max(width // _KEPT_OF_MATTE, 8) for width in widths[1:])]
        self.face = Decoder(widths, shape.blocks, 3)
        self.matte = Decoder(thin, 0, 1)
        self.scales = nn.ParameterList(nn.Parameter(torch.zeros(count, 2, width)) for width in widths[1:])

    def halves(self, code: Tensor, who: Tensor) -> Tensor:
        """Return the decoders' input (n, c, g, g); `who` (n, people) is 1 for the person of a row, else 0."""
        own = torch.einsum("nc,koc->nko", code, self.own_weight) + self.own_bias
        own = (own * who[:, :, None]).sum(1)
        both = torch.cat([self.shared(code), own.to(code.dtype)], 1)
        grid = self.shape.grid
        return functional.leaky_relu(both.view(len(code), self.half_width * 2, grid, grid), SLOPE)

    def decode(self, code: Tensor, who: Tensor) -> Answer:
        """Decode codes as the people `who`."""
        halves = self.halves(code, who)
        halves = halves.contiguous(memory_format=torch.channels_last)  # the faster layout of convolutions
        pairs = [(who @ scale[:, 0], who @ scale[:, 1]) for scale in self.scales]
        return self.face(halves, pairs) * 0.5 + 0.5, self.matte(halves)

    def forward(
        self, faces: Tensor, who: Tensor, swap_rows: int = 0, swap_who: Tensor | None = None, again: bool = False
    ) -> list[Answer]:
        """Rebuild `faces` as their own people; of the last `swap_rows` rows also return the swap to `swap_who`.

        With `again` a third pair follows: the codes (n, code) of the swapped faces, and those that they were decoded from.
        """
        code = self.encoder(faces.contiguous(memory_format=torch.channels_last))
        answers = [self.decode(code, who)]
        if swap_rows and swap_who is not None:
            answers.append(self.decode(code[-swap_rows:], swap_who))
            if again:
                # A little softer, so that nothing can be written into single pixels that only the encoder sees.
                seen = functional.avg_pool2d(answers[1][0], 3, 1, 1, count_include_pad=False)
                seen = seen.contiguous(memory_format=torch.channels_last)
                answers.append((self.encoder(seen), code[-swap_rows:].detach()))
        return answers
