"""The files that say what a wedge holds: `wedge.json` for programs, `wedge.csv` for tables."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceplate.errors import UsageError
from faceplate.system.atomic import write_bytes
from faceplate.system.user_paths import read_bytes

__all__ = [
    "DOCUMENT",
    "MEASURES",
    "TABLE",
    "AxisEntry",
    "Cell",
    "FrameEntry",
    "Measures",
    "SheetEntry",
    "VariantEntry",
    "WedgeDocument",
    "read_wedge",
    "write_wedge",
]

DOCUMENT = "wedge.json"
TABLE = "wedge.csv"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Measures(_Entry):
    """The measures of one frame, or of a variant as means; None where a measure could not be taken.

    Attributes
    ----------
    to_source, to_target : float, optional
        Likeness to the source's pictures, and to the untouched plate: the cosine of SFace's embeddings.
    flicker, plate_flicker : float, optional
        Low-frequency change from the frame before, of the result and of the plate, in 8-bit levels.
    seam : float, optional
        Gradient along the matte's edge over the plate's; 1 is as smooth as the plate.
    light_error : float, optional
        How unevenly the light follows the plate's; 0 is evenly.
    seconds : float, optional
        Time of the frame's stages; a stage that a variant shares counts for the one that ran it.
    """

    to_source: float | None = None
    to_target: float | None = None
    flicker: float | None = None
    plate_flicker: float | None = None
    seam: float | None = None
    light_error: float | None = None
    seconds: float | None = None


MEASURES = tuple(Measures.model_fields)
"""The measures' names, in the order of the table's columns."""


class AxisEntry(_Entry):
    """An axis: the parameter, its label, its values."""

    parameter: str
    label: str
    values: tuple[Any, ...]


class FrameEntry(_Entry):
    """One frame of a variant: its file relative to the wedge's folder, or the error; the seconds of each stage."""

    frame: int
    file: str | None = None
    error: dict[str, str] | None = None
    measures: Measures = Measures()
    stages: dict[str, float] = {}


class VariantEntry(_Entry):
    """A variant: its folder's name, its values, its place on the axes, its frames, and the means of its measures."""

    name: str
    values: dict[str, Any]
    column: int
    row: int
    frames: tuple[FrameEntry, ...]
    measures: Measures


class Cell(_Entry):
    """The place of a variant's picture on a sheet: x, y, width, height in pixels."""

    variant: str
    box: tuple[int, int, int, int]


class SheetEntry(_Entry):
    """The sheet of one frame, relative to the wedge's folder, with its size in pixels."""

    frame: int
    file: str
    size: tuple[int, int]
    cells: tuple[Cell, ...]


class WedgeDocument(_Entry):
    """Everything that a wedge holds. `stages` counts results by stage: computed, and taken from the cache."""

    faceplate_wedge: Literal[1] = 1
    shot: str
    name: str
    frames: tuple[int, ...]
    axes: tuple[AxisEntry, ...]
    variants: tuple[VariantEntry, ...]
    sheets: tuple[SheetEntry, ...]
    stages: dict[str, dict[str, int]] = {}


def write_wedge(document: WedgeDocument, folder: Path) -> None:
    """Write `wedge.json` and `wedge.csv`. Raises `RenderError` `disk-full`, `output-unwritable`."""
    text = json.dumps(document.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(folder / DOCUMENT, (text + "\n").encode("utf-8"))
    write_bytes(folder / TABLE, _table(document).encode("utf-8"))


def read_wedge(folder: Path) -> WedgeDocument:
    """Read `wedge.json` of a wedge's folder. Raises `UsageError` `no-wedge`, `bad-wedge`."""
    path = folder / DOCUMENT
    try:
        text = read_bytes(path)
    except OSError as error:
        raise UsageError("no-wedge", f"{folder} holds no wedge: {DOCUMENT} cannot be read.") from error
    try:
        return WedgeDocument.model_validate_json(text)
    except ValidationError as error:
        raise UsageError("bad-wedge", f"{path} is no wedge that this version reads; make the wedge again.") from error


def _table(document: WedgeDocument) -> str:
    """Return one line for each frame of each variant; an empty cell is a measure that could not be taken."""
    made = io.StringIO()
    lines = csv.writer(made, lineterminator="\n")
    names = [axis.parameter for axis in document.axes]
    lines.writerow(["variant", *names, "frame", "file", *MEASURES])
    for variant in document.variants:
        for entry in variant.frames:
            values = [variant.values[name] for name in names]
            figures = [getattr(entry.measures, name) for name in MEASURES]
            lines.writerow([variant.name, *values, entry.frame, entry.file or "", *figures])
    return made.getvalue()
