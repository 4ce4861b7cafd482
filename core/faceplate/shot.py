"""The shot: plate, source, output and parameters: everything that a render is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from faceplate.params import Parameters

__all__ = ["Shot"]


class Shot(BaseModel):
    """What to render. Patterns are as artists write them (`plate.####.exr`, `%04d`, `$F4`, `1001-1048`).

    `space`, `source_space` and `working` are colour spaces of the OCIO config (a name, alias, role or interop id); None
    leaves the choice to the files and the config. `search` (x, y, width, height) limits where the face is looked for, and what
    is read of the plate, in the plate's own pixel numbering, y down. `name` is what the id layer calls the person.
    A `track` says where the face is. Without one a range of frames is tracked first and the track kept beside the output,
    unless `track_first` is off; a single frame is looked at by itself. Weights whose licence forbids commercial use are
    refused unless `allow_noncommercial`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: str
    name: str = "face"
    source: Path | None = None
    output: str = ""
    mode: Literal["element", "over"] = "element"
    frames: tuple[int, ...] | None = None
    missing: Literal["fail", "skip", "hold"] = "fail"
    layer: str | None = None
    space: str | None = None
    source_space: str | None = None
    working: str | None = None
    ocio: str | None = None
    track: Path | None = None
    track_first: bool = True
    allow_noncommercial: bool = False
    search: tuple[int, int, int, int] | None = None
    compression: str | None = None
    multipart: bool = False
    parameters: Parameters = Parameters()
