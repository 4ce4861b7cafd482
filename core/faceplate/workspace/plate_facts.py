"""What the page is told of a plate: its size and windows, and its frame rate."""

from __future__ import annotations

from typing import Any

from faceplate.errors import FaceplateError
from faceplate.plate.movie import open_movie
from faceplate.render import Renderer

__all__ = ["frame_rate", "size_of"]

_RATE = 24.0


def size_of(renderer: Renderer, frames: tuple[int, ...]) -> dict[str, Any]:
    """Return the plate's size and windows, read from its first frame; None where there is none yet."""
    empty = {"width": None, "height": None, "pixel_aspect": 1.0, "display": None, "data": None}
    first = next((frame for frame in frames if renderer.plate.has(frame)), None)
    if first is None:
        return empty
    try:
        file = renderer.open(first)
    except FaceplateError:
        return empty
    display, data = file.display, file.data
    return {
        "width": display.width,
        "height": display.height,
        "pixel_aspect": file.pixel_aspect,
        "display": [display.x, display.y, display.width, display.height],
        "data": [data.x, data.y, data.width, data.height],
    }


def frame_rate(renderer: Renderer) -> float:
    """Return the frames a second: of a movie, of the plate's header, else 24."""
    plate = renderer.plate
    try:
        if plate.is_movie and plate.has(0):
            return float(open_movie(plate.path(0)).rate)
        first = next(iter(plate.on_disk()), None)
        said = None if first is None else renderer.open(first).attributes.get("framesPerSecond")
    except FaceplateError:
        return _RATE
    if isinstance(said, (tuple, list)) and len(said) == 2 and said[1]:
        return float(said[0]) / float(said[1])
    return float(said) if isinstance(said, (int, float)) and said > 0 else _RATE
