"""Starting a training at the weights of another model: a studio's base, or an earlier model of the same actor."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from faceplate.errors import UsageError
from faceplate.train.checkpoint import BEST, checkpoint_folder, load_state, newest_state
from faceplate.train.presets import Shape
from faceplate.train.trainer import Trainer

__all__ = ["best_state", "start_from"]

_OF_PERSON = ("own_weight", "own_bias", "scales.")


def best_state(model: Path, latest: bool = False) -> dict[str, Any]:
    """Read the weights that a model is used with: those of its best look at the held-out faces, else the newest.

    Raises
    ------
    UsageError
        `no-checkpoint`.
    RenderError
        `damaged-checkpoint`.
    """
    best = checkpoint_folder(model) / BEST
    return load_state(best) if best.is_file() and not latest else newest_state(model)[0]


def start_from(model: Path, trainer: Trainer) -> tuple[str, tuple[str, ...]]:
    """Give the trainer the weights of `model`; what is a person's own is the mean over that model's people.

    A model of another size fits when its faces are halved as often: the layers between code and feature maps are then
    resampled, so that a training may begin on small crops and go on at larger ones.

    Returns the hash of the dataset that the other model was trained on, and the ids of the releases that it stands on.

    Raises
    ------
    UsageError
        `no-checkpoint`, `init-does-not-fit`.
    RenderError
        `damaged-checkpoint`.
    """
    state = best_state(model)
    wanted = trainer.network.state_dict()
    theirs: dict[str, torch.Tensor] = {}
    for name, value in state["average"].items():
        if name.startswith(_OF_PERSON):
            value = value.mean(0, keepdim=True).expand(len(trainer.network.shape.people), *value.shape[1:])
        theirs[name] = _on_grid(name, value, int(state["shape"]["side"]), trainer.network.shape)
    if {name: value.shape for name, value in theirs.items()} != {name: value.shape for name, value in wanted.items()}:
        raise UsageError(
            "init-does-not-fit",
            f"The model {model} has another form: preset {state['preset']}, {state['shape']['side']} pixels; use the same "
            "preset, and the same size or one that is halved as often.",
        )
    trainer.network.load_state_dict(theirs)
    trainer.average.load_state_dict(theirs)
    return str(state["dataset"]), tuple(state.get("releases", ()))


def _on_grid(name: str, value: torch.Tensor, side: int, shape: Shape) -> torch.Tensor:
    """Return a weight that was learnt on crops of `side` pixels for `shape`: resampled where it belongs to a grid's cells."""
    axis = {"encoder.to_code.weight": 1, "shared.weight": 0, "shared.bias": 0, "own_weight": 1, "own_bias": 1}.get(name)
    before = side >> shape.levels
    if axis is None or before == shape.grid or value.shape[axis] % before**2:
        return value
    cells = value.movedim(axis, -1)
    grids = cells.reshape(-1, value.shape[axis] // before**2, before, before)
    grown = functional.interpolate(grids, size=(shape.grid, shape.grid), mode="bilinear", align_corners=False)
    if name == "encoder.to_code.weight":  # a sum over all cells, of which there are more
        grown = grown * (before / shape.grid) ** 2
    return grown.reshape(*cells.shape[:-1], -1).movedim(-1, axis).contiguous()
