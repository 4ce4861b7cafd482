"""Checkpoints: a training's whole state in one file that is complete or absent, with a hash of its bytes."""

# pyright: reportMissingImports=false
# PyTorch is an extra: a type check passes without it.

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import torch

from faceplate.errors import RenderError, UsageError
from faceplate.system.atomic import publish, temporary_beside, write_failed

__all__ = [
    "BEST",
    "KEPT",
    "checkpoint_folder",
    "checkpoints",
    "load_state",
    "newest_state",
    "save_bytes",
    "save_checkpoint",
    "save_state",
]

KEPT = 2
"""How many checkpoints are kept; an older one is removed when a newer one is whole."""

BEST = "best.pt"
"""The weights of the look at the held-out faces that was the best so far."""

_NAME = re.compile(r"step_(\d{8})\.pt")
_MAGIC = b"faceplate training 1\n"


def checkpoint_folder(model: Path) -> Path:
    """Return the folder of the checkpoints in a model's folder."""
    return model / "checkpoints"


def checkpoints(model: Path) -> list[Path]:
    """List the model's checkpoints, the newest first."""
    return sorted(
        (path for path in checkpoint_folder(model).glob("step_*.pt") if _NAME.fullmatch(path.name)), reverse=True
    )


def save_checkpoint(model: Path, step: int, state: dict[str, Any]) -> Path:
    """Write the state after `step` steps and remove checkpoints older than the last `KEPT`.

    Raises
    ------
    RenderError
        `disk-full`, `output-unwritable`; the checkpoints before are then still there.
    """
    path = checkpoint_folder(model) / f"step_{step:08d}.pt"
    save_state(path, state)
    for old in checkpoints(model)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, texts, lists, dicts). Raises as `save_checkpoint` does."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    save_bytes(path, buffer.getbuffer())


def save_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a state that PyTorch has turned into bytes, with their hash. Raises as `save_checkpoint` does."""
    with temporary_beside(path) as part:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(_MAGIC)
                file.write(hashlib.sha256(data).hexdigest().encode() + b"\n")
                file.write(data)
        except OSError as error:
            raise write_failed(path, error) from error
        publish(part, path)


def load_state(path: Path) -> dict[str, Any]:
    """Read a state, on the CPU. Nothing in the file is executed.

    Raises
    ------
    RenderError
        `damaged-checkpoint`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or "it cannot be read") from error
    head, rest = data[: len(_MAGIC)], data[len(_MAGIC) :]
    if head != _MAGIC or rest[64:65] != b"\n":
        raise _damaged(path, "it is not a checkpoint of Faceplate, or it was cut")
    body = memoryview(rest)[65:]
    if hashlib.sha256(body).hexdigest().encode() != rest[:64]:
        raise _damaged(path, "its bytes are not those that were written")
    try:
        return torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many classes for a file that it cannot read
        raise _damaged(path, str(error).splitlines()[0]) from error


def newest_state(model: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read the newest checkpoint that is whole; return it with a sentence for each damaged one that was passed over.

    Raises
    ------
    UsageError
        `no-checkpoint`.
    RenderError
        `damaged-checkpoint` when none is whole.
    """
    found = checkpoints(model)
    if not found:
        raise UsageError("no-checkpoint", f"{model} holds no checkpoint; train it with: faceplate train run {model}")
    notes: list[str] = []
    last: RenderError | None = None
    for path in found:
        try:
            return load_state(path), tuple(notes)
        except RenderError as error:
            notes.append(str(error))
            last = error
    assert last is not None
    raise last


def _damaged(path: Path, reason: str) -> RenderError:
    return RenderError(
        "damaged-checkpoint", f"The checkpoint {path} is damaged ({reason}); an older one is used if there is one."
    )
