"""The record of a training, `losses.jsonl`: one JSON object a line, which the workspace's page and people plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from faceplate.system.atomic import write_bytes, write_failed

__all__ = ["Record", "read_record", "record_path"]


def record_path(model: Path) -> Path:
    """Return the file of the record in a model's folder."""
    return model / "losses.jsonl"


class Record:
    """Appends to `losses.jsonl` in a model's folder.

    `step` is the last step that a checkpoint knows: lines after it are of a run that was interrupted, and are removed,
    because the same steps come again.
    """

    def __init__(self, model: Path, step: int) -> None:
        self.path = record_path(model)
        kept = [line for line in read_record(model) if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        write_bytes(self.path, text.encode())

    def add(self, line: dict[str, Any]) -> None:
        """Append one line. Raises `RenderError('disk-full')`, `RenderError('output-unwritable')`."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise write_failed(self.path, error) from error


def read_record(model: Path) -> list[dict[str, Any]]:
    """Read the lines of a model's record; [] without one. A last line that was cut is left out."""
    path = record_path(model)
    if not path.is_file():
        return []
    found = []
    for line in path.read_text("utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            found.append(entry)
    return found
