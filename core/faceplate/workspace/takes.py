"""The takes of a shot file, and where their frames lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faceplate.errors import UsageError
from faceplate.plate import Sequence
from faceplate.service.shots import OpenShot
from faceplate.shot import ShotDocument, read_document

__all__ = ["output_of_take", "takes_of"]


def output_of_take(opened: OpenShot, take: int | None) -> Sequence:
    """Return the files of a take; those of the shot's output for None.

    Raises
    ------
    UsageError
        `no-take`, `no-output`.
    """
    if take is None:
        if not opened.shot.output:
            raise UsageError("no-output", "The shot names no output; give a pattern such as swap.####.exr.")
        return Sequence.parse(opened.shot.output)
    path = Path(opened.request.path or "")
    for known in read_document(path, ShotDocument).takes or ():
        if known.take == take and known.output:
            place = Path(known.output)
            return Sequence.parse(place if place.is_absolute() else path.parent / place)
    raise UsageError("no-take", f"The shot has no take {take} with an output.")


def takes_of(document: ShotDocument) -> list[dict[str, Any]]:
    """Return the takes of a shot file as plain values, the oldest first."""
    return [
        {"take": take.take, "made": take.made, "output": take.output, "frames": take.frames or "", "note": take.note}
        for take in document.takes or ()
    ]
