"""Presets of a training: the network's widths, the batch, the weights of the losses, how often something is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from faceplate.errors import UsageError

__all__ = ["PRESETS", "LossWeights", "Preset", "Shape", "levels_of", "preset_called"]

_LARGEST_GRID = 8
_BEGUN = 3  # a training that begins at another model comes to its later parts after a third of the steps


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses (`train.losses`); `eyes` and `mouth` multiply the weight of a pixel there."""

    structure: float = 1.0
    pixel: float = 3.0
    matte: float = 0.5
    detail: float = 3.0
    expression: float = 0.25
    likeness: float = 0.2
    eyes: float = 6.0
    mouth: float = 6.0
    background: float = 0.1


@dataclass(frozen=True)
class Preset:
    """One preset.

    Attributes
    ----------
    code : int
        Numbers that the encoder hands to the inter layers.
    base, cap : int
        Channels at half of the crop's side; they double at each halving up to `cap`.
    blocks : int
        Residual blocks of each stage of the face decoder.
    batch : int
        Faces of each person in a step, on each GPU.
    rate : float
        Adam's learning rate.
    steps : int
        The training's end, unless the held-out faces end it before.
    likeness_every : int
        Likeness is asked of the swap in every n-th step; 0 for never.
    likeness_rows : int
        How many faces of that step are swapped for it.
    likeness_from : int
        The first step that asks for likeness. Before faces are drawn well, its gradient only paints what the recogniser
        takes for the actor.
    check_every, preview_every : int
        Steps between two looks at the held-out faces, and between two preview sheets.
    patience : int
        Looks without an improvement of the held-out loss after which the training ends.
    ease : tuple of int
        Steps between which the warp of the augmentation falls to nothing.
    expression_every, expression_rows, expression_from : int
        As for the likeness: the code of the swap is asked to be that of the double's face.
    """

    name: str
    code: int
    base: int
    cap: int
    blocks: int
    batch: int
    rate: float
    steps: int
    likeness_every: int
    likeness_rows: int
    likeness_from: int
    check_every: int
    preview_every: int
    patience: int
    ease: tuple[int, int]
    expression_every: int = 2
    expression_rows: int = 2
    expression_from: int = 200
    weights: LossWeights = LossWeights()

    def begun(self) -> Preset:
        """Return the preset of a training that begins at another model's weights, which has had much of its warp already."""
        ease = (self.ease[0] // _BEGUN, self.ease[1] // _BEGUN)
        return replace(self, ease=ease, likeness_from=self.likeness_from // _BEGUN)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        # 96 to 128 pixels on two cores of a CPU within an hour.
        Preset("quick", 128, 32, 256, 1, 4, 5e-4, 24_000, 4, 2, 3000, 250, 500, 24, (1500, 4000)),
        # 128 to 256 pixels on one GPU, some hours.
        Preset("standard", 256, 48, 512, 1, 8, 2e-4, 150_000, 2, 8, 10_000, 1000, 2000, 20, (40_000, 100_000)),
        # 256 to 512 pixels on one or several GPUs, days.
        Preset("quality", 512, 64, 640, 2, 8, 1e-4, 500_000, 1, 8, 20_000, 2000, 5000, 30, (150_000, 350_000)),
        # For tests: shows that every part works, not what a face looks like.
        Preset("tiny", 32, 8, 32, 1, 2, 4e-3, 60, 0, 1, 0, 20, 40, 16, (20, 40), 2, 1, 10, LossWeights(detail=1.0)),
    )
}
"""The presets by name."""


@dataclass(frozen=True)
class Shape:
    """The form of a network; with the weights it is all that export needs."""

    side: int
    people: tuple[str, ...]
    code: int
    base: int
    cap: int
    blocks: int

    @property
    def levels(self) -> int:
        """How often the encoder halves the crop."""
        return levels_of(self.side)

    @property
    def grid(self) -> int:
        """Side of the smallest feature map."""
        return self.side >> self.levels

    def channels(self, level: int) -> int:
        """Return the channels after `level` halvings; level 0 is the crop's own size."""
        return min(self.base << max(level - 1, 0), self.cap)


def levels_of(side: int) -> int:
    """Return how often a crop is halved until at most 8 pixels are left.

    Raises
    ------
    UsageError
        `bad-size` when the side cannot be halved so often.
    """
    levels = max(math.ceil(math.log2(side / _LARGEST_GRID)), 1)
    step = 1 << levels
    if side % step:
        near = round(side / step) * step
        raise UsageError(
            "bad-size", f"A crop of {side} pixels cannot be halved {levels} times; make the dataset with --size {near}."
        )
    return levels


def preset_called(name: str) -> Preset:
    """Return the preset `name`. Raises `UsageError('unknown-preset')`."""
    if name not in PRESETS:
        public = ", ".join(known for known in PRESETS if known != "tiny")
        raise UsageError("unknown-preset", f"There is no preset called '{name}'; there are: {public}.")
    return PRESETS[name]
