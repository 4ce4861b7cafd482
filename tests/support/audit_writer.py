"""A process that writes many lines to an audit log (a module of its own, so that it can be started by name)."""

from __future__ import annotations

from pathlib import Path

from faceplate.consent import audit


def append_many(path: Path, who: int) -> None:
    for number in range(20):
        audit.append(path, {"render": f"{who}-{number}"})
