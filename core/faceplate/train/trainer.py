"""The state of a training, and one step of it: network, running average of its weights, optimiser, sums of losses."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.errors import UsageError
from faceplate.train.distributed import Ranks
from faceplate.train.loader import TensorBatch
from faceplate.train.losses import expression_loss, likeness_loss, reconstruction
from faceplate.train.network import SwapNetwork
from faceplate.train.presets import Preset, Shape
from faceplate.train.recogniser import Recogniser

__all__ = ["Trainer", "precision_called"]

_AVERAGE, _AVERAGE_EVERY = 0.996, 4  # as 0.999 at every step, for a quarter of the time
# Part of the actor's own pictures that are less like the actor than what a swapped face is asked for. Of their mean a result on the
# plate keeps too little, because the double's hair and head stay; beyond the likest pictures brows turn black and noses white.
_LIKEST = 0.9
_CLIP = 1.0  # the norm to which the gradient is limited, so that one odd batch does no harm

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def precision_called(name: str, device: torch.device) -> torch.dtype:
    """Return the type of mixed precision; `auto` is bfloat16 or float16 on a GPU and float32 on a CPU.

    Raises
    ------
    UsageError
        `unknown-precision`.
    """
    if name == "auto":
        if device.type == "cpu":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if name not in _PRECISIONS:
        raise UsageError("unknown-precision", f"'{name}' is no precision; use auto, {', '.join(_PRECISIONS)}.")
    return _PRECISIONS[name]


class Trainer:
    """Trains a network for `shape` on `device`.

    `known` are faces of the actor, whose mean embedding swapped faces should have, and of the double, whom they should not be
    like. `network` are the trained weights; `average` is their running average, which previews, the held-out loss and export
    use.
    """

    def __init__(
        self,
        shape: Shape,
        preset: Preset,
        device: torch.device,
        precision: torch.dtype,
        ranks: Ranks,
        recogniser: Recogniser | None = None,
        known: tuple[TensorBatch, ...] = (),
    ) -> None:
        self.preset, self.device, self.precision = preset, device, precision
        self.network = SwapNetwork(shape).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=preset.rate, betas=(0.9, 0.99), fused=True)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == torch.float16)
        self.recogniser = recogniser.to(device) if recogniser is not None else None
        faces = [self._embeddings(of_one) for of_one in known] if recogniser is not None else []
        self.known = [functional.normalize(of_one.mean(0), dim=0) for of_one in faces]
        self.most = float(torch.quantile(faces[0] @ self.known[0], _LIKEST)) if faces else 1.0
        self.step_count = 0
        self.sums: dict[str, Tensor] = {}
        self._ranks = ranks
        self._called: Any = None  # the network as a step calls it

    def step(self, batch: TensorBatch) -> None:
        """Do one step and add its losses to the sums."""
        if self._called is None:  # after the weights were restored
            self._called = self._ranks.wrap(self.network, self.device)
        likeness, expression = self._swap_rows(batch)
        swapped = max(likeness, expression)
        as_first = batch.who[:1].expand(swapped, -1) if swapped else None
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            answers = self._called(batch.faces, batch.who, swapped, as_first, expression > 0)
        weights = self.preset.weights
        losses = reconstruction(answers[0], batch.targets, batch.layers, weights)
        total = losses["total"]
        if likeness:
            losses["likeness"] = self._likeness(answers[1][0][-likeness:], batch, likeness)
            total = total + losses["likeness"] * weights.likeness
        if expression:
            losses["expression"] = expression_loss(*answers[2])
            total = total + losses["expression"] * weights.expression
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()
        self._limit_gradient()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step_count += 1
        self._follow_average()
        for name, loss in losses.items():
            for key, value in ((name, loss.detach()), (f"{name}_count", torch.ones((), device=self.device))):
                self.sums[key] = self.sums[key] + value if key in self.sums else value

    def take_losses(self) -> dict[str, float]:
        """Return the mean losses since the last call."""
        means = {
            name: float(total / self.sums[f"{name}_count"])
            for name, total in self.sums.items()
            if not name.endswith("_count")
        }
        self.sums = {}
        return means

    @torch.no_grad()
    def held_out_loss(self, batch: TensorBatch) -> float:
        """Compute the weighted loss of faces that no step trains on, rebuilt with the average weights."""
        answer = self.average(batch.faces, batch.who)[0]
        return float(reconstruction(answer, batch.targets, batch.layers, self.preset.weights)["total"])

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "step": self.step_count,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "sums": dict(self.sums),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self.sums = {name: value.to(self.device) for name, value in state["sums"].items()}
        self.step_count = int(state["step"])

    @torch.no_grad()
    def _embeddings(self, faces: TensorBatch) -> Tensor:
        """Return the embeddings (n, 128) of a person's faces, of length 1."""
        assert self.recogniser is not None
        batch = faces.to(self.device)
        return functional.normalize(self.recogniser(batch.faces, batch.to_recogniser), dim=1)

    def _swap_rows(self, batch: TensorBatch) -> tuple[int, int]:
        """Return how many faces of the batch's end, the double's, are swapped in this step for likeness and for expression."""
        step, preset, half = self.step_count, self.preset, len(batch.faces) // 2
        likeness = expression = 0
        if self.recogniser is not None and step >= preset.likeness_from and step % preset.likeness_every == 0:
            likeness = min(preset.likeness_rows, half)
        if preset.expression_every and step >= preset.expression_from and step % preset.expression_every == 0:
            expression = min(preset.expression_rows, half)
        return likeness, expression

    def _likeness(self, faces: Tensor, batch: TensorBatch, rows: int) -> Tensor:
        assert self.recogniser is not None
        embeddings = self.recogniser(faces, batch.to_recogniser[-rows:])
        return likeness_loss(embeddings, *self.known, most=self.most)

    def _limit_gradient(self) -> None:
        """Limit the gradient's norm for this step."""
        if self.scaler.is_enabled():
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
            return
        parts = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in parts]))
        # The fused optimiser divides by this while it reads the gradient, which saves a pass over all of it.
        self.optimiser.grad_scale = (norm / _CLIP).clamp(min=1.0)  # pyright: ignore[reportAttributeAccessIssue]

    @torch.no_grad()
    def _follow_average(self) -> None:
        if self.step_count % _AVERAGE_EVERY:
            return
        keep = min(_AVERAGE, self.step_count / (self.step_count + 40))
        for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)
