"""Two processes train together over gloo: the same weights in both, and the files of one."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="NOT RUN: training, because PyTorch is not installed (faceplate[train])")
pytest.importorskip("onnx")

from faceplate.train.checkpoint import newest_state  # noqa: E402
from faceplate.train.record import read_record  # noqa: E402
from train_process import train_tiny  # noqa: E402
from training_faces import write_drawn_dataset  # noqa: E402


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def train_rank(model: Path, rank: int, count: int, port: int) -> None:
    """What torchrun gives a process, and the training itself."""
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()})
    train_tiny(model, 20)


@pytest.mark.skipif(sys.platform == "win32", reason="NOT RUN: training in two processes, which needs forkserver")
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    write_drawn_dataset(tmp_path, count=8, held_out=2)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faceplate.train.loop"])
    port = free_port()
    both = [context.Process(target=train_rank, args=(tmp_path, rank, 2, port)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert newest_state(tmp_path)[0]["step"] == 20
    lines = [line for line in read_record(tmp_path) if "losses" in line]
    assert [line["step"] for line in lines] == [20]  # the second process writes nothing
