"""Trains a tiny model in a process of its own, which a test may kill."""

from __future__ import annotations

import os
from pathlib import Path

from faceplate.models import embedded_store
from faceplate.train.settings import RunSettings

__all__ = ["train_tiny"]


def train_tiny(model: Path, steps: int, resume: bool = False, workers: int = 0, save_minutes: float = 0.004) -> None:
    """Train on one thread, without workers unless they are asked for, in a process group of its own."""
    from faceplate.train.loop import train

    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    settings = RunSettings(
        "tiny", resume=resume, steps=steps, device="cpu", workers=workers, threads=1, save_minutes=save_minutes
    )
    train(model, settings, embedded_store(), lambda _: None)
