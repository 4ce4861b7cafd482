"""Trains a tiny model in a process of its own, which a test may kill."""

from __future__ import annotations

from pathlib import Path

from faceplate.models import embedded_store
from faceplate.train.settings import RunSettings

__all__ = ["train_tiny"]


def train_tiny(model: Path, steps: int, resume: bool = False, save_minutes: float = 0.004) -> None:
    """Train without workers on one thread, so that a kill ends all of it."""
    from faceplate.train.loop import train

    settings = RunSettings(
        "tiny", resume=resume, steps=steps, device="cpu", workers=0, threads=1, save_minutes=save_minutes
    )
    train(model, settings, embedded_store(), lambda _: None)
