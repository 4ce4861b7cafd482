"""One step of a training."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")

from torch import Tensor  # noqa: E402

from faceplate.train import trainer  # noqa: E402
from faceplate.train.batches import plain_batch  # noqa: E402
from faceplate.train.distributed import Ranks  # noqa: E402
from faceplate.train.loader import tensors  # noqa: E402
from faceplate.train.presets import PRESETS, Shape  # noqa: E402
from faceplate.train.trainer import Trainer  # noqa: E402
from training_faces import drawn_pack  # noqa: E402

PACKS = (drawn_pack("actor", 64, 4, 0, 0), drawn_pack("double", 64, 4, 0, 1))
TINY = replace(PRESETS["tiny"], likeness_every=0, expression_every=0)


def test_the_actors_likest_pictures_say_how_much_likeness_is_asked_for() -> None:
    """A stand-in for the recogniser, whose embedding has the mean light of a face beside a part that all share."""

    class Light(torch.nn.Module):
        def forward(self, faces: Tensor, _: Tensor) -> Tensor:
            light = faces.mean((1, 2, 3))
            return torch.stack([torch.ones_like(light), 8 * (light - 0.5)], 1)

    shape = Shape(64, ("actor", "double"), TINY.code, TINY.base, TINY.cap, TINY.blocks)
    rows = np.arange(4)
    known = tensors(plain_batch(PACKS[:1], (rows,)))
    device, single = torch.device("cpu"), torch.float32
    varied = Trainer(shape, TINY, device, single, Ranks(), Light(), (known,))  # type: ignore[arg-type]
    alone = tensors(plain_batch(PACKS[:1], (rows[:1],)))
    same = Trainer(shape, TINY, device, single, Ranks(), Light(), (alone,))  # type: ignore[arg-type]
    assert same.most == pytest.approx(1, abs=1e-6)
    embedded = torch.nn.functional.normalize(Light()(known.faces, known.to_recogniser), dim=1)
    like = embedded @ torch.nn.functional.normalize(embedded.mean(0), dim=0)
    assert like.mean() < varied.most < like.max(), "more than most of the pictures have, and not more than all of them"
    assert Trainer(shape, TINY, device, single, Ranks()).most == 1


def trained(limited: bool) -> np.ndarray:
    """The weights after some steps, all of them in one row, with gradients limited as PyTorch does it or by the trainer."""
    torch.manual_seed(4)
    shape = Shape(64, ("actor", "double"), TINY.code, TINY.base, TINY.cap, TINY.blocks)
    made = Trainer(shape, TINY, torch.device("cpu"), torch.float32, Ranks())
    if limited:
        network = made.network
        made._limit_gradient = lambda: torch.nn.utils.clip_grad_norm_(network.parameters(), trainer._CLIP)  # type: ignore[method-assign,return-value]
    for step in range(4):
        rows = np.array([step % 4, (step + 1) % 4])
        made.step(tensors(plain_batch(PACKS, (rows, rows))))
    return torch.cat([part.detach().flatten() for part in made.network.parameters()]).numpy()


def test_the_gradient_is_limited_as_pytorch_limits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_CLIP", 0.05)
    ours, theirs = trained(False), trained(True)
    assert np.abs(ours - theirs).max() < 1e-4
    monkeypatch.setattr(trainer, "_CLIP", 1e9)
    assert np.abs(trained(False) - ours).max() > 1e-3
