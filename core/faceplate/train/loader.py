"""Feeds the training loop: batches as tensors, made ahead of the loop by worker processes, or by threads beside a CPU training.

On a CPU a batch is made in a few milliseconds, mostly by OpenCV and numpy, which let other threads run meanwhile. To bring it from
another process would take about as long again.
"""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import contextlib
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from faceplate.train.batches import Batch, BatchMaker
from faceplate.train.pack import open_training_set

__all__ = ["Feed", "TensorBatch", "tensors"]

_AHEAD = 4  # batches that a worker makes before they are asked for


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
        steps, wanted = _Steps(self.model, self.rows, self.seed, self.rank, self.ease), range(first, stop)
        if self.pinned and self.workers:
            return self._from_processes(steps, wanted)
        return _from_threads(steps, wanted, self.workers) if self.workers else _in_turn(steps, wanted)

    def _from_processes(self, steps: _Steps, wanted: range) -> Iterator[TensorBatch]:
        loader = DataLoader(
            steps,
            batch_size=None,
            sampler=wanted,  # type: ignore[arg-type]
            num_workers=self.workers,
            prefetch_factor=_AHEAD,
            pin_memory=self.pinned,
            worker_init_fn=_begin_worker,
        )
        return (TensorBatch(*parts) for parts in loader)


@contextlib.contextmanager
def _opencv_on_one_thread() -> Iterator[None]:
    """Keep OpenCV from using threads of its own: beside a training they wait for its cores longer than they work."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _in_turn(steps: _Steps, wanted: range) -> Iterator[TensorBatch]:
    with _opencv_on_one_thread():
        for step in wanted:
            yield TensorBatch(*steps[step])


def _from_threads(steps: _Steps, wanted: range, workers: int) -> Iterator[TensorBatch]:
    """Iterate over the batches of the steps `wanted` while `workers` threads make those that follow."""
    left, made = iter(wanted), deque[Future[tuple[Tensor, ...]]]()
    with _opencv_on_one_thread(), ThreadPoolExecutor(workers, "batches") as pool:
        try:
            for step in islice(left, workers * _AHEAD):
                made.append(pool.submit(steps.__getitem__, step))
            while made:
                batch = TensorBatch(*made.popleft().result())
                for step in islice(left, 1):
                    made.append(pool.submit(steps.__getitem__, step))
                yield batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


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
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
