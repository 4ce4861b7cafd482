"""Several GPUs, or several processes on a CPU: PyTorch's own DistributedDataParallel, started by `torchrun`."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from faceplate.errors import UsageError

__all__ = ["Ranks", "chosen_device", "joined"]


@dataclass(frozen=True)
class Ranks:
    """The place of this process among those that train together."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files and decides when the training ends."""
        return self.rank == 0

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return the network as a step calls it: gradients are averaged over all processes."""
        if self.count == 1:
            return network
        return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)

    def agree(self, number: int, device: torch.device) -> int:
        """Return the largest `number` of any process; all processes must call it at the same step."""
        if self.count == 1:
            return number
        value = torch.tensor([number], device=device)
        distributed.all_reduce(value, distributed.ReduceOp.MAX)
        return int(value.item())


@contextmanager
def joined(device_type: str) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started; alone without it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    distributed.init_process_group("nccl" if device_type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), count, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        distributed.destroy_process_group()


def chosen_device(wanted: str, local: int = 0) -> torch.device:
    """Return the device of this process: `auto` is the GPU of its local rank, else the CPU.

    Raises
    ------
    UsageError
        `no-device`.
    """
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted)
    except RuntimeError as error:
        raise UsageError("no-device", f"'{wanted}' is no device; use auto, cpu, cuda or cuda:N.") from error
    if device.type not in ("cpu", "cuda"):
        raise UsageError("no-device", f"Training runs on cpu or cuda, not on '{wanted}'.")
    if device.type == "cuda":
        index = local if device.index is None else device.index
        if index >= torch.cuda.device_count():
            raise UsageError("no-device", f"There is no GPU {index} that PyTorch can use; train with --device cpu.")
        device = torch.device("cuda", index)
        torch.cuda.set_device(device)
    return device
