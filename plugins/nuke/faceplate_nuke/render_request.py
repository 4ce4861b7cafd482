"""Requests to the engine as plain values, which a worker thread may hold. Imports no `nuke`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faceplate_client import frame_path

from .shot_state import ShotState, engine_document, file_frames

__all__ = ["FrameRequest", "RenderRequest", "TrackRequest", "render_request", "track_request"]


@dataclass(frozen=True)
class FrameRequest:
    """One frame: `frame` is Nuke's number, `plate_frame` the plate's, `path` the file to write."""

    frame: int
    plate_frame: int
    values: Mapping[str, Any]
    path: str


@dataclass(frozen=True)
class RenderRequest:
    """Frames of one shot, written to `pattern` at Nuke's numbers."""

    document: Mapping[str, Any]
    base: str
    frames: tuple[FrameRequest, ...]
    pattern: str
    proxy: int = 1
    priority: str = "interactive"
    supersede: str | None = None


@dataclass(frozen=True)
class TrackRequest:
    """A shot to be tracked into the file `track`."""

    document: Mapping[str, Any]
    base: str
    track: str
    frames: tuple[int, ...] = field(default_factory=tuple)


def render_request(state: ShotState, priority: str = "interactive", supersede: str | None = None) -> RenderRequest:
    """Return the request for a node's frames. Raises HostError where the plate's Read shows no picture."""
    numbers = file_frames(state)
    frames = tuple(
        FrameRequest(frame, numbers[frame], state.values(frame), frame_path(state.result, frame))
        for frame in state.frames
    )
    return RenderRequest(engine_document(state), state.base, frames, state.result, state.proxy, priority, supersede)


def track_request(state: ShotState) -> TrackRequest:
    """Return the request for a node's track. Raises HostError where the plate's Read shows no picture."""
    document = {key: value for key, value in engine_document(state).items() if key != "track"}
    frames = tuple(sorted(set(file_frames(state).values())))
    return TrackRequest({**document, "track": state.track}, state.base, state.track, frames)
