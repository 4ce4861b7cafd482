"""Print the training loop's throughput beside a bare PyTorch loop of the same network, and the memory over time.

    python bench/train_throughput.py [--preset quick] [--side 96] [--steps 120] [--rounds 3] [--threads 2] [--workers 1]

makes a dataset of drawn faces and runs, in turns, in one process: the training loop as `faceplate train run` runs it (batches
from loader processes, losses in the record, running average) and a bare loop that repeats forward, losses, backward and optimiser
on one batch that is there. On a machine with other work the second ratio says more: that of the processor's time a face, of
this process and its loaders. Each turn starts with steps that are not counted. The swapped faces of likeness and expression,
previews, looks at held-out faces and checkpoints are left out of both. `--minutes N` trains that long instead and prints the
resident memory.
"""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from faceplate.models import embedded_store
from faceplate.system.memory import keep_freed_memory
from faceplate.train import loop, presets
from faceplate.train.batches import BatchMaker
from faceplate.train.distributed import Ranks
from faceplate.train.loader import tensors
from faceplate.train.losses import reconstruction
from faceplate.train.network import SwapNetwork
from faceplate.train.pack import open_training_set
from faceplate.train.presets import Preset, Shape
from faceplate.train.settings import Progress, RunSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from training_faces import write_drawn_dataset

WARM = 20
LEAST = 20  # steps between two reports of the loop


def main() -> None:
    """Print one line for each round, and the mean ratio; or the memory over time."""
    given = _arguments()
    keep_freed_memory()  # as the program does
    preset = replace(
        presets.PRESETS[given.preset],
        likeness_every=0,
        expression_every=0,
        check_every=10**9,
        preview_every=10**9,
        patience=10**9,
    )
    presets.PRESETS[given.preset] = preset
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        write_drawn_dataset(model, given.side, count=64, held_out=0)
        if given.minutes:
            _memory(model, given)
            return
        ratios, of_processor = [], []
        for number in range(given.rounds):
            (trained, its), (bare, own) = _loop(model, given), _bare(model, preset, given)
            ratios.append(trained / bare)
            of_processor.append(own / its)
            print(
                f"round {number + 1}: loop {trained:.1f} faces/s, bare {bare:.1f} faces/s, ratio {ratios[-1]:.3f}; "
                f"processor {its * 1000:.2f} and {own * 1000:.2f} ms a face, ratio {of_processor[-1]:.3f}"
            )
        print(f"mean ratio {sum(ratios) / len(ratios):.3f} (goal 0.95), best {max(ratios):.3f}")
        print(f"mean ratio of the processor's time {sum(of_processor) / len(of_processor):.3f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=0.0)
    given = parser.parse_args()
    if given.steps < LEAST:
        parser.error(
            f"--steps is {given.steps}, and the loop reports its progress every {LEAST} steps; ask for {LEAST} or more"
        )
    return given


def _processor() -> float:
    """Seconds of processor time of this process and its loaders so far."""
    process = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def _loop(model: Path, given: argparse.Namespace) -> tuple[float, float]:
    """Faces a second of the training loop, from the first log line to the last, and processor seconds a face."""
    times: list[tuple[int, float, float]] = []

    def note(progress: Progress) -> None:
        if progress.losses:
            times.append((progress.step, time.perf_counter(), _processor()))

    settings = RunSettings(
        given.preset, steps=WARM + given.steps, device=given.device, workers=given.workers, threads=given.threads
    )
    loop.train(_fresh(model), settings, embedded_store(), note)
    (first, began, before), (last, ended, after) = times[0], times[-1]
    faces = (last - first) * presets.PRESETS[given.preset].batch * 2
    return faces / (ended - began), (after - before) / faces


def _bare(model: Path, preset: Preset, given: argparse.Namespace) -> tuple[float, float]:
    """Faces a second, and processor seconds a face, of a loop with nothing but the network, its losses and its optimiser."""
    from faceplate.train.distributed import chosen_device
    from faceplate.train.trainer import precision_called

    device = chosen_device(given.device)
    kind = precision_called("auto", device)
    torch.manual_seed(1)
    document, packs = open_training_set(model)
    shape = Shape(document.size, tuple(packs), preset.code, preset.base, preset.cap, preset.blocks)
    network = Ranks().wrap(SwapNetwork(shape).to(device, memory_format=torch.channels_last), device)  # pyright: ignore[reportCallIssue]
    optimiser = torch.optim.Adam(network.parameters(), lr=preset.rate, betas=(0.9, 0.99), fused=True)
    batch = tensors(BatchMaker(tuple(packs.values()), preset.batch, 1).batch(0)).to(device)

    def step() -> None:
        with torch.autocast(device.type, kind, enabled=kind != torch.float32):
            answer = network(batch.faces, batch.who)[0]
        loss = reconstruction(answer, batch.targets, batch.layers, preset.weights)["total"]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    for _ in range(WARM):
        step()
    _wait(device)
    began, before = time.perf_counter(), _processor()
    for _ in range(given.steps):
        step()
    _wait(device)
    faces = given.steps * preset.batch * 2
    return faces / (time.perf_counter() - began), (_processor() - before) / faces


def _memory(model: Path, given: argparse.Namespace) -> None:
    """Train for some minutes and print the resident memory of this process and its loaders, and the GPU's."""
    process, printed = psutil.Process(), time.monotonic()
    began = printed

    def note(progress: Progress) -> None:
        nonlocal printed
        if time.monotonic() - printed < 30:
            return
        printed = time.monotonic()
        resident = sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 2**20
        gpu = torch.cuda.memory_allocated() / 2**20 if torch.cuda.is_available() else 0
        print(
            f"{(printed - began) / 60:6.1f} min, step {progress.step}: {resident:.0f} MiB resident, {gpu:.0f} MiB GPU"
        )

    settings = RunSettings(
        given.preset, minutes=given.minutes, device=given.device, workers=given.workers, threads=given.threads
    )
    loop.train(model, settings, embedded_store(), note)


def _fresh(model: Path) -> Path:
    """The model without its checkpoints."""
    for path in (model / "checkpoints").glob("*.pt"):
        path.unlink()
    return model


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
