"""Routes of trainings: what the record of a model's training says, and its preview sheets."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from faceplate.errors import UsageError
from faceplate.system.user_paths import entries, is_file, read_bytes, resolved, stat_or_none
from faceplate.train.pack import DOCUMENT, dataset_folder
from faceplate.train.preview import preview_folder
from faceplate.train.record import read_record, record_path
from faceplate.workspace.desk import Desk

__all__ = ["holds_training", "train_router"]

# The most points of a curve; of more, neighbours are averaged.
_POINTS = 400


def train_router(desk: Desk) -> APIRouter:
    """Return the routes of trainings."""
    router = APIRouter()

    @router.get("/v1/ui/training")
    def training(model: str) -> dict[str, Any]:
        """Return the curves of a training, how far it is, how old its newest line is, and the steps of its preview sheets."""
        folder = _folder(desk, model)
        lines = [line for line in read_record(folder) if _whole(line)]
        written = stat_or_none(record_path(folder))
        return {
            "model": str(folder),
            "name": folder.name,
            "age_s": None if written is None else max(time.time() - written.st_mtime, 0.0),
            "latest": next((line for line in reversed(lines) if "losses" in line), None),
            "losses": _thinned([line for line in lines if "losses" in line]),
            "held_out": [[line["step"], line["held_out"]] for line in lines if "held_out" in line][-_POINTS:],
            "previews": _previews(folder),
        }

    @router.get("/v1/ui/training/preview")
    def preview(model: str, step: int) -> Response:
        """Return the preview sheet of a step as PNG."""
        folder = _folder(desk, model)
        path = preview_folder(folder) / f"step_{step:08d}.png"
        desk.service.roots.check(path)  # it may be a link
        try:
            data = read_bytes(path)
        except OSError as error:
            raise UsageError(
                "no-preview", f"The training {folder.name} has no preview sheet of step {step}."
            ) from error
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type="image/png", headers=headers)

    return router


def holds_training(folder: Path) -> bool:
    """Say whether a folder is that of a model: it holds a dataset, or the record of a training."""
    return is_file(dataset_folder(folder) / DOCUMENT) or is_file(record_path(folder))


def _folder(desk: Desk, model: str) -> Path:
    """Return the folder of a model. Raises `UsageError` `no-training`, `outside-roots`."""
    desk.service.roots.check(model)
    found = resolved(model)
    if found is None or not Path(model).is_absolute() or not holds_training(found):
        raise UsageError(
            "no-training", f"'{model}' is not the full path of a model's folder, with a dataset or a training."
        )
    desk.service.roots.check(record_path(found))
    return found


def _whole(line: dict[str, Any]) -> bool:
    """Say whether a line is one that a page can draw: its losses are numbers."""
    losses = line.get("losses", {})
    values = [line.get("held_out", 0.0), *(losses.values() if isinstance(losses, dict) else [None])]
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _previews(folder: Path) -> list[int]:
    names = [path.stem.removeprefix("step_") for path in entries(preview_folder(folder)) if path.suffix == ".png"]
    return sorted(int(name) for name in names if name.isdecimal())


def _thinned(lines: list[dict[str, Any]]) -> dict[str, list[list[float]]]:
    """Return for each loss its curve, points [step, value]; of many lines the means over neighbours."""
    curves: dict[str, list[list[float]]] = {}
    for line in lines:
        for name, value in line["losses"].items():
            curves.setdefault(name, []).append([line["step"], value])
    for name, points in curves.items():
        group = -(-len(points) // _POINTS)
        parts = [points[k : k + group] for k in range(0, len(points), group)]
        curves[name] = [[part[-1][0], sum(point[1] for point in part) / len(part)] for part in parts]
    return curves
