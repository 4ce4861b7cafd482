"""What a training is asked for, what it reports on its way, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Outcome", "Progress", "Report", "RunSettings"]


@dataclass(frozen=True)
class RunSettings:
    """Settings of `train.loop.train`.

    Attributes
    ----------
    preset : str
        The preset's name; a resumed training keeps its own.
    resume : bool
        Continue from the newest whole checkpoint, or begin where there is none.
    init : Path, optional
        The folder of another model whose weights the training begins at.
    minutes : float, optional
        Stop after this time.
    steps : int, optional
        Stop after this step instead of the preset's.
    seed : int
        Seed of the first weights and of every batch.
    device : str
        `auto`, `cpu`, `cuda` or `cuda:N`.
    precision : str
        `auto`, `float32`, `bfloat16` or `float16`; `auto` is mixed precision on a GPU that has it, float32 on a CPU.
    workers : int
        Processes, on a CPU threads, that prepare batches; -1 chooses by device.
    threads : int
        PyTorch's threads on a CPU; 0 leaves the choice to PyTorch.
    save_minutes : float
        Time between two checkpoints.
    """

    preset: str = "standard"
    resume: bool = False
    init: Path | None = None
    minutes: float | None = None
    steps: int | None = None
    seed: int = 1
    device: str = "auto"
    precision: str = "auto"
    workers: int = -1
    threads: int = 0
    save_minutes: float = 5.0


@dataclass(frozen=True)
class Progress:
    """How far a training is: mean losses since the last report, faces a second, the time that is left.

    `held_out` is the latest loss of the held-out faces; `preview` the sheet that was just written; `note` a sentence.
    """

    step: int
    steps: int
    losses: dict[str, float] = field(default_factory=dict)
    faces_per_second: float = 0.0
    seconds_left: float = 0.0
    held_out: float | None = None
    preview: Path | None = None
    note: str = ""


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Outcome:
    """How a training ended: the last step, a sentence, the best look at the held-out faces, and whether it was stopped."""

    step: int
    sentence: str
    best_step: int | None = None
    best_loss: float | None = None
    interrupted: bool = False
