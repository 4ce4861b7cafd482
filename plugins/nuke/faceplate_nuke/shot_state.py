"""A node's state as plain values, and the shot documents made from it. Imports no `nuke`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faceplate_client import format_frames, simplified_keys

from .read_node import ReadSettings, file_frame

__all__ = ["ShotState", "engine_document", "exported_document", "file_frames"]


@dataclass(frozen=True)
class ShotState:
    """Everything that a FaceSwap's pixels depend on, read from Nuke at one time.

    `plate` is a file pattern: that of the Read `read` when the engine reads the plate itself, else (`read` None) that of
    the inner Write, in Nuke's frame numbers. `structure` holds the parameters that cannot be animated, `constants` and
    `animated` the others, the latter by Nuke's frame. `faces` are those of the node's shot file, with keys in the plate's
    frame numbers. `search` is (x, y, width, height), y down. `result` is the pattern
    of the element.
    """

    id: str
    name: str
    frames: tuple[int, ...]
    plate: str
    result: str
    read: ReadSettings | None = None
    space: str | None = None
    source: str = ""
    source_space: str | None = None
    track: str = ""
    ocio: str | None = None
    working: str | None = None
    allow_noncommercial: bool = False
    search: tuple[int, int, int, int] | None = None
    proxy: int = 1
    structure: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    animated: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    faces: tuple[Mapping[str, Any], ...] = ()
    app_version: str = ""
    script: str = ""

    @property
    def base(self) -> str:
        """The folder at which relative paths begin: the script's folder."""
        return os.path.dirname(self.script)

    def values(self, frame: int) -> dict[str, Any]:
        """Return the values of the parameters that may be animated, at Nuke's `frame`."""
        return {**self.constants, **{name: curve[frame] for name, curve in self.animated.items()}}


def engine_document(state: ShotState) -> dict[str, Any]:
    """Return the shot document for the engine.

    Values that may be animated are left out. They are sent with each frame, so that a change does not open another shot.
    """
    document: dict[str, Any] = {
        "faceplate_shot": 1,
        "id": state.id,
        "plate": state.plate,
        "space": state.space,
        "source": state.source,
        "source_space": state.source_space,
        "track": state.track,
        "ocio": state.ocio,
        "working": state.working,
        "search": list(state.search) if state.search else None,
        "allow_noncommercial": state.allow_noncommercial or None,
        "parameters": dict(state.structure),
        "faces": [dict(face) for face in state.faces],
    }
    return {key: value for key, value in document.items() if value not in (None, "", {}, [])}


def exported_document(state: ShotState, output: str, mode: str = "element") -> dict[str, Any]:
    """Return the shot file that renders the same frames without Nuke, with curves as keys in the plate's frame numbers."""
    numbers = file_frames(state)
    parameters: dict[str, Any] = {**state.structure, **state.constants}
    for name, curve in sorted(state.animated.items()):
        keys = simplified_keys({numbers[frame]: value for frame, value in sorted(curve.items(), reverse=True)})
        parameters[name] = keys[0][1] if len(keys) == 1 else {"keys": keys}
    hold = state.read is not None and state.read.on_error == "nearest frame"
    return {
        **engine_document(state),
        "name": state.name,
        "output": output,
        "mode": mode,
        "frames": format_frames(numbers.values()),
        "missing": "hold" if hold else "fail",
        "parameters": parameters,
        "host": {"app": "nuke", "version": state.app_version, "script": state.script},
    }


def file_frames(state: ShotState) -> dict[int, int]:
    """Return the plate's frame for each of Nuke's frames. Raises HostError where the Read shows no picture."""
    if state.read is None:
        return {frame: frame for frame in state.frames}
    return {frame: file_frame(state.read, frame) for frame in state.frames}
