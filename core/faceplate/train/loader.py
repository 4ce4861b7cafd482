"""Feeds the training loop: batches as tensors, made by worker processes ahead of the loop."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from faceplate.train.batches import Batch, BatchMaker
from faceplate.train.pack import open_training_set

__all__ = ["Feed", "TensorBatch", "tensors"]


@dataclass(frozen=True)
class TensorBatch:
    """The arrays of `batches.Batch` as tensors."""

    faces: Tensor
    targets: Tensor
    layers: Tensor
    who: Tensor
    to_recogniser: Tensor

    def to(self, device: torch.device) -> TensorBatch:
        """Return the batch on `device`."""
        return TensorBatch(*(part.to(device, non_blocking=True) for part in _parts(self)))


def tensors(batch: Batch) -> TensorBatch:
    """Return a batch as tensors that share its memory."""
    return TensorBatch(*(torch.from_numpy(getattr(batch, item.name)) for item in fields(Batch)))


def _parts(batch: TensorBatch) -> tuple[Tensor, ...]:
    return batch.faces, batch.targets, batch.layers, batch.who, batch.to_recogniser


@dataclass(frozen=True)
class Feed:
    """Batches of a model's dataset, in the order of the steps."""

    model: Path
    rows: int
    seed: int
    rank: int = 0
    workers: int = 0
    pinned: bool = False
    ease: tuple[int, int] | None = None

    def batches(self, first: int, stop: int) -> Iterator[TensorBatch]:
        """Iterate over the batches of the steps from `first` up to `stop`."""
        steps = _Steps(self.model, self.rows, self.seed, self.rank, self.ease)
        if not self.workers:
            return (TensorBatch(*steps[step]) for step in range(first, stop))
        loader = DataLoader(
            steps,
            batch_size=None,
            sampler=range(first, stop),  # type: ignore[arg-type]
            num_workers=self.workers,
            prefetch_factor=4,
            pin_memory=self.pinned,
            worker_init_fn=_begin_worker,
        )
        return (TensorBatch(*parts) for parts in loader)


@dataclass
class _Steps(Dataset):
    """A step's number → its batch. Workers open the dataset themselves: a memory map cannot be sent to another process."""

    model: Path
    rows: int
    seed: int
    rank: int
    ease: tuple[int, int] | None

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        return _parts(tensors(self._maker.batch(step)))

    @cached_property
    def _maker(self) -> BatchMaker:
        _, packs = open_training_set(self.model)
        return BatchMaker(tuple(packs.values()), self.rows, self.seed, self.rank, ease=self.ease)


def _begin_worker(_: int) -> None:
    """Use one thread, and leave Ctrl-C and a request to end to the training, which stops its workers itself."""
    import cv2

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
